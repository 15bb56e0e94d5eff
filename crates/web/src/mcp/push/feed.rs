//! One open stream to a client: waits for what concerns it, and writes it in the words of its era.
//!
//! The body of the response itself, with no task beside it: a client that does not read is not written to, and what
//! waits for it meanwhile is three bits for the lists and a set of URIs. Answers of HTTP+SSE wait in a queue with a
//! bound. It ends with the credential, the session, the place, or the program; never later than these.

use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    sync::Arc,
};

use axum::body::Body;
use bytes::Bytes;
use domain::Error;
use engine::push::{
    Listener, Lists,
    elicited::Elicitations,
    updates::{Inbox, Subscription},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, select_all},
    stream,
};
use protocol::{
    json::RawObject,
    jsonrpc::{self, Id},
    meta::MetaEdit,
    sse,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::slots::Slot;
use crate::{
    app::App,
    mcp::{doors::Open, endpoint::Request, running::ELICITED},
};

/// Changes that come within this time are told together.
const TOGETHER: Duration = Duration::from_millis(50);
/// Lists are not compared more often than this.
const SELDOM: Duration = Duration::from_millis(250);
/// How often it is looked whether the session still stands.
const LOOK: Duration = Duration::from_secs(5);

/// The `_meta` key that says which subscription a message belongs to.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// How messages are written.
pub(crate) enum Voice {
    /// As they are.
    Plain,
    /// With the name that events of HTTP+SSE have.
    Named,
    /// With the id of the subscription.
    Tagged(Id),
}

/// What a session is looked up by, again and again.
pub(crate) struct Check {
    pub(crate) id: String,
    pub(crate) at: String,
}

/// A stream.
pub(crate) struct Feed {
    app: App,
    listener: Listener,
    voice: Voice,
    news: watch::Receiver<i64>,
    inbox: Arc<Inbox>,
    /// Ready when the credential has ended.
    credential: BoxFuture<'static, Error>,
    /// What else ends it, and why.
    pub(crate) ends: Vec<(&'static str, CancellationToken)>,
    /// Which lists it is told of.
    pub(crate) lists: Lists,
    /// The session that it belongs to.
    pub(crate) check: Option<Check>,
    /// Answers that are sent on this stream.
    pub(crate) answers: Option<mpsc::Receiver<Bytes>>,
    /// Subscriptions that end with the stream.
    pub(crate) held: Vec<Subscription>,
    /// What is done of what the client was asked to do at a URL.
    pub(crate) elicited: Option<Elicitations>,
    /// The way to this stream, for answers.
    pub(crate) line: Option<Open>,
    ready: VecDeque<Bytes>,
    /// When lists are compared next.
    look: Option<Instant>,
    looked: Instant,
    keep_alive: Option<Interval>,
    standing: Interval,
    _slot: Slot,
}

/// What happened.
enum Event {
    Over(&'static str),
    News,
    Look,
    Updates,
    Answer(Bytes),
    Elicited(String),
    KeepAlive,
    Standing,
}

/// What the client is sent.
enum Next {
    More(Bytes),
    Last(Bytes),
    End,
}

impl Feed {
    /// A stream for whoever sent this request; silent until it is said what about.
    pub(crate) fn new(request: &Request, voice: Voice, slot: Slot, inbox: Arc<Inbox>) -> Self {
        let app = request.auth.app.clone();
        let (clone, credential) = (app.clone(), Arc::clone(&request.auth.credential));
        let credential = async move { credential.ended(clone.engine()).await }.boxed();
        let mut news = app.engine().catalogue_news();
        // The place in the request may be older than the news, so the lists are compared once at the beginning.
        news.mark_changed();
        let settings = &app.settings().streams;
        let every = |seconds| ticks(Duration::from_secs(seconds));
        let keep_alive = settings.keep_alive.then(|| every(settings.keep_alive_seconds));
        Self {
            listener: super::listener(request),
            voice,
            news,
            inbox,
            credential,
            ends: Vec::new(),
            lists: Lists::default(),
            check: None,
            answers: None,
            held: Vec::new(),
            elicited: None,
            line: None,
            // Lets proxies pass the headers on at once.
            ready: VecDeque::from([Bytes::from_static(sse::KEEP_ALIVE)]),
            look: None,
            looked: Instant::now(),
            keep_alive,
            standing: ticks(LOOK),
            app,
            _slot: slot,
        }
    }

    /// Writes a notification.
    pub(crate) fn say(&mut self, method: &str, mut params: RawObject<'_>) {
        if let Voice::Tagged(id) = &self.voice {
            tag(&mut params, id);
        }
        let params = (!params.is_empty()).then(|| params.to_raw());
        let text = jsonrpc::write_notification(method, params.as_deref());
        self.ready.push_back(self.voice.event(&text));
    }

    /// Sends this before everything else.
    pub(crate) fn begin_with(&mut self, bytes: Bytes) {
        self.ready.push_front(bytes);
    }

    /// The stream as the body of an answer.
    pub(crate) fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(Some(self), |feed| async {
            let mut feed = feed?;
            match feed.next().await {
                Next::More(bytes) => Some((Ok::<_, Infallible>(bytes), Some(feed))),
                Next::Last(bytes) => Some((Ok(bytes), None)),
                Next::End => None,
            }
        }))
    }

    async fn next(&mut self) -> Next {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Next::More(bytes);
            }
            let over = match self.event().await {
                Event::Answer(bytes) => return Next::More(bytes),
                Event::Elicited(id) => {
                    let mut params = RawObject::new();
                    params.set_text("elicitationId", &id);
                    self.say(ELICITED, params);
                    None
                }
                Event::KeepAlive => return Next::More(Bytes::from_static(sse::KEEP_ALIVE)),
                Event::Over(reason) => Some(reason),
                Event::News => {
                    let soon = (Instant::now() + TOGETHER).max(self.looked + SELDOM);
                    self.look.get_or_insert(soon);
                    None
                }
                Event::Look => self.compare().await.err().map(|_| "access"),
                Event::Updates => self.tell_updates().await.err().map(|_| "access"),
                Event::Standing => self.check().await,
            };
            if let Some(reason) = over {
                return self.farewell(reason);
            }
        }
    }

    async fn event(&mut self) -> Event {
        let Self { credential, ends, news, look, inbox, answers, keep_alive, standing, app, .. } = self;
        let elicited = &mut self.elicited;
        let over = async {
            let ended = ends.iter().map(|(reason, token)| token.cancelled().map(|()| *reason).boxed());
            let draining = app.engine().draining().cancelled().map(|()| "shutdown").boxed();
            select_all(ended.chain([draining])).await.0
        };
        tokio::select! {
            biased;
            _ = credential => Event::Over("credential"),
            reason = over => Event::Over(reason),
            answer = receive(answers) => Event::Answer(answer),
            () = at(*look) => Event::Look,
            Ok(()) = news.changed() => Event::News,
            () = inbox.rung() => Event::Updates,
            id = done(elicited) => Event::Elicited(id),
            _ = standing.tick() => Event::Standing,
            () = tick(keep_alive) => Event::KeepAlive,
        }
    }

    async fn compare(&mut self) -> Result<(), Error> {
        (self.look, self.looked) = (None, Instant::now());
        let changed = self.listener.changes().await?.within(self.lists);
        for method in changed.methods() {
            self.say(method, RawObject::new());
        }
        Ok(())
    }

    async fn tell_updates(&mut self) -> Result<(), Error> {
        let uris: BTreeSet<Arc<str>> = self.inbox.take();
        for uri in uris {
            if self.listener.may_read(&uri).await? {
                let mut params = RawObject::new();
                params.set_text("uri", &uri);
                self.say("notifications/resources/updated", params);
            }
        }
        Ok(())
    }

    /// Whether the session is over: by its time, by its end, or with the token that it was opened with.
    async fn check(&mut self) -> Option<&'static str> {
        let check = self.check.as_ref()?;
        let (sessions, actor) = (self.app.sessions(), self.listener.actor());
        let Some(session) = sessions.find(actor, &check.at, &check.id) else { return Some("session") };
        // A database that does not answer ends nothing that it did not end before.
        let stands = sessions.stands(self.app.engine(), actor, &session).await.unwrap_or(true);
        (!stands).then_some("session")
    }

    /// The end: a modern client that is not to blame for it is told so in the answer to its request.
    fn farewell(&self, reason: &'static str) -> Next {
        self.app.engine().stats().stream_ended(reason);
        tracing::debug!(reason, "a stream to a client was ended");
        match &self.voice {
            Voice::Tagged(id) if reason == "shutdown" => {
                let mut result = RawObject::new();
                result.set_text("resultType", "complete");
                tag(&mut result, id);
                Next::Last(self.voice.event(&jsonrpc::write_result(id, &result.to_raw())))
            }
            _ => Next::End,
        }
    }
}

impl Voice {
    fn event(&self, text: &[u8]) -> Bytes {
        Bytes::from(match self {
            Self::Plain | Self::Tagged(_) => sse::encode(text),
            Self::Named => named(text),
        })
    }
}

/// A message as an event of HTTP+SSE.
pub(crate) fn named(text: &[u8]) -> Vec<u8> {
    let mut event = b"event: message\n".to_vec();
    event.extend_from_slice(&sse::encode(text));
    event
}

fn tag(object: &mut RawObject<'_>, id: &Id) {
    let edit = MetaEdit::new().set(SUBSCRIPTION, id.as_raw().to_owned());
    // Objects of ours take an edit without failing.
    if let Err(error) = edit.apply(object) {
        tracing::error!(%error, "a message could not be tagged");
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => std::future::pending().await,
    }
}

async fn done(elicited: &mut Option<Elicitations>) -> String {
    match elicited {
        Some(elicited) => elicited.next().await,
        None => std::future::pending().await,
    }
}

/// The next answer. Where whoever sends them is gone, the stream goes on with changes.
async fn receive(answers: &mut Option<mpsc::Receiver<Bytes>>) -> Bytes {
    if let Some(receiver) = answers
        && let Some(answer) = receiver.recv().await
    {
        return answer;
    }
    std::future::pending().await
}
