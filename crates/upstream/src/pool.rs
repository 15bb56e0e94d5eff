//! All upstreams: the one door through which the program talks to them.
//!
//! Each upstream has an entry that remembers what it speaks, its sessions and whether it can be reached. An entry
//! is made at the first use and replaced when the target's revision changes. Invariant: a request is sent a second
//! time only if it was certainly not carried out, or if repeating it changes nothing; never `tools/call`.

mod entry;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use domain::{Clock, Result, id::GatewayId};
use futures_util::future::{BoxFuture, join_all};
use serde_json::value::RawValue;
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::entry::Entry;
use crate::{
    attached::Attached,
    call::{Answer, Call, Connected, Elicited, ListKind, Notice, Target, Update},
    egress::Client,
    follow::Wanted,
    stdio::{
        file::{FileServer, Launch, Reach},
        process::Supervision,
    },
};

/// Notices that wait for slow receivers; beyond it these learn that they missed some.
const NOTICES: usize = 256;

/// Updates of resources that wait for the one that hands them out.
const UPDATES: usize = 1024;

/// Ends of elicitations that wait for slow receivers.
const ELICITED: usize = 256;

/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_mins(1);

/// How long farewells may take at the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// What a pool needs.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The client that requests go out through.
    pub egress: Client,
    /// What the demonstration server tells the time from.
    pub clock: Clock,
    /// What `stdio:NAME` runs, by name; only ever out of the operator's file.
    pub launches: HashMap<String, Launch>,
    /// How child processes are kept.
    pub supervision: Supervision,
    /// What `reverse:NAME` stands for, by name.
    pub attached: Attached,
    /// How long connecting may take, the probe and the handshake together.
    pub connect_timeout: Duration,
    /// How long one page of a list may take.
    pub page_timeout: Duration,
}

impl PoolConfig {
    /// A pool without child processes.
    pub fn new(egress: Client, clock: Clock) -> Self {
        Self {
            egress,
            clock,
            launches: HashMap::new(),
            supervision: Supervision::default(),
            attached: Attached::default(),
            connect_timeout: Duration::from_secs(30),
            page_timeout: Duration::from_secs(30),
        }
    }

    /// The same with the processes of the operator's file.
    #[must_use]
    pub fn with_servers(mut self, servers: &[FileServer]) -> Self {
        for server in servers {
            if let Reach::Process(launch) = &server.reach {
                self.launches.insert(server.name.clone(), launch.clone());
            }
        }
        self
    }
}

/// All upstreams. Clones share them.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    config: PoolConfig,
    entries: RwLock<HashMap<GatewayId, Arc<Entry>>>,
    notices: broadcast::Sender<Notice>,
    updates: broadcast::Sender<Update>,
    elicited: broadcast::Sender<Elicited>,
    /// What is followed of each upstream, whatever becomes of its entry.
    followed: Mutex<HashMap<GatewayId, watch::Sender<Wanted>>>,
    tasks: TaskTracker,
    closed: CancellationToken,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

impl Pool {
    /// A pool. Must be made within the runtime, where its sweeper runs.
    pub fn new(config: PoolConfig) -> Self {
        let (notices, _) = broadcast::channel(NOTICES);
        let (updates, _) = broadcast::channel(UPDATES);
        let (elicited, _) = broadcast::channel(ELICITED);
        let (tasks, closed) = (TaskTracker::new(), CancellationToken::new());
        let entries = RwLock::new(HashMap::new());
        let followed = Mutex::default();
        let inner = Arc::new(Inner { config, entries, notices, updates, elicited, followed, tasks, closed });
        let (weak, closed) = (Arc::downgrade(&inner), inner.closed.clone());
        let sweeper = async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(inner) = weak.upgrade() else { return };
                inner.all().iter().for_each(|entry| entry.sweep());
            }
        };
        inner.tasks.spawn(async move { closed.run_until_cancelled_owned(sweeper).await });
        Self { inner }
    }

    /// Makes sure that an upstream answers, and says what it is. Probes it if that is not known.
    #[crate::boxed]
    pub async fn connect(&self, target: &Target) -> Result<Connected> {
        let entry = self.inner.entry(target, || Arc::new(target.clone()))?;
        entry.connect(Instant::now() + self.inner.config.connect_timeout).await
    }

    /// Reads a list to its end. A list that the upstream does not know is empty.
    #[crate::boxed]
    pub async fn list(&self, target: &Target, kind: ListKind) -> Result<Vec<Box<RawValue>>> {
        let entry = self.inner.entry(target, || Arc::new(target.clone()))?;
        entry.list(kind, self.inner.config.page_timeout).await
    }

    /// Sends one request. Dropping the future or the answer cancels it upstream.
    ///
    /// Boxed: what carries a call is large, and would be moved with every future that waits for it.
    pub fn call<'a>(&'a self, target: &'a Arc<Target>, call: Call) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let entry = self.inner.entry(target, || Arc::clone(target))?;
            entry.call(call).await
        })
    }

    /// Ends the sessions with an upstream, or its process, and forgets what is known of it.
    #[crate::boxed]
    pub async fn close(&self, gateway: &GatewayId) {
        let entry = self.inner.entries.write().unwrap_or_else(PoisonError::into_inner).remove(gateway);
        if let Some(entry) = entry {
            entry.close().await;
        }
    }

    /// Ends everything. Calls in flight fail.
    #[crate::boxed]
    pub async fn shutdown(&self) {
        let entries =
            std::mem::take(&mut *self.inner.entries.write().unwrap_or_else(PoisonError::into_inner));
        self.inner.closed.cancel();
        join_all(entries.values().map(|entry| entry.close())).await;
        self.inner.tasks.close();
        if timeout(FAREWELL, self.inner.tasks.wait()).await.is_err() {
            tracing::debug!("some upstreams did not take leave in time");
        }
    }

    /// Where connections wait that programs opened.
    pub fn attached(&self) -> &Attached {
        &self.inner.config.attached
    }

    /// Tells every upstream which may ask a principal's clients for their roots that these changed.
    pub fn roots_changed(&self, principal: &str) {
        self.inner.all().iter().for_each(|entry| entry.roots_changed(principal));
    }

    /// The last lines that a child process wrote to standard error.
    pub fn stderr(&self, gateway: &GatewayId) -> Vec<String> {
        let entries = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(gateway).map(|entry| entry.stderr()).unwrap_or_default()
    }

    /// Asks an upstream to tell of updates of these resources, and of no others, for as long as nothing else is said.
    pub fn follow(&self, target: &Arc<Target>, uris: BTreeSet<Arc<str>>) {
        let wanted = !uris.is_empty();
        let mut followed = self.inner.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = followed.entry(target.gateway.clone()).or_default();
        sender.send_replace(Arc::new(uris));
        let receiver = sender.subscribe();
        drop(followed);
        if !wanted {
            return;
        }
        let known = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&target.gateway).cloned();
        // An entry of another revision is newer than what the caller knows.
        let entry = known.map_or_else(|| self.inner.entry(target, || Arc::clone(target)), Ok);
        match entry {
            Ok(entry) => entry.keep_following(receiver, &self.inner.updates, &self.inner.tasks),
            Err(error) => tracing::debug!(%error, server = target.name, "updates cannot be followed"),
        }
    }

    /// Updates of followed resources from now on.
    pub fn updates(&self) -> broadcast::Receiver<Update> {
        self.inner.updates.subscribe()
    }

    /// What was to be done at a URL and is done, from now on.
    pub fn elicited(&self) -> broadcast::Receiver<Elicited> {
        self.inner.elicited.subscribe()
    }

    /// What happens to upstreams from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.inner.notices.subscribe()
    }
}

impl Inner {
    fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Lets a new entry follow what its predecessor did.
    fn go_on_following(&self, entry: &Arc<Entry>, gateway: &GatewayId) {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = followed.get(gateway).filter(|sender| !sender.borrow().is_empty()) {
            entry.keep_following(sender.subscribe(), &self.updates, &self.tasks);
        }
    }

    /// The entry of a target, made anew where the target changed.
    fn entry(&self, target: &Target, shared: impl FnOnce() -> Arc<Target>) -> Result<Arc<Entry>> {
        let current = |entries: &HashMap<GatewayId, Arc<Entry>>| {
            entries.get(&target.gateway).filter(|entry| entry.revision() == target.revision).cloned()
        };
        if let Some(entry) = current(&self.entries.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(entry);
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = current(&entries) {
            return Ok(entry);
        }
        if self.closed.is_cancelled() {
            return Err(domain::Error::Unavailable("the gateway is stopping".to_owned()));
        }
        let entry = Arc::new(Entry::new(shared(), self)?);
        let replaced = entries.insert(target.gateway.clone(), Arc::clone(&entry));
        drop(entries);
        self.go_on_following(&entry, &target.gateway);
        if let Some(replaced) = replaced {
            self.tasks.spawn(async move { replaced.close().await });
        }
        Ok(entry)
    }
}
