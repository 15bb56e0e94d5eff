//! What happens too often for a record of its own, written in batches to the audit chain: who called what, and, where
//! that is switched on, who was permitted what.
//!
//! A request never waits for the journal. Records go through a bounded channel to one writer, which appends them as
//! one audit event a batch. When the channel is full, records are counted instead, and the next batch says how
//! many are missing: a gap is seen, never hidden.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{Caller, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{audit, engine::Engine};

/// Records that may wait to be written.
const WAITING: usize = 65_536;
/// Records in one audit event.
const BATCH: usize = 1_000;
/// How long a record waits for company.
const PAUSE: Duration = Duration::from_millis(500);

/// What can be noted: one line each.
pub trait Record: Send + Sync + 'static {
    /// The action of a batch's audit event.
    const ACTION: &'static str;
    /// The kind of thing that it is about.
    const KIND: &'static str;
    /// The key of the lines.
    const LINES: &'static str;
    /// What a line says, between tabs. None of it can hold a tab.
    const COLUMNS: &'static str;

    /// The line.
    fn line(&self) -> String;

    /// Where records of this type are noted.
    fn journal(engine: &Engine) -> &Journal<Self>
    where
        Self: Sized;
}

/// One call.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// When it began.
    pub at: Timestamp,
    /// Who called.
    pub actor: Box<str>,
    /// The MCP method.
    pub method: &'static str,
    /// The id of the tool, prompt or resource.
    pub item: Box<str>,
    /// `success`, `error` (the upstream said so), `failure` (it could not be reached) or `cancelled`.
    pub outcome: &'static str,
    /// Microseconds until the answer was complete.
    pub micros: u64,
    /// The request id.
    pub request_id: Arc<str>,
}

impl Record for CallRecord {
    const ACTION: &'static str = "call.batch";
    const KIND: &'static str = "call";
    const LINES: &'static str = "calls";
    const COLUMNS: &'static str = "at_us\tactor\tmethod\titem\toutcome\tduration_us\trequest_id";

    fn line(&self) -> String {
        let Self { at, actor, method, item, outcome, micros, request_id } = self;
        format!("{}\t{actor}\t{method}\t{item}\t{outcome}\t{micros}\t{request_id}", at.0)
    }

    fn journal(engine: &Engine) -> &Journal<Self> {
        engine.journal()
    }
}

/// The bounded way to the writer.
#[derive(Debug)]
pub struct Journal<R> {
    sender: mpsc::Sender<R>,
    missed: AtomicU64,
}

impl<R: Record> Journal<R> {
    /// The journal, and what its writer reads.
    pub(crate) fn new() -> (Self, mpsc::Receiver<R>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { sender, missed: AtomicU64::new(0) }, receiver)
    }

    /// Notes something. Never waits.
    pub fn note(&self, record: R) {
        if self.sender.try_send(record).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes the journal until the program stops, and what is left then.
pub(crate) async fn write<R: Record>(engine: Engine, mut receiver: mpsc::Receiver<R>) {
    let mut batch = Vec::new();
    loop {
        let stopping = tokio::select! {
            count = receiver.recv_many(&mut batch, BATCH) => count == 0,
            () = engine.stopping().cancelled() => true,
        };
        if stopping {
            // Calls that end while the server drains are noted until the engine stops; take them all.
            while let Ok(record) = receiver.try_recv() {
                batch.push(record);
            }
            for chunk in batch.chunks(BATCH) {
                append(&engine, chunk).await;
            }
            return;
        }
        append(&engine, &batch).await;
        batch.clear();
        if receiver.len() < BATCH {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = engine.stopping().cancelled() => {}
            }
        }
    }
}

async fn append<R: Record>(engine: &Engine, batch: &[R]) {
    if batch.is_empty() {
        return;
    }
    let missed = R::journal(engine).missed.swap(0, Ordering::Relaxed);
    if let Err(error) = try_append(engine, batch, missed).await {
        let lost = missed.saturating_add(batch.len() as u64);
        R::journal(engine).missed.fetch_add(lost, Ordering::Relaxed);
        tracing::error!(%error, lost, journal = R::KIND, "records could not be written; the next batch will say how many are missing");
    }
}

async fn try_append<R: Record>(engine: &Engine, batch: &[R], missed: u64) -> domain::Result<()> {
    // One text each: an array each would cost as much as the rest of the record.
    let lines = batch.iter().map(|record| Value::String(record.line())).collect();
    let details = json!({ "columns": R::COLUMNS, R::LINES: Value::Array(lines), "missed": missed });
    let deed = audit::Deed::done(R::ACTION, R::KIND, "").with(details);
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, "system:journal", &Caller::default(), deed).await?;
    tx.commit().await
}
