//! Security headers, the same on every answer. An answer that brings its own `Content-Security-Policy` or
//! `Cache-Control` keeps it: pages need more than JSON does.

use axum::response::Response;
use http::{
    HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
    },
};

use crate::settings::AnswerSettings;

/// The headers, made once.
#[derive(Debug)]
pub(super) struct AnswerHeaders {
    always: Vec<(HeaderName, HeaderValue)>,
    unless_present: Vec<(HeaderName, HeaderValue)>,
    hsts: Option<HeaderValue>,
}

impl AnswerHeaders {
    pub(super) fn new(settings: &AnswerSettings) -> Self {
        if !settings.enabled {
            return Self { always: Vec::new(), unless_present: Vec::new(), hsts: None };
        }
        let mut always = vec![(REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"))];
        let mut add = |wanted: bool, name: HeaderName, value: &'static str| {
            if wanted {
                always.push((name, HeaderValue::from_static(value)));
            }
        };
        add(settings.nosniff, X_CONTENT_TYPE_OPTIONS, "nosniff");
        add(settings.xss_protection, X_XSS_PROTECTION, "0");
        add(settings.download_options, HeaderName::from_static("x-download-options"), "noopen");
        let frames = settings.x_frame_options.as_str();
        add(frames == "DENY", X_FRAME_OPTIONS, "DENY");
        add(frames == "SAMEORIGIN", X_FRAME_OPTIONS, "SAMEORIGIN");
        let hsts = settings.hsts_enabled.then(|| {
            let subdomains = if settings.hsts_include_subdomains { "; includeSubDomains" } else { "" };
            HeaderValue::try_from(format!("max-age={}{subdomains}", settings.hsts_max_age)).ok()
        });
        let policy = match frame_ancestors(frames) {
            "'none'" => HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
            "'self'" => HeaderValue::from_static("default-src 'none'; frame-ancestors 'self'"),
            _ => HeaderValue::from_static("default-src 'none'"),
        };
        let unless_present =
            vec![(CONTENT_SECURITY_POLICY, policy), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        Self { always, unless_present, hsts: hsts.flatten() }
    }

    /// Puts the headers on an answer.
    pub(super) fn mark(&self, response: &mut Response, https: bool) {
        let headers = response.headers_mut();
        for (name, value) in &self.always {
            headers.insert(name.clone(), value.clone());
        }
        for (name, value) in &self.unless_present {
            headers.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if let Some(hsts) = self.hsts.as_ref().filter(|_| https) {
            headers.insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
    }
}

/// The `frame-ancestors` that says the same as `X-Frame-Options`.
pub(crate) fn frame_ancestors(x_frame_options: &str) -> &'static str {
    match x_frame_options {
        "SAMEORIGIN" => "'self'",
        "ALLOW-ALL" => "*",
        _ => "'none'",
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, response::IntoResponse};

    use super::*;

    fn marked(vars: &[(&str, &str)], response: impl IntoResponse, https: bool) -> Response {
        let mut env =
            domain::Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut response = response.into_response();
        AnswerHeaders::new(&AnswerSettings::read(&mut env).unwrap()).mark(&mut response, https);
        response
    }

    #[test]
    fn every_answer_gets_them() {
        let response = marked(&[], Body::empty(), false);
        let value = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(value("x-frame-options").as_deref(), Some("DENY"));
        assert_eq!(value("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(
            value("content-security-policy").as_deref(),
            Some("default-src 'none'; frame-ancestors 'none'")
        );
        assert_eq!(value("cache-control").as_deref(), Some("no-store"));
        assert_eq!(value("strict-transport-security"), None, "not over http");
    }

    #[test]
    fn settings_and_pages_have_their_say() {
        let own = [(CONTENT_SECURITY_POLICY, "script-src 'self'")];
        let response = marked(&[("X_FRAME_OPTIONS", "ALLOW-ALL")], own, true);
        assert_eq!(response.headers().get(CONTENT_SECURITY_POLICY).unwrap(), "script-src 'self'");
        assert!(response.headers().get(X_FRAME_OPTIONS).is_none());
        let hsts = response.headers().get(STRICT_TRANSPORT_SECURITY).unwrap();
        assert_eq!(hsts, "max-age=31536000; includeSubDomains");
    }
}
