//! Tells the outermost layer whose token a request used, so that its statistics know how it was answered.
//!
//! The layer attaches an empty note to the request, the guard fills it, and the layer reads it with the answer in
//! hand. Only tokens whose use is counted leave a trace.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::extract::MatchedPath;
use domain::Timestamp;
use engine::authn::{Credential, Meter};
use http::{Method, StatusCode, request::Parts};

/// The note of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct UsedToken(Arc<OnceLock<Used>>);

#[derive(Debug)]
struct Used {
    meter: Arc<Meter>,
    path: Option<MatchedPath>,
}

impl UsedToken {
    /// Fills the note of a request.
    pub(super) fn fill(parts: &Parts, credential: &Credential) {
        if let Some(meter) = credential.meter()
            && let Some(note) = parts.extensions.get::<Self>()
        {
            let path = parts.extensions.get::<MatchedPath>().cloned();
            // A request is authenticated once.
            note.0.get_or_init(|| Used { meter: Arc::clone(meter), path });
        }
    }

    /// Counts the answer.
    pub(crate) fn answered(&self, method: &Method, status: StatusCode, took: Duration, now: Timestamp) {
        let Some(Used { meter, path }) = self.0.get() else { return };
        let path = path.as_ref().map_or("", MatchedPath::as_str);
        let denied = matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        meter.answered(&format!("{method} {path}"), denied, took, now);
    }
}
