//! Settings of several processes that are one gateway.

use domain::{Env, settings::List};
use ipnet::IpNet;

domain::settings! {
    /// Several processes on one database. What waits in one of them for its client is handed to it by the others.
    ReplicaSettings {
        /// Where the other processes reach this one, for example `http://10.0.0.5:4444`; port 0 stands for the port that was bound. While it is not set, what comes in at another process than the one that waits for it is refused, or served without what that one remembers.
        url: Option<String> = "REPLICA_URL";
        /// Networks that the other processes may be in.
        networks: List<IpNet> = "REPLICA_NETWORKS", default "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7";
    }
}

pub(super) fn check(settings: &ReplicaSettings, env: &mut Env) {
    if settings.url.as_deref().is_some_and(|url| origin(url, 1).is_none()) {
        env.problem("REPLICA_URL", "must be http:// or https://, a host and a port, and nothing else");
    }
}

/// The address without a path, with `bound` in place of port 0.
pub(crate) fn origin(text: &str, bound: u16) -> Option<String> {
    let mut url = url::Url::parse(text.trim()).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if url.port() == Some(0) {
        url.set_port(Some(bound)).ok()?;
    }
    plain.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_with_a_port_that_can_be_left_open() {
        assert_eq!(origin("http://10.0.0.5:4444/", 9).as_deref(), Some("http://10.0.0.5:4444"));
        assert_eq!(origin("http://[::1]:0", 9).as_deref(), Some("http://[::1]:9"));
        for wrong in ["10.0.0.5:4444", "ftp://a", "http://a/b", "http://a?b", "http://a:b@c", "http://a#b"] {
            assert_eq!(origin(wrong, 9), None, "{wrong}");
        }
    }
}
