//! The settings of HTML pages.

use engine::content_security::csp::CspMode;

domain::settings! {
    /// HTML pages.
    PageSettings {
        /// The `Content-Security-Policy` of pages: `strict` allows this origin and nonces; `compat` is the header of ContextForge, which allows inline script and two foreign origins.
        csp_mode: CspMode = "CSP_MODE", default "strict";
    }
}
