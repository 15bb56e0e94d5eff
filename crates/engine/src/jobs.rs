//! What goes on in the background: following upstreams, other replicas, and the folder of keys.
//!
//! Loops that start with the program and end with it. None of them holds state that a restart would miss:
//! what was refreshed when stands in the rows, what changed stands in the sequences, and the bus only makes the
//! second sooner.

mod schedule;

use std::{collections::HashMap, time::Duration};

use domain::{Result, id::GatewayId};
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use upstream::Notice;

use self::schedule::Schedule;
use crate::{catalogue, engine::Engine, gateways};

/// Notices of one upstream that come within this time lead to one refresh.
const TOGETHER: Duration = Duration::from_millis(200);
/// How often the sequences are read.
const POLL: Duration = Duration::from_secs(1);
/// How often the timer looks for gateways that are due.
const TICK: Duration = Duration::from_secs(2);

/// How often what has ended is forgotten.
const SWEEP: Duration = Duration::from_hours(1);

/// Starts the jobs. They end when the engine stops.
pub fn start(engine: &Engine) {
    spawn(engine, notices);
    spawn(engine, crate::push::updates::hand_out);
    spawn(engine, timer);
    spawn(engine, sequences);
    spawn(engine, sweeper);
    spawn(engine, crate::authn::revocation::sync::follow);
    spawn(engine, forget);
    spawn(engine, crate::authn::token::watch);
}

fn spawn<F>(engine: &Engine, job: fn(Engine) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (engine, stopping) = (engine.clone(), engine.stopping().clone());
    let tasks = engine.tasks().clone();
    let work = job(engine);
    tasks.spawn(async move { stopping.run_until_cancelled(work).await });
}

/// Refreshes one gateway in a task of its own; a stop ends it.
fn refresh(
    engine: &Engine,
    id: GatewayId,
    report: Option<tokio::sync::mpsc::UnboundedSender<(GatewayId, bool)>>,
) {
    let (engine, stopping) = (engine.clone(), engine.stopping().clone());
    let tasks = engine.tasks().clone();
    tasks.spawn(async move {
        // Large: it holds a whole discovery.
        let work = Box::pin(gateways::background(&engine, &id));
        if let Some(Some(answered)) = stopping.run_until_cancelled(work).await
            && let Some(report) = report
        {
            // The timer has ended where nobody listens, and needs no report.
            drop(report.send((id, answered)));
        }
    });
}

/// Refreshes upstreams that say that their lists changed.
async fn notices(engine: Engine) {
    let mut receiver = engine.pool().notices();
    let mut waiting: HashMap<GatewayId, Instant> = HashMap::new();
    loop {
        let next = waiting.values().min().copied();
        let wake = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            notice = receiver.recv() => match notice {
                // A lost upstream is asked as well: it may be back already, and is marked where it is not.
                Ok(Notice { gateway, .. }) => {
                    waiting.entry(gateway).or_insert_with(|| Instant::now() + TOGETHER);
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "notices of upstreams were missed; asking all of them again");
                    let all = store::gateways::all(engine.db()).await.unwrap_or_default();
                    waiting.extend(all.into_iter().map(|row| (row.gateway.id, Instant::now())));
                }
                Err(RecvError::Closed) => return,
            },
            () = wake => {
                let now = Instant::now();
                for (id, _) in waiting.extract_if(|_, at| *at <= now) {
                    refresh(&engine, id, None);
                }
            }
        }
    }
}

/// Refreshes gateways when they are due, those that do not answer with growing pauses.
async fn timer(engine: Engine) {
    let federation = &engine.settings().federation;
    let mut schedule =
        Schedule::new(federation.refresh_interval_seconds, federation.health_check_interval_seconds);
    let (report, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => match store::gateways::all(engine.db()).await {
                Ok(rows) => {
                    let gateways: Vec<_> = rows.into_iter().map(|row| row.gateway).collect();
                    for id in schedule.due(&gateways, engine.clock().now()) {
                        refresh(&engine, id, Some(report.clone()));
                    }
                }
                Err(error) => tracing::warn!(%error, "the refresh timer could not read the gateways"),
            },
            Some((id, answered)) = reports.recv() => schedule.ended(&id, answered, engine.clock().now()),
        }
    }
}

/// Forgets what has ended.
async fn sweeper(engine: Engine) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tick.tick().await;
        failed(crate::people::forget_old(&engine).await, "old links and sessions could not be forgotten");
    }
}

/// Follows what other replicas change.
async fn sequences(engine: Engine) {
    let mut bus = engine.bus().subscribe("catalogue").await;
    let mut tick = tokio::time::interval(POLL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // What the bus says is not read: it only says that it is worth looking now.
        tokio::select! {
            _ = tick.tick() => {}
            heard = bus.recv() => if heard.is_err() { tick.tick().await; },
        }
        failed(follow(&engine).await, "the sequences could not be followed");
    }
}

async fn follow(engine: &Engine) -> Result<()> {
    let catalogue = store::sequences::read(engine.db(), "catalogue").await?;
    if catalogue > engine.catalogue().sequence() {
        catalogue::reload(engine).await?;
    }
    Ok(())
}

/// Removes what is of no use any more.
async fn forget(engine: Engine) {
    let hours = engine.settings().auth.revocation_cleanup_hours.clamp(1, 24 * 365);
    let mut tick = tokio::time::interval(Duration::from_hours(hours));
    loop {
        tick.tick().await;
        failed(crate::authn::revocation::sync::forget(&engine).await, "old revocations could not be removed");
        failed(crate::tokens::forget_usage(&engine).await, "old statistics of tokens could not be removed");
    }
}

fn failed(outcome: Result<()>, what: &'static str) {
    if let Err(error) = outcome {
        tracing::warn!(%error, what);
    }
}
