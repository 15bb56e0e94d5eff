//! `serve`: puts the parts together, and ends them in order.
//!
//! Order: configuration, log, database, upstream pool, engine, administrator, listener, operator's file, jobs,
//! banner; then wait for a signal, stop accepting, let requests finish, stop jobs and upstream processes.

use std::{net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use domain::{Clock, Secret};
use engine::{Engine, Parts, catalogue::Kind, settings::TeamSettings};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use upstream::{
    Pool, PoolConfig,
    stdio::file::{FileServer, StdioServers},
};
use web::Workers;

use super::{database, token};
use crate::{
    banner::{self, Banner},
    cli::Serve,
    config::{self, Configuration, Overrides},
    memory, telemetry,
};

/// Minutes that the token in the banner lasts.
const BANNER_TOKEN_MINUTES: u32 = 7 * 24 * 60;

pub(super) async fn run(data_dir: &Path, options: Serve) -> anyhow::Result<ExitCode> {
    let mut overrides: Overrides = Vec::new();
    overrides.extend(options.host.clone().map(|host| ("HOST", host)));
    overrides.extend(options.port.map(|port| ("PORT", port.to_string())));
    let configuration = config::load(data_dir, overrides, true)?;
    telemetry::start(&configuration.process)?;
    configuration.remarks.iter().for_each(|remark| warn(remark));
    let servers = options.servers.as_deref().map(read_servers).transpose()?.unwrap_or_default();
    let (engine, password) = assemble(&configuration, data_dir, &servers).await?;
    // Dropped last: calls may have left upstream connections on these threads.
    let workers = Arc::new(Workers::start(threads())?);
    let (address, serving) = listen(&configuration, &engine, Arc::clone(&workers)).await?;
    join_upstreams(&engine, servers, options.demo).await;
    engine::jobs::start(&engine);
    let memory = tokio::spawn(memory::give_back());
    let token = banner_token(&configuration, &engine, options.quiet)?;
    banner::print(&Banner {
        url: &format!("http://{address}"),
        admin_email: &configuration.engine.accounts.admin_email,
        admin_password: password.as_ref(),
        token: token.as_ref(),
        tools: engine.catalogue_count(Kind::Tool),
        secrets_file: configuration.generated.as_deref(),
    });
    serving.await?;
    memory.abort();
    engine.stop().await;
    drop(workers);
    Ok(ExitCode::SUCCESS)
}

/// One thread a core.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn warn(remark: &str) {
    tracing::warn!("{remark}");
}

/// Binds and begins to serve; what is returned ends after a signal, when requests have finished.
async fn listen(
    configuration: &Configuration,
    engine: &Engine,
    workers: Arc<Workers>,
) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    let settings = &configuration.web.listen;
    let (host, port) = (settings.host, settings.port);
    let listener = TcpListener::bind((host, port))
        .await
        .with_context(|| format!("cannot listen on {host}:{port}; set PORT, or stop what listens there"))?;
    let address = listener.local_addr()?;
    let mut front = configuration.web.clone();
    // Where any port would do, the others have to be told which one it became.
    front.listen.port = address.port();
    let app = web::App::new(engine.clone(), front)?;
    let drain = Duration::from_secs(configuration.process.drain_seconds);
    let shutdown = stop_signal(engine.draining().clone())?;
    let serving = web::Serving { app, workers, shutdown, drain };
    let serving = web::serve(listener, settings.clone(), serving);
    tracing::info!(%address, "listening");
    Ok((address, tokio::spawn(serving)))
}

async fn assemble(
    configuration: &Configuration,
    data_dir: &Path,
    servers: &[FileServer],
) -> anyhow::Result<(Engine, Option<Secret<String>>)> {
    let clock = Clock::System;
    let db = database::open(configuration, data_dir).await?;
    let bus = match &configuration.process.redis_url {
        None => store::Bus::local(),
        Some(url) => store::Bus::redis(url.expose())?,
    };
    let egress = upstream::egress::Client::new(&configuration.egress, upstream::egress::Resolver::System)?;
    let mut pool = PoolConfig::new(egress.clone(), clock.clone()).with_servers(servers);
    pool.supervision.inherited = config::inherited();
    let pool = Pool::new(pool);
    let settings = configuration.engine.clone();
    let mailer = upstream::mail::Mailer::new(&configuration.mail)?;
    let parts = Parts { settings, db, bus, pool, egress, mailer, clock };
    let engine = Engine::start(parts).await?;
    let given = configuration.engine.accounts.admin_password.clone();
    let generated = given.is_none();
    let password = given.map_or_else(|| config::random_secret().map(Secret::new), Ok)?;
    engine::people::prepare_roles(&engine, read_roles(&configuration.engine.teams)?.as_deref()).await?;
    let created = engine::people::bootstrap(&engine, password.clone()).await?;
    Ok((engine, (created && generated).then_some(password)))
}

/// Upstreams of the operator's file and the demonstration server. One that does not answer is marked and retried;
/// it never keeps the gateway from starting.
async fn join_upstreams(engine: &Engine, servers: Vec<FileServer>, demo: bool) {
    log_failure("the demonstration server", engine::gateways::sync_builtin(engine, demo).await);
    log_failure("the servers of the file", engine::gateways::sync_file(engine, servers).await);
}

fn log_failure(what: &str, outcome: domain::Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(%error, what, "could not be registered");
    }
}

fn banner_token(
    configuration: &Configuration,
    engine: &Engine,
    quiet: bool,
) -> anyhow::Result<Option<Secret<String>>> {
    let production = configuration.engine.environment == engine::settings::Environment::Production;
    if quiet || production || !engine.token_keys().can_sign() {
        return Ok(None);
    }
    token::administrators(&configuration.engine, BANNER_TOKEN_MINUTES).map(Some)
}

/// The operator's file of roles, where the settings want it.
fn read_roles(settings: &TeamSettings) -> anyhow::Result<Option<String>> {
    if !settings.roles_from_file {
        return Ok(None);
    }
    let path = &settings.roles_file;
    let text = std::fs::read_to_string(path);
    text.map(Some).with_context(|| format!("MCPGATEWAY_BOOTSTRAP_ROLES_IN_DB_FILE: cannot read {path}"))
}

fn read_servers(path: &Path) -> anyhow::Result<Vec<FileServer>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    StdioServers::parse(&text, &config::environment())
        .map_err(|problems| config::Mistakes(problems).into())
        .map_err(|error: anyhow::Error| error.context(format!("in {}", path.display())))
}

/// Has `token` cancelled by SIGTERM or SIGINT.
fn stop_signal(token: CancellationToken) -> anyhow::Result<CancellationToken> {
    let stop = token.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        stop.cancel();
    });
    Ok(token)
}
