//! Settings of the streams on which clients hear of changes.

use domain::Env;

domain::settings! {
    /// Streams of messages that clients did not ask for one by one.
    StreamSettings {
        /// Tell clients of changes on the stream of a session (`GET` on an MCP endpoint). Without it, clients of revisions before 2026-07-28 hear of changes when they ask.
        get_enabled: bool = "MCP_GET_STREAM_ENABLED", default "true";
        /// Send a comment over streams on which nothing else is sent, so that proxies keep them open.
        keep_alive: bool = "SSE_KEEPALIVE_ENABLED", default "true";
        /// Seconds between such comments.
        keep_alive_seconds: u64 = "SSE_KEEPALIVE_INTERVAL", default "30";
        /// Milliseconds after which a client opens a broken HTTP+SSE stream again.
        retry_ms: u64 = "SSE_RETRY_TIMEOUT", default "5000";
        /// Seconds that a client may take to read an answer on an HTTP+SSE stream before the stream is ended.
        send_seconds: u64 = "SSE_SEND_TIMEOUT", default "30";
        /// Open streams of one person or program at once, on each process.
        per_principal: usize = "MCP_STREAMS_PER_PRINCIPAL", default "1000";
    }
}

pub(super) fn check(settings: &StreamSettings, env: &mut Env) {
    if !(1..=3600).contains(&settings.keep_alive_seconds) {
        env.problem("SSE_KEEPALIVE_INTERVAL", "must be 1 to 3600");
    }
    if !(1..=3600).contains(&settings.send_seconds) {
        env.problem("SSE_SEND_TIMEOUT", "must be 1 to 3600");
    }
    if settings.per_principal == 0 {
        env.problem("MCP_STREAMS_PER_PRINCIPAL", "must be at least 1");
    }
}
