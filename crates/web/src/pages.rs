//! HTML answers: text of this program with a policy that lets nothing run but what it brings itself (layer 6).
//!
//! A page is made once; each answer of it has a nonce of its own, in the header and on the page's own inline elements. No
//! other module may answer with `text/html`: what does, has no policy that any inline element could satisfy.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use domain::Result;
use engine::content_security::csp::{self, Csp, CspMode, Nonce};
use http::{
    HeaderValue,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

use crate::{layers::frame_ancestors, settings::Settings};

/// Stands in the text of a page where the nonce belongs: no text of a page has a control character.
pub(crate) const NONCE: &str = "\u{1}nonce\u{1}";

/// A page, cut where the nonce belongs.
#[derive(Debug)]
pub(crate) struct Page {
    pieces: Vec<String>,
}

impl Page {
    pub(crate) fn new(html: &str) -> Self {
        Self { pieces: html.split(NONCE).map(ToOwned::to_owned).collect() }
    }

    fn with(&self, nonce: &Nonce) -> String {
        self.pieces.join(nonce.as_str())
    }
}

/// The policy of all pages.
#[derive(Debug)]
pub(crate) struct PagePolicy {
    mode: CspMode,
    frames: &'static str,
}

impl PagePolicy {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { mode: settings.pages.csp_mode, frames: frame_ancestors(&settings.answers.x_frame_options) }
    }

    /// The page, with a fresh nonce and the policy that knows it.
    pub(crate) fn answer(&self, page: &Page) -> Result<Response> {
        let nonce = engine::content_security::nonce()?;
        let policy = HeaderValue::try_from(self.header(&nonce).as_ref()).map_err(domain::Error::internal)?;
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CONTENT_SECURITY_POLICY, policy),
        ];
        Ok((headers, page.with(&nonce)).into_response())
    }

    fn header(&self, nonce: &Nonce) -> Cow<'static, str> {
        match self.mode {
            CspMode::Strict => Csp::strict(nonce).framed_by(self.frames).to_string().into(),
            CspMode::Compat => csp::COMPAT.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nonce_is_in_the_header_and_at_every_mark() {
        let page =
            Page::new(&format!("<style nonce=\"{NONCE}\"></style><script nonce=\"{NONCE}\">1</script>"));
        let nonce = Nonce::new([7; 16]);
        let text = page.with(&nonce);
        assert_eq!(text.matches(&format!("nonce=\"{}\"", nonce.as_str())).count(), 2);
        let policy = PagePolicy { mode: CspMode::Strict, frames: "'self'" };
        let header = policy.header(&nonce);
        assert!(header.contains(&format!("script-src 'self' 'nonce-{}'", nonce.as_str())), "{header}");
        assert!(header.contains("frame-ancestors 'self'") && !header.contains("unsafe-inline"), "{header}");
        let policy = PagePolicy { mode: CspMode::Compat, frames: "'none'" };
        assert_eq!(policy.header(&nonce), csp::COMPAT);
    }
}
