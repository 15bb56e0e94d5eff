//! `translate`: a stdio server served over HTTP, or a server over HTTP as a stdio server.
//!
//! Over HTTP every client session has a process of its own, so that nothing has to be renamed between clients; requests
//! without a session share one. It listens on this machine unless a token is demanded, and takes only requests for a name
//! of this machine and from no foreign web page. The other way round is `wrapper` and its like for HTTP+SSE.

mod door;
mod far_sse;
mod session;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use self::{door::Door, session::Sessions};
use super::{advise, local, say, wrapper};
use crate::cli::{Translate, Wrapper};

pub(super) async fn run(options: Translate) -> anyhow::Result<ExitCode> {
    if let Some(url) = options.connect_streamable_http.clone() {
        return wrapper::run(as_wrapper(&options, url)).await;
    }
    if let Some(url) = options.connect_sse.clone() {
        return far_sse::run(&as_wrapper(&options, url)).await;
    }
    serve(&options, options.stdio.as_deref().unwrap_or_default()).await
}

fn as_wrapper(options: &Translate, url: String) -> Wrapper {
    let log_level = options.log_level.clone();
    Wrapper { url, auth: options.oauth2_bearer.clone(), timeout: 3600, concurrency: 64, log_level }
}

async fn serve(options: &Translate, command: &str) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        options.host.is_loopback() || options.auth_token.is_some(),
        "{} can be reached by others, who could run {command:?} with everything that it may do; add --auth-token, or leave --host out",
        options.host
    );
    let paths = [("--sse-path", &options.sse_path), ("--message-path", &options.message_path)];
    for (name, path) in paths {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
        let taken = matches!(path.as_str(), "/" | "/mcp" | "/healthz");
        anyhow::ensure!(
            path.starts_with('/') && !path.ends_with('/') && !taken && path.chars().all(plain),
            "{name} must be a path of its own such as /sse"
        );
    }
    anyhow::ensure!(options.sse_path != options.message_path, "--sse-path and --message-path must differ");
    let launch = local::launch(command)?;
    // A mistake in the command is said now and not with the first client.
    let (probe, _) = local::start(&launch)?;
    probe.end().await;
    let listener = TcpListener::bind((options.host, options.port)).await;
    let listener = listener.with_context(|| format!("cannot listen on {}:{}", options.host, options.port))?;
    let address = listener.local_addr()?;
    let both = options.expose_sse == options.expose_streamable_http;
    let sessions = Arc::new(Sessions::new(launch));
    let keep_alive = Duration::from_secs(options.keep_alive.clamp(1, 3600));
    let door = Door::new(Arc::clone(&sessions), options, keep_alive);
    let routes = door.routes((both || options.expose_streamable_http, both || options.expose_sse));
    if both || options.expose_streamable_http {
        say(&format!("http://{address}/mcp"));
    }
    if both || options.expose_sse {
        say(&format!("http://{address}{}", options.sse_path));
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        served = axum::serve(listener, routes) => served.context("serving")?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    if !matches!(options.log_level.as_str(), "off" | "none" | "quiet") {
        advise("contextforge translate: ending the processes of its clients");
    }
    sessions.end_all().await;
    Ok(ExitCode::SUCCESS)
}
