//! Telling an HTTP+SSE server how much to log, once for each level more verbose than before.

use std::sync::atomic::Ordering;

use protocol::{json::RawObject, meta::LOG_LEVELS};
use tokio::time::Instant;

use super::session::Session;
use crate::{
    call::{Call, CallContext},
    fault::Fault,
    follow::PATIENCE,
    hop,
};

impl Session {
    /// Tells the server to log more, if it logs and was not told before. Who hears what is sorted out here.
    pub(super) async fn raise(&self, level: usize, deadline: Instant) -> Result<(), Fault> {
        let told = &self.line.level;
        let logs = || hop::capability(&self.connected.capabilities, "logging").0;
        if told.load(Ordering::Relaxed) <= level || !logs() {
            return Ok(());
        }
        let mut params = RawObject::new();
        params.set_text("level", LOG_LEVELS.get(level).copied().unwrap_or("info"));
        let call = Call {
            method: "logging/setLevel".into(),
            params: params.to_raw(),
            context: CallContext::plain(""),
            timeout: PATIENCE,
        };
        self.ask(&call, deadline).await?.outcome().await?.ok();
        told.fetch_min(level, Ordering::Relaxed);
        Ok(())
    }
}
