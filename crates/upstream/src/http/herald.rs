//! Tells the rest of the program what happens to one upstream, and keeps the tasks that listen for it.

use std::{future::Future, time::Duration};

use domain::id::GatewayId;
use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::call::{Change, Elicited, Notice, Update};

/// The first and the longest wait between attempts to listen again.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Speaks for one upstream.
#[derive(Debug, Clone)]
pub(crate) struct Herald {
    pub(crate) gateway: GatewayId,
    pub(crate) notices: broadcast::Sender<Notice>,
    pub(crate) updates: broadcast::Sender<Update>,
    pub(crate) elicited: broadcast::Sender<Elicited>,
    pub(crate) tasks: TaskTracker,
    pub(crate) closed: CancellationToken,
}

impl Herald {
    /// Speaks for the same upstream, and can be closed by itself.
    pub(crate) fn child(&self) -> Self {
        Self { closed: self.closed.child_token(), ..self.clone() }
    }

    /// Tells of a change. Nobody may be listening.
    pub(crate) fn tell(&self, change: Change) {
        drop(self.notices.send(Notice { gateway: self.gateway.clone(), change }));
    }

    /// Tells of an updated resource; without a URI, that any of them may have been.
    pub(crate) fn tell_updated(&self, uri: Option<&str>) {
        drop(self.updates.send(Update { gateway: self.gateway.clone(), uri: uri.map(std::sync::Arc::from) }));
    }

    /// Tells that what was to be done at a URL is done.
    pub(crate) fn tell_elicited(&self, elicited: Elicited) {
        drop(self.elicited.send(elicited));
    }

    /// Tells that anything may have changed, because nobody listened for a while.
    pub(crate) fn tell_all(&self) {
        for change in [Change::Tools, Change::Prompts, Change::Resources] {
            self.tell(change);
        }
        self.tell_updated(None);
    }

    /// Runs a task until it ends or the upstream is closed.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closed = self.closed.clone();
        self.tasks.spawn(async move {
            closed.run_until_cancelled_owned(task).await;
        });
    }

    /// Runs a short task even while the upstream is being closed: a farewell.
    pub(crate) fn finish(
        &self,
        runtime: &tokio::runtime::Handle,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.tasks.spawn_on(task, runtime);
    }
}

/// Waits that grow with every failure in a row.
#[derive(Debug)]
pub(crate) struct Patience {
    next: Duration,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { next: WAITS.0 }
    }

    /// Begins anew after a success.
    pub(crate) fn reset(&mut self) {
        self.next = WAITS.0;
    }

    /// How long to wait now; the next wait is twice as long.
    pub(crate) fn take(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(WAITS.1);
        wait
    }
}
