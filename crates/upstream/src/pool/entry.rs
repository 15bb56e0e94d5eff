//! What is known of one upstream, and the calls to it.

use std::{
    mem::discriminant,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    Error, Result,
    gateway::{ProtocolChoice, Transport},
};
use protocol::{jsonrpc::RpcError, ladder};
use serde_json::value::RawValue;
use tokio::{
    sync::{Mutex, broadcast, watch},
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Inner;
use crate::{
    attached,
    breaker::Breaker,
    builtin::BuiltinLink,
    call::{Answer, Call, CallContext, Change, Connected, ListKind, Target, Update},
    fault::Fault,
    follow::{self, Followed, Following, Wanted},
    http::{Origin, herald::Herald},
    link::Link,
    list::Paging,
    probe::Way,
    stdio::link::{Source, StdioConfig, StdioLink},
};

/// How often an upstream that contradicts what is known of it is probed again.
const RECONSIDER: Duration = Duration::from_secs(30);

/// One upstream.
pub(super) struct Entry {
    target: Arc<Target>,
    /// How links are made; absent where there is only one link ever.
    way: Option<Way>,
    link: RwLock<Option<Arc<Link>>>,
    /// Held while it is found out what the upstream speaks; holds when a contradiction was last looked into.
    gate: Mutex<Option<Instant>>,
    breaker: Breaker,
    /// Whether there is a task that follows resources.
    following: AtomicBool,
    closed: CancellationToken,
}

impl Entry {
    pub(super) fn new(target: Arc<Target>, pool: &Inner) -> Result<Self> {
        let (way, link) = match target.transport {
            Transport::Builtin => (None, Some(Link::Builtin(BuiltinLink::new(pool.config.clock.clone())))),
            Transport::Stdio => (None, Some(Link::Stdio(process(&target, pool)?))),
            Transport::StreamableHttp | Transport::Sse => {
                let herald = Herald {
                    gateway: target.gateway.clone(),
                    notices: pool.notices.clone(),
                    updates: pool.updates.clone(),
                    tasks: pool.tasks.clone(),
                    closed: pool.closed.child_token(),
                };
                let origin = Arc::new(Origin::new(&target, &pool.config.egress)?);
                (Some(Way { origin, herald }), None)
            }
        };
        let link = RwLock::new(link.map(Arc::new));
        let (gate, breaker, following) = (Mutex::new(None), Breaker::default(), AtomicBool::new(false));
        Ok(Self { target, way, link, gate, breaker, following, closed: pool.closed.child_token() })
    }

    pub(super) fn revision(&self) -> i64 {
        self.target.revision
    }

    fn current(&self) -> Option<Arc<Link>> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a link in place of the old one, whose sessions are ended.
    async fn put(&self, link: Link) -> Arc<Link> {
        let link = Arc::new(link);
        let old = self.link.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::clone(&link));
        if let Some(old) = old {
            old.close().await;
        }
        link
    }

    pub(super) async fn connect(&self, deadline: Instant) -> Result<Connected> {
        let connected = self.try_connect(deadline).await;
        self.weigh(connected)
    }

    async fn try_connect(&self, deadline: Instant) -> Result<Connected, Fault> {
        let known = self.current();
        let (known, way) = match (known, &self.way) {
            (Some(link), way) => match (link.connect(deadline).await, way) {
                (Err(Fault::Contradiction { .. }), Some(way)) => (Some(link), way),
                (connected, _) => return connected,
            },
            (None, Some(way)) => (None, way),
            (None, None) => return Err(Fault::Own(Error::internal("an entry without a link"))),
        };
        let _gate = timeout_at(deadline, self.gate.lock()).await.map_err(|_| Fault::TimedOut)?;
        if let Some(current) = self.current()
            && known.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &current))
        {
            // Somebody else found out meanwhile.
            return current.connect(deadline).await;
        }
        let (link, connected) = if known.is_some() && self.adapts() {
            way.discover(deadline).await?
        } else {
            way.find(&self.target, deadline).await?
        };
        self.put(link).await;
        Ok(connected)
    }

    /// The link, found out if need be.
    async fn link(&self, deadline: Instant) -> Result<Arc<Link>, Fault> {
        if let Some(link) = self.current() {
            return Ok(link);
        }
        let Some(way) = &self.way else {
            return Err(Fault::Own(Error::internal("an entry without a link")));
        };
        let _gate = timeout_at(deadline, self.gate.lock()).await.map_err(|_| Fault::TimedOut)?;
        if let Some(link) = self.current() {
            return Ok(link);
        }
        let link = match way.known(&self.target) {
            Some(link) => link,
            None => way.find(&self.target, deadline).await?.0,
        };
        Ok(self.put(link).await)
    }

    /// Sends a request of a client's. The first one that finds the upstream gone, or back, tells so.
    pub(super) async fn call(&self, call: Call) -> Result<Answer> {
        let deadline = Instant::now() + call.timeout;
        let answer = self.try_call(&call, deadline).await;
        let gone = matches!(answer, Err(Fault::Unreachable { .. }));
        if self.note(&answer)
            && let Some(way) = &self.way
        {
            way.herald.tell(if gone { Change::Lost } else { Change::Tools });
        }
        answer.map_err(|fault| fault.into_error(&self.target.name))
    }

    async fn try_call(&self, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        self.breaker.admit(Instant::now()).map_err(Fault::resting)?;
        let link = self.link(deadline).await?;
        match link.call(call, deadline).await {
            Err(Fault::Broken) if is_repeatable(&call.method) => link.call(call, deadline).await,
            Err(Fault::Contradiction { reply, status }) => {
                match self.reconsider(&link, reply.as_ref(), deadline).await {
                    Ok(Some(link)) => link.call(call, deadline).await,
                    _ => match reply {
                        Some(error) => Ok(Answer::Done(Err(error))),
                        None => Err(Fault::Contradiction { reply: None, status }),
                    },
                }
            }
            answer => answer,
        }
    }

    /// Whether the era is ours to find out.
    fn adapts(&self) -> bool {
        self.target.protocol == ProtocolChoice::Auto && self.target.transport == Transport::StreamableHttp
    }

    /// Looks into an answer that is none of the era: gives the link to ask again, if asking again makes sense.
    async fn reconsider(
        &self,
        link: &Arc<Link>,
        reply: Option<&RpcError>,
        deadline: Instant,
    ) -> Result<Option<Arc<Link>>, Fault> {
        let Some(way) = &self.way else { return Ok(None) };
        let mut last = timeout_at(deadline, self.gate.lock()).await.map_err(|_| Fault::TimedOut)?;
        if let Some(current) = self.current().filter(|current| !Arc::ptr_eq(current, link)) {
            return Ok(Some(current));
        }
        let recently = last.is_some_and(|last| last.elapsed() < RECONSIDER);
        if recently || !self.adapts() {
            return Ok(None);
        }
        *last = Some(Instant::now());
        let (found, connected) = way.discover(deadline).await?;
        if discriminant(&found) != discriminant(&**link) {
            tracing::info!(server = self.target.name, version = connected.dialect.version, "server changed");
            way.herald.tell(Change::Tools);
            return Ok(Some(self.put(found).await));
        }
        found.close().await;
        // The server only disliked the revision, and likes it again.
        let renegotiated = reply.is_some_and(|error| error.code == ladder::UNSUPPORTED_VERSION);
        Ok(renegotiated.then(|| Arc::clone(link)))
    }

    pub(super) async fn list(&self, kind: ListKind, page_timeout: Duration) -> Result<Vec<Box<RawValue>>> {
        let mut paging = Paging::new(kind);
        let mut next = Some(Paging::first());
        while let Some(params) = next {
            let context = CallContext::plain("");
            let call = Call { method: kind.method().into(), params, context, timeout: page_timeout };
            let answer = self.try_call(&call, Instant::now() + page_timeout).await;
            let outcome = self.weigh(answer)?.outcome().await?;
            next = match outcome {
                Ok(page) => self.weigh(paging.take(&page))?,
                Err(error) if error.code == ladder::METHOD_NOT_FOUND => None,
                Err(error) => return Err(self.refused(kind, &error)),
            };
        }
        Ok(paging.items)
    }

    fn refused(&self, kind: ListKind, error: &RpcError) -> Error {
        let message: String = error.message.chars().filter(|c| !c.is_control()).take(200).collect();
        let (name, method, code) = (&self.target.name, kind.method(), error.code);
        Error::upstream(format!("The server {name} refused {method} (error {code}: {message})"))
    }

    /// Notes what a result says about whether the upstream can be reached; gives whether that is news.
    fn note<T>(&self, result: &Result<T, Fault>) -> bool {
        match result {
            Err(Fault::Unreachable { .. }) => self.breaker.failed(Instant::now()),
            Err(Fault::TimedOut | Fault::Own(_)) => false,
            Ok(_) | Err(_) => self.breaker.reached(),
        }
    }

    /// Notes what a result says about the upstream, and names the upstream in errors.
    fn weigh<T>(&self, result: Result<T, Fault>) -> Result<T> {
        self.note(&result);
        result.map_err(|fault| fault.into_error(&self.target.name))
    }

    /// Follows what is wanted from now on, in one task however often this is called.
    pub(super) fn keep_following(
        self: &Arc<Self>,
        wanted: watch::Receiver<Wanted>,
        updates: &broadcast::Sender<Update>,
        tasks: &TaskTracker,
    ) {
        if self.following.swap(true, Ordering::Relaxed) {
            return;
        }
        let following = Following::new(self.target.gateway.clone(), wanted, updates.clone());
        let work = follow::keep(Arc::downgrade(self), following);
        let closed = self.closed.clone();
        tasks.spawn(async move { closed.run_until_cancelled_owned(work).await });
    }

    pub(super) fn roots_changed(&self, principal: &str) {
        if let Some(link) = self.current() {
            link.roots_changed(principal);
        }
    }

    pub(super) fn sweep(&self) {
        if let Some(link) = self.current() {
            link.sweep();
        }
    }

    pub(super) async fn close(&self) {
        self.closed.cancel();
        if let Some(way) = &self.way {
            way.herald.closed.cancel();
        }
        if let Some(link) = self.current() {
            link.close().await;
        }
    }

    pub(super) fn stderr(&self) -> Vec<String> {
        match self.current().as_deref() {
            Some(Link::Stdio(link)) => link.stderr(),
            _ => Vec::new(),
        }
    }
}

impl Followed for Entry {
    async fn follow(&self, following: &mut Following) -> Result<(), Fault> {
        let link = self.link(Instant::now() + follow::PATIENCE).await?;
        link.follow(following).await
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.closed.cancel();
        if let Some(way) = &self.way {
            way.herald.closed.cancel();
        }
    }
}

/// The process that `stdio:NAME` stands for, or the connection behind `reverse:NAME`.
fn process(target: &Target, pool: &Inner) -> Result<StdioLink> {
    let source = if let Some(name) = target.url.strip_prefix(attached::SCHEME) {
        Source::Attached(pool.config.attached.clone(), name.to_owned())
    } else {
        // Its name is what its owner calls it, and stands for no program.
        let name = target.url.strip_prefix("stdio:");
        let launch = name.and_then(|name| pool.config.launches.get(name)).ok_or_else(|| {
            Error::upstream(format!("The server {} is not in the file of servers any more", target.name))
        })?;
        Source::Launch(launch.clone())
    };
    let config = StdioConfig {
        gateway: target.gateway.clone(),
        name: target.name.clone(),
        source,
        protocol: target.protocol,
        dialect: target.dialect.clone(),
        supervision: pool.config.supervision.clone(),
    };
    Ok(StdioLink::new(config, pool.notices.clone(), pool.updates.clone()))
}

/// Whether doing it twice is like doing it once.
fn is_repeatable(method: &str) -> bool {
    matches!(
        method,
        "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
            | "prompts/get"
            | "completion/complete"
            | "tasks/get"
            | "server/discover"
    )
}
