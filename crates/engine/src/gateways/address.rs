//! Where a gateway is: whether two URLs lead to the same peer, and how a URL is shown to those who may not change it.

use url::Url;

use super::credentials::MASK;

/// What the names of query parameters that hold secrets have in them.
const SECRET: &[&str] =
    &["key", "token", "secret", "sig", "pass", "pwd", "auth", "credential", "session", "jwt", "code"];

/// Whether two URLs have the same scheme, host and port. What is no URL leads nowhere known.
pub(crate) fn same_peer(one: &str, other: &str) -> bool {
    match (Url::parse(one.trim()), Url::parse(other.trim())) {
        (Ok(one), Ok(other)) => one.host().is_some() && one.origin() == other.origin(),
        _ => false,
    }
}

/// A URL with the secrets in its query masked. A URL without any stays as it was written.
pub(crate) fn masked(url: &str) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, fragment)| (rest, Some(fragment)));
    let Some((place, query)) = rest.split_once('?') else { return url.to_owned() };
    let parameters: Vec<String> = query.split('&').map(parameter).collect();
    let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
    format!("{place}?{}{fragment}", parameters.join("&"))
}

fn parameter(pair: &str) -> String {
    let Some((name, value)) = pair.split_once('=') else { return pair.to_owned() };
    let plain = crate::resolve::templates::spelling(name).to_ascii_lowercase();
    let is_secret = SECRET.iter().any(|part| plain.contains(part));
    if is_secret && !value.is_empty() { format!("{name}={MASK}") } else { pair.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_a_query_are_masked_and_the_rest_stays() {
        let of = |query: &str| masked(&format!("https://h/mcp?{query}"));
        assert_eq!(of("apikey=abc&x=1"), "https://h/mcp?apikey=*****&x=1");
        assert_eq!(
            of("X-Amz-Signature=a%20b&api%5Fkey=c#f"),
            "https://h/mcp?X-Amz-Signature=*****&api%5Fkey=*****#f"
        );
        assert_eq!(of("a=b&token="), "https://h/mcp?a=b&token=");
        assert_eq!(masked("https://token=a/mcp"), "https://token=a/mcp");
    }

    #[test]
    fn a_peer_is_scheme_host_and_port() {
        assert!(same_peer("http://h/mcp", "HTTP://H:80/other?x"));
        for other in ["https://h/mcp", "http://h:81/mcp", "http://h.x/mcp", "stdio:h", ""] {
            assert!(!same_peer("http://h/mcp", other), "{other}");
        }
        assert!(!same_peer("stdio:a", "stdio:a"));
    }
}
