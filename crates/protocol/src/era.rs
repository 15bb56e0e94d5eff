//! Which era a request belongs to, decided from the request alone.
//!
//! The era is a property of each hop: nothing here looks at upstreams, and an upstream's era is never derived from
//! the client's. Invariant: a request with any modern sign is never served as a legacy one.

use http::HeaderMap;

use crate::{headers, ladder::Refusal, meta::ClientContext, params::Params, version};

/// The two families of revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// Stateless; every request describes itself.
    Modern,
    /// A handshake comes first.
    Legacy {
        /// The revision of this request, unless the session settled another one.
        version: &'static str,
    },
}

impl Era {
    /// Whether this is the stateless era.
    pub fn is_modern(self) -> bool {
        self == Self::Modern
    }

    /// The revision.
    pub fn version(self) -> &'static str {
        match self {
            Self::Modern => version::MODERN,
            Self::Legacy { version } => version,
        }
    }
}

/// A request that passed every check of the wire layer before its method is looked up.
#[derive(Debug, Clone)]
pub enum Admitted {
    /// With what the client said about itself.
    Modern(ClientContext),
    /// With the revision of its header.
    Legacy {
        /// The revision, unless the session settled another one.
        version: &'static str,
    },
}

impl Admitted {
    /// The era.
    pub fn era(&self) -> Era {
        match self {
            Self::Modern(_) => Era::Modern,
            Self::Legacy { version } => Era::Legacy { version },
        }
    }
}

/// Methods of the legacy revisions that the modern one removed.
const REMOVED: [&str; 8] = [
    "initialize",
    "notifications/initialized",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "notifications/roots/list_changed",
    "notifications/elicitation/complete",
];

/// Whether a modern request for this method must get 404 although a legacy one is served.
pub fn removed_in_modern(method: &str) -> bool {
    REMOVED.contains(&method)
}

/// The era of a request. A modern request still has to pass [`headers::check`] and [`ClientContext::read`].
pub fn detect(version_header: Option<&str>, method: &str, params: &Params<'_>) -> Result<Era, Refusal> {
    let named = params.meta_value(crate::meta::PROTOCOL_VERSION).is_some();
    if named || version_header.is_some_and(version::is_modern_or_later) {
        // Dual-era clients probe with `initialize`; with modern signs it is a removed method like any other.
        return match version_header {
            _ if method == "initialize" => Err(Refusal::MethodNotFound(method.to_owned())),
            // A later revision may keep its version elsewhere than in `_meta`; asking for the key would mislead.
            Some(later) if !named && later != version::MODERN => {
                Err(Refusal::UnsupportedVersion(later.to_owned()))
            }
            _ => Ok(Era::Modern),
        };
    }
    let Some(requested) = version_header else { return Ok(Era::Legacy { version: version::ASSUMED }) };
    match version::legacy(requested) {
        Some(version) => Ok(Era::Legacy { version }),
        // The body of `initialize` settles the revision; some clients already send the header they hope for.
        None if method == "initialize" => Ok(Era::Legacy { version: version::ASSUMED }),
        None => Err(Refusal::UnsupportedVersion(requested.to_owned())),
    }
}

/// Every check between the parsed message and the lookup of its method, in the order of the ladder.
pub fn admit(headers: &HeaderMap, method: &str, params: &Params<'_>) -> Result<Admitted, Refusal> {
    let version_header = headers::single(headers, &headers::PROTOCOL_VERSION)?;
    let era = detect(version_header, method, params)?;
    match era {
        Era::Legacy { version } => Ok(Admitted::Legacy { version }),
        Era::Modern => {
            headers::check(era, headers, method, params)?;
            let context = ClientContext::read(params)?;
            if removed_in_modern(method) {
                return Err(Refusal::MethodNotFound(method.to_owned()));
            }
            Ok(Admitted::Modern(context))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::value::RawValue;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    fn meta(version: &str) -> Box<RawValue> {
        raw(&format!(
            r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}"#
        ))
    }

    fn verdict(
        lines: &[(&'static str, &'static str)],
        method: &str,
        params: &RawValue,
    ) -> Result<Era, (u16, i64)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let params = Params::parse(Some(params)).unwrap();
        admit(&headers, method, &params)
            .map(|admitted| admitted.era())
            .map_err(|refusal| (refusal.status(), refusal.rpc().unwrap().code))
    }

    const MODERN_HEADER: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

    #[test]
    fn modern_requests_are_checked_in_the_order_of_the_ladder() {
        let (list, now) = (("mcp-method", "tools/list"), meta("2026-07-28"));
        let run =
            |lines: &[(&'static str, &'static str)], params: &RawValue| verdict(lines, "tools/list", params);
        assert_eq!(run(&[MODERN_HEADER, list], &now), Ok(Era::Modern));
        assert_eq!(run(&[list], &now), Err((400, -32020)), "no version header");
        assert_eq!(run(&[MODERN_HEADER], &now), Err((400, -32020)), "no method header");
        assert_eq!(run(&[MODERN_HEADER, MODERN_HEADER, list], &now), Err((400, -32020)), "repeated header");
        assert_eq!(run(&[("mcp-protocol-version", "2025-11-25"), list], &now), Err((400, -32020)));
        assert_eq!(run(&[MODERN_HEADER, list], &raw("{}")), Err((400, -32602)), "no _meta");
        let future = ("mcp-protocol-version", "2099-01-01");
        assert_eq!(run(&[future, list], &meta("2099-01-01")), Err((400, -32022)));
        assert_eq!(run(&[future], &raw("{}")), Err((400, -32022)), "a later revision may look different");
        let old = ("mcp-protocol-version", "2025-11-25");
        assert_eq!(run(&[old, list], &meta("2025-11-25")), Err((400, -32022)), "no handshake, no legacy");
    }

    #[test]
    fn removed_methods_are_gone_for_modern_clients() {
        let now = meta("2026-07-28");
        for method in
            ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]
        {
            assert_eq!(verdict(&[MODERN_HEADER, ("mcp-method", method)], method, &now), Err((404, -32601)));
            assert!(verdict(&[], method, &raw("{}")).is_ok(), "{method} is served to legacy clients");
        }
    }

    #[test]
    fn legacy_requests_take_the_header_or_the_assumed_revision() {
        let legacy = |version| Ok(Era::Legacy { version });
        let none = raw("{}");
        assert_eq!(verdict(&[], "tools/list", &none), legacy("2025-03-26"));
        let header = |value| [("mcp-protocol-version", value)];
        assert_eq!(verdict(&header("2025-11-25"), "tools/list", &none), legacy("2025-11-25"));
        assert_eq!(verdict(&header("1999-01-01"), "tools/list", &none), Err((400, -32022)));
        assert_eq!(verdict(&header("banana"), "tools/list", &none), Err((400, -32022)));
        assert_eq!(verdict(&header("banana"), "initialize", &none), legacy("2025-03-26"));
        let asks = raw(r#"{"protocolVersion":"2026-07-28"}"#);
        assert_eq!(
            verdict(&[], "initialize", &asks),
            legacy("2025-03-26"),
            "the body's wish is no modern sign"
        );
    }
}
