//! The user whom a reverse proxy vouches for.
//!
//! The header is worth something only where it comes straight from a proxy that is believed, which the address of
//! the connected peer decides and no header. From anybody else it is an attempt: it is not looked at, and a request
//! that has nothing better is refused, even where anonymous callers are let in.

use std::net::IpAddr;

use domain::Error;
use http::{HeaderMap, HeaderName};

use crate::settings::Settings;

/// Whose word counts.
#[derive(Debug)]
pub(crate) struct ProxyUsers {
    header: HeaderName,
    enabled: bool,
    for_mcp: bool,
    from_anybody: bool,
}

/// What the header is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Vouched<'a> {
    /// There is none, or it is not used.
    Nothing,
    /// A believed proxy names somebody.
    For(&'a str),
    /// Somebody tries.
    Refused,
}

const REFUSED: Error = Error::Unauthenticated("Invalid authentication credentials");

impl ProxyUsers {
    pub(super) fn new(settings: &Settings) -> Self {
        let given = &settings.credentials;
        let header = HeaderName::try_from(given.proxy_user_header.as_str());
        let without_networks = settings.listen.trusted_proxies.0.is_empty();
        let from_anybody = given.trust_proxy && given.trust_anybody && without_networks;
        Self {
            header: header.unwrap_or(HeaderName::from_static("x-authenticated-user")),
            enabled: given.trust_proxy,
            for_mcp: !given.mcp_client_auth,
            from_anybody,
        }
    }

    /// Says at the start what is dangerous, and what has no effect.
    #[expect(clippy::cognitive_complexity, reason = "it is the log macros that branch")]
    pub(super) fn warn(&self, has_networks: bool) {
        if self.from_anybody {
            tracing::error!(
                "TRUST_PROXY_AUTH_DANGEROUSLY is on and TRUSTED_PROXY_CIDRS is empty: whoever reaches this port can \
                 be any user by naming one"
            );
        } else if self.enabled && !has_networks {
            tracing::warn!("TRUST_PROXY_AUTH has no effect until TRUSTED_PROXY_CIDRS names the proxies");
        }
    }

    /// The header, which is never passed on.
    pub(crate) fn header(&self) -> &HeaderName {
        &self.header
    }

    /// What the header of a request is worth. `trusts` says whether an address is a proxy's.
    pub(super) fn of<'a>(
        &self,
        headers: &'a HeaderMap,
        mcp: bool,
        peer: Option<IpAddr>,
        trusts: impl Fn(IpAddr) -> bool,
    ) -> Result<Vouched<'a>, Error> {
        let mut values = headers.get_all(&self.header).iter();
        let Some(value) = values.next().filter(|_| self.enabled && (!mcp || self.for_mcp)) else {
            return Ok(Vouched::Nothing);
        };
        if !self.from_anybody && !peer.is_some_and(trusts) {
            return Ok(Vouched::Refused);
        }
        // Two names, or something that is none, is a mistake of the proxy or a client's header that it let through.
        let one = values.next().is_none();
        let name = value.to_str().ok().map(str::trim).filter(|name| one && is_one_address(name));
        name.map(Vouched::For).ok_or(REFUSED)
    }
}

fn is_one_address(name: &str) -> bool {
    domain::name::email("", name).is_ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn users(vars: &[(&str, &str)]) -> ProxyUsers {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ProxyUsers::new(&Settings::read(&mut domain::Env::new(vars)).unwrap())
    }

    const ON: [(&str, &str); 2] = [("TRUST_PROXY_AUTH", "true"), ("TRUSTED_PROXY_CIDRS", "10.0.0.0/8")];

    fn of(users: &ProxyUsers, values: &[&[u8]], peer: &str) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-authenticated-user", HeaderValue::from_bytes(value).unwrap());
        }
        let trusts = |ip: IpAddr| ip.to_string().starts_with("10.");
        format!("{:?}", users.of(&headers, false, peer.parse().ok(), trusts).map_err(|_| "401"))
    }

    #[test]
    fn only_a_believed_proxy_names_somebody() {
        let on = users(&ON);
        assert_eq!(of(&on, &[b"ann@example.com"], "10.0.0.1"), "Ok(For(\"ann@example.com\"))");
        assert_eq!(of(&on, &[b"ann@example.com"], "192.0.2.1"), "Ok(Refused)");
        assert_eq!(of(&on, &[b"ann@example.com"], "no peer"), "Ok(Refused)");
        assert_eq!(of(&on, &[], "192.0.2.1"), "Ok(Nothing)");
        assert_eq!(of(&users(&[]), &[b"ann@example.com"], "10.0.0.1"), "Ok(Nothing)", "switched off");
        assert_eq!(of(&users(&ON[..1]), &[b"ann@example.com"], "192.0.2.1"), "Ok(Refused)", "no networks");
    }

    #[test]
    fn what_is_not_one_address_is_refused() {
        let on = users(&ON);
        let two: [&[u8]; 2] = [b"ann@example.com", b"ann@example.com"];
        assert_eq!(of(&on, &two, "10.0.0.1"), "Err(\"401\")");
        for wrong in
            [&b"ann@example.com,bob@example.com"[..], b"ann", b"", b"ann@ex\tample.com", b"a\xff@b.c"]
        {
            assert_eq!(of(&on, &[wrong], "10.0.0.1"), "Err(\"401\")", "{wrong:?}");
        }
    }

    #[test]
    fn mcp_clients_need_their_own_token_unless_told_otherwise() {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-authenticated-user"),
            HeaderValue::from_static("ann@example.com"),
        )]);
        let mcp = |users: ProxyUsers| users.of(&headers, true, "10.0.0.1".parse().ok(), |_| true).unwrap();
        assert_eq!(mcp(users(&ON)), Vouched::Nothing);
        let mut without = ON.to_vec();
        without.push(("MCP_CLIENT_AUTH_ENABLED", "false"));
        assert_eq!(mcp(users(&without)), Vouched::For("ann@example.com"));
    }
}
