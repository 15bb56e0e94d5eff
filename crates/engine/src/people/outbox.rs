//! Letters on their way to the mail server. Nobody who asks for one waits for it.
//!
//! Only so many wait, and only so many of those are being handed over at once: a mail server that is slow costs letters
//! and never memory or requests. What became of each is written into the audit chain, without its text.

use std::sync::Arc;

use domain::{Caller, Error, Result, Secret};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use upstream::mail::Mailer;

use crate::{
    audit::{self, Deed},
    engine::Engine,
};

/// Letters that may wait.
const WAITING: usize = 1024;
/// Letters that are handed over at once.
const AT_ONCE: usize = 4;

/// Where letters are put.
pub(crate) struct Outbox {
    mailer: Option<Mailer>,
    waiting: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

/// A letter, and what it is about.
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) subject: &'static str,
    pub(crate) text: Secret<String>,
    pub(crate) about: Subject,
}

/// What the audit record of a letter says.
pub(crate) struct Subject {
    pub(crate) action: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) details: Value,
}

impl Outbox {
    pub(crate) fn new(mailer: Option<Mailer>) -> Self {
        let (waiting, at_once) = (Arc::new(Semaphore::new(WAITING)), Arc::new(Semaphore::new(AT_ONCE)));
        Self { mailer, waiting, at_once }
    }

    /// Whether letters can be sent at all.
    pub(crate) fn is_open(&self) -> bool {
        self.mailer.is_some()
    }

    /// Takes a letter, and says whether it did: not without a mail server, and not while too many wait.
    pub(crate) fn post(&self, engine: &Engine, caller: &Caller, letter: Letter) -> Result<()> {
        let Some(mailer) = self.mailer.clone() else {
            return Err(Error::Unavailable("mail: no mail server is configured".to_owned()));
        };
        let full = |_| Error::Unavailable("mail: too many letters are waiting".to_owned());
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(full)?;
        let turn = Arc::clone(&self.at_once);
        let (engine, caller) = (engine.clone(), Caller { via: "job", ..caller.clone() });
        let tasks = engine.tasks().clone();
        tasks.spawn(async move {
            let outcome = deliver(&engine, &mailer, &turn, &letter).await;
            note(&engine, &caller, &letter, outcome).await;
            drop::<OwnedSemaphorePermit>(place);
        });
        Ok(())
    }
}

/// Hands the letter over when its turn comes; a stop of the program ends the waiting, and not what has begun.
async fn deliver(engine: &Engine, mailer: &Mailer, turn: &Semaphore, letter: &Letter) -> Result<()> {
    let stopped = || Error::Unavailable("mail: the gateway stopped".to_owned());
    let turn = engine.stopping().run_until_cancelled(turn.acquire()).await;
    let _turn = turn.and_then(std::result::Result::ok).ok_or_else(stopped)?;
    mailer.send(&letter.to, letter.subject, &letter.text).await
}

async fn note(engine: &Engine, caller: &Caller, letter: &Letter, outcome: Result<()>) {
    let reason = outcome.err().map(|error| unsent(&letter.about, &error));
    if let Err(error) = record(engine, caller, &letter.about, reason).await {
        let Subject { action, id, .. } = &letter.about;
        tracing::error!(%error, action, id, "what became of a letter could not be recorded");
    }
}

fn unsent(Subject { action, id, .. }: &Subject, error: &Error) -> String {
    let reason = error.to_string();
    tracing::warn!(reason, action, id, "a letter was not sent");
    reason
}

async fn record(engine: &Engine, caller: &Caller, about: &Subject, reason: Option<String>) -> Result<()> {
    let mut details = about.details.clone();
    let outcome = if reason.is_none() { "success" } else { "failure" };
    if let (Some(details), Some(reason)) = (details.as_object_mut(), reason) {
        details.insert("reason".to_owned(), json!(reason));
    }
    let deed = Deed { outcome, ..Deed::done(about.action, about.kind, &about.id).with(details) };
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, "system:mail", caller, deed).await?;
    tx.commit().await
}
