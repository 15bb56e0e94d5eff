//! What a gateway can be made of, and everything that can be wrong with it, reported at once.

use domain::{
    Error, Problem, Result,
    gateway::{ProtocolChoice, Transport, UpstreamAuth},
    name,
    record::Tag,
};

use super::{address, credentials::AuthInput};
use crate::ownership::Wish;

/// The longest description, in characters.
pub(crate) const LONGEST_DESCRIPTION: usize = 8192;
const LONGEST_URL: usize = 2048;
const SHORTEST_REFRESH: i64 = 60;

/// A gateway to be registered.
#[derive(Debug, Clone, Default)]
pub struct NewGateway {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// For people.
    pub description: Option<String>,
    /// `SSE`, which is the default, or `STREAMABLEHTTP`.
    pub transport: Option<String>,
    /// `auto`, which is the default, `legacy` or `modern`.
    pub protocol: Option<String>,
    /// Credentials.
    pub auth: AuthInput,
    /// Names of client headers to pass on.
    pub passthrough_headers: Vec<String>,
    /// Seconds between discoveries.
    pub refresh_interval_seconds: Option<i64>,
    /// Tags.
    pub tags: Vec<String>,
    /// Who may know of it.
    pub wish: Wish,
}

/// A change of a gateway; absent members stay as they are.
#[derive(Debug, Clone, Default)]
pub struct ChangeGateway {
    /// Its name; the names of its tools follow.
    pub name: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// `SSE` or `STREAMABLEHTTP`.
    pub transport: Option<String>,
    /// `auto`, `legacy` or `modern`.
    pub protocol: Option<String>,
    /// Credentials.
    pub auth: AuthInput,
    /// Names of client headers to pass on.
    pub passthrough_headers: Option<Vec<String>>,
    /// Seconds between discoveries.
    pub refresh_interval_seconds: Option<i64>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Who may know of it.
    pub wish: Wish,
}

/// The checked members of an input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) url: String,
    pub(crate) description: Option<String>,
    pub(crate) transport: Transport,
    pub(crate) protocol: ProtocolChoice,
    pub(crate) auth: UpstreamAuth,
    pub(crate) passthrough_headers: Vec<String>,
    pub(crate) refresh_interval_seconds: Option<i64>,
    pub(crate) tags: Vec<Tag>,
}

impl NewGateway {
    /// Checks everything but what needs the network or the database.
    pub(crate) fn check(&self, separator: &str) -> (Option<Checked>, Vec<Problem>) {
        let mut check = Check::default();
        let checked = Checked {
            slug: check.name(&self.name, separator),
            name: self.name.trim().to_owned(),
            url: check.url(&self.url),
            description: check.description(self.description.clone()),
            transport: self.transport.as_deref().map_or(Transport::Sse, |text| check.transport(text)),
            protocol: self.protocol.as_deref().map_or(ProtocolChoice::Auto, |text| check.protocol(text)),
            auth: check.auth(&self.auth, &UpstreamAuth::None),
            passthrough_headers: check.headers(&self.passthrough_headers),
            refresh_interval_seconds: check.interval(self.refresh_interval_seconds),
            tags: check.tags(&self.tags),
        };
        (check.problems.is_empty().then_some(checked), check.problems)
    }
}

impl ChangeGateway {
    /// Checks the change over what is there now.
    pub(crate) fn check(&self, now: &Checked, separator: &str) -> (Option<Checked>, Vec<Problem>) {
        let mut check = Check::default();
        let name = self.name.as_deref().unwrap_or(&now.name);
        let checked = Checked {
            slug: check.name(name, separator),
            name: name.trim().to_owned(),
            url: self.new_url(now).map_or_else(|| now.url.clone(), |url| check.url(url)),
            description: check.description(self.description.clone().or_else(|| now.description.clone())),
            transport: self.transport.as_deref().map_or(now.transport, |text| check.transport(text)),
            protocol: self.protocol.as_deref().map_or(now.protocol, |text| check.protocol(text)),
            auth: check.changed_auth(self, now),
            passthrough_headers: check.changed_headers(self, now),
            refresh_interval_seconds: check
                .interval(self.refresh_interval_seconds)
                .or(now.refresh_interval_seconds),
            tags: self.tags.as_ref().map_or_else(|| now.tags.clone(), |tags| check.tags(tags)),
        };
        (check.problems.is_empty().then_some(checked), check.problems)
    }
}

impl ChangeGateway {
    /// The URL, where another one is wanted. A reader who may not see its secrets sends the masked one back.
    pub(crate) fn new_url(&self, now: &Checked) -> Option<&str> {
        self.url.as_deref().map(str::trim).filter(|url| *url != now.url && *url != address::masked(&now.url))
    }

    /// Whether the change leads to somebody else, who was not trusted with what is stored.
    fn moves(&self, now: &Checked) -> bool {
        self.new_url(now).is_some_and(|url| !address::same_peer(url, &now.url))
    }
}

/// Ends a check: the checked input where nothing was wrong.
pub(crate) fn all_right<T>(checked: Option<T>, problems: Vec<Problem>) -> Result<T> {
    match checked {
        Some(checked) if problems.is_empty() => Ok(checked),
        _ => Err(Error::Invalid(problems)),
    }
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, field: &str, message: impl Into<String>) {
        self.problems.push(Problem { field: field.to_owned(), message: message.into() });
    }

    fn name(&mut self, name: &str, separator: &str) -> String {
        let slug = name::slug(name, separator);
        if let Err(problem) = name::check_name("name", name.trim()) {
            self.problems.push(problem);
        } else if slug.is_empty() {
            self.problem("name", "must have a letter or a digit: the names of the tools start with it");
        }
        slug
    }

    fn url(&mut self, url: &str) -> String {
        let url = url.trim();
        if url.is_empty() || url.len() > LONGEST_URL {
            self.problem("url", format!("must be 1 to {LONGEST_URL} characters"));
        } else if !(url.starts_with("http://") || url.starts_with("https://")) {
            self.problem(
                "url",
                "must start with http:// or https://; a command can only stand in the servers file",
            );
        }
        url.to_owned()
    }

    fn description(&mut self, description: Option<String>) -> Option<String> {
        if description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            self.problem("description", format!("must be at most {LONGEST_DESCRIPTION} characters"));
        }
        description
    }

    fn transport(&mut self, text: &str) -> Transport {
        match text.parse() {
            Ok(transport @ (Transport::Sse | Transport::StreamableHttp)) => transport,
            Ok(Transport::Stdio) => {
                let message = "STDIO servers run commands and can only stand in the servers file (--servers)";
                self.problem("transport", message);
                Transport::Stdio
            }
            Ok(Transport::Builtin) | Err(_) => {
                self.problem("transport", "must be STREAMABLEHTTP or SSE");
                Transport::Sse
            }
        }
    }

    fn protocol(&mut self, text: &str) -> ProtocolChoice {
        match text.to_ascii_lowercase().as_str() {
            "auto" => ProtocolChoice::Auto,
            "legacy" => ProtocolChoice::Legacy,
            "modern" => ProtocolChoice::Modern,
            _ => {
                self.problem("protocol", "must be auto, legacy or modern");
                ProtocolChoice::Auto
            }
        }
    }

    fn auth(&mut self, input: &AuthInput, stored: &UpstreamAuth) -> UpstreamAuth {
        input.resolve(stored).unwrap_or_else(|problems| {
            self.problems.extend(problems);
            UpstreamAuth::None
        })
    }

    /// The credentials after a change. They were given for one host, and do not follow the gateway to another one:
    /// whoever may change a URL would otherwise learn them.
    fn changed_auth(&mut self, change: &ChangeGateway, now: &Checked) -> UpstreamAuth {
        if now.auth == UpstreamAuth::None || !change.moves(now) {
            return self.auth(&change.auth, &now.auth);
        }
        let again = "was given for another host; with a new scheme, host or port give the credentials again";
        let fields: &[&str] = match &now.auth {
            UpstreamAuth::None => &[],
            UpstreamAuth::Basic { .. } => &["auth_username", "auth_password"],
            UpstreamAuth::Bearer { .. } => &["auth_token"],
            UpstreamAuth::Headers(_) => &["auth_headers"],
        };
        if change.auth.is_silent() {
            for field in fields {
                self.problem(field, again);
            }
            return UpstreamAuth::None;
        }
        let before = self.problems.len();
        // As if nothing were stored: there is nothing behind a mask then.
        let auth = self.auth(&change.auth, &UpstreamAuth::None);
        for problem in self.problems.iter_mut().skip(before) {
            problem.message = format!("{}; what is stored {again}", problem.message);
        }
        auth
    }

    /// The headers of clients that are passed on after a change; they do not follow the gateway to another host either.
    fn changed_headers(&mut self, change: &ChangeGateway, now: &Checked) -> Vec<String> {
        if let Some(names) = &change.passthrough_headers {
            return self.headers(names);
        }
        if !now.passthrough_headers.is_empty() && change.moves(now) {
            let message = "were given for another host; with a new scheme, host or port give them again";
            self.problem("passthrough_headers", message);
        }
        now.passthrough_headers.clone()
    }

    fn headers(&mut self, names: &[String]) -> Vec<String> {
        for (at, name) in names.iter().enumerate() {
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                self.problem(&format!("passthrough_headers[{at}]"), "must be letters, digits and '-'");
            }
        }
        names.to_vec()
    }

    fn interval(&mut self, seconds: Option<i64>) -> Option<i64> {
        if seconds.is_some_and(|seconds| !(SHORTEST_REFRESH..=86_400 * 30).contains(&seconds)) {
            self.problem("refresh_interval_seconds", "must be 60 seconds to 30 days");
        }
        seconds
    }

    fn tags(&mut self, tags: &[String]) -> Vec<Tag> {
        name::tags(tags.iter().map(String::as_str), "tags").unwrap_or_else(|problem| {
            self.problems.push(problem);
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> NewGateway {
        NewGateway { name: "Time Server".to_owned(), url: "http://h/mcp".to_owned(), ..NewGateway::default() }
    }

    #[test]
    fn defaults_are_contextforges() {
        let checked = good().check("-").0.unwrap();
        assert_eq!((checked.slug.as_str(), checked.transport), ("time-server", Transport::Sse));
        assert_eq!((checked.protocol, checked.auth), (ProtocolChoice::Auto, UpstreamAuth::None));
    }

    #[test]
    fn every_problem_is_reported_with_its_field() {
        let bad = NewGateway {
            name: "<b>".to_owned(),
            url: "stdio:rm".to_owned(),
            transport: Some("STDIO".to_owned()),
            protocol: Some("new".to_owned()),
            auth: AuthInput { kind: Some("oauth".to_owned()), ..AuthInput::default() },
            passthrough_headers: vec!["X A".to_owned()],
            refresh_interval_seconds: Some(5),
            tags: vec!["x".to_owned()],
            description: Some("d".repeat(9000)),
            wish: Wish::default(),
        };
        let (checked, problems) = bad.check("-");
        assert_eq!(checked, None);
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected = [
            "name",
            "url",
            "description",
            "transport",
            "protocol",
            "auth_type",
            "passthrough_headers[0]",
            "refresh_interval_seconds",
            "tags",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_name_without_letters_is_no_prefix() {
        let (checked, problems) = NewGateway { name: "---".to_owned(), ..good() }.check("-");
        assert!(checked.is_none());
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn credentials_do_not_follow_a_gateway_to_another_host() {
        let secret = || domain::Secret::new("s".to_owned());
        let bearer = UpstreamAuth::Bearer { token: secret() };
        let headers = UpstreamAuth::Headers(vec![("X-Key".to_owned(), secret())]);
        let basic = UpstreamAuth::Basic { username: "bob".to_owned(), password: secret() };
        let moved = |auth: &UpstreamAuth, url: &str, input: AuthInput| {
            let passthrough_headers = vec!["X-Tenant".to_owned()];
            let now = Checked { auth: auth.clone(), passthrough_headers, ..good().check("-").0.unwrap() };
            let change = ChangeGateway { url: Some(url.to_owned()), auth: input, ..ChangeGateway::default() };
            let (checked, problems) = change.check(&now, "-");
            let fields: Vec<String> = problems.into_iter().map(|problem| problem.field).collect();
            (checked.map(|checked| checked.auth), fields)
        };
        let silent = AuthInput::default;
        for url in
            ["http://evil/mcp", "https://h/mcp", "http://h:81/mcp", "http://h.evil/mcp", "http://h@evil/mcp"]
        {
            assert_eq!(moved(&bearer, url, silent()).1, ["auth_token", "passthrough_headers"], "{url}");
        }
        assert_eq!(moved(&headers, "http://evil/", silent()).1, ["auth_headers", "passthrough_headers"]);
        assert_eq!(moved(&basic, "http://evil/", silent()).1[..2], ["auth_username", "auth_password"]);
        let masked = AuthInput {
            kind: Some("bearer".to_owned()),
            token: Some(domain::Secret::new(crate::gateways::MASK.to_owned())),
            ..silent()
        };
        assert_eq!(moved(&bearer, "http://evil/", masked.clone()).1, ["auth_token", "passthrough_headers"]);
        for same in ["http://h/other", "http://H:80/mcp?x=1"] {
            assert_eq!(moved(&bearer, same, masked.clone()).0, Some(bearer.clone()), "{same}");
        }
        let again = AuthInput { token: Some(domain::Secret::new("new".to_owned())), ..silent() };
        assert_eq!(moved(&bearer, "http://evil/", again).1, ["passthrough_headers"]);
        let none = AuthInput { kind: Some("none".to_owned()), ..silent() };
        assert_eq!(moved(&bearer, "http://evil/", none).1, ["passthrough_headers"]);
    }

    #[test]
    fn what_a_change_does_not_name_stays() {
        let now = good().check("-").0.unwrap();
        assert_eq!(ChangeGateway::default().check(&now, "-").0, Some(now.clone()));
        let change =
            ChangeGateway { name: Some("Other".to_owned()), tags: Some(vec![]), ..ChangeGateway::default() };
        assert_eq!(change.check(&now, "-").0.unwrap().slug, "other");
    }
}
