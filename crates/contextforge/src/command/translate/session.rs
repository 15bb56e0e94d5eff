//! One client's process: what goes to it, and which stream what it says belongs on.
//!
//! An answer goes to whoever asked, progress to the call that it is about. Everything else goes to the client's own
//! stream where it has one open, to a call under way where it has not, and waits within bounds where there is neither.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::Context;
use bytes::Bytes;
use protocol::{
    json::RawObject,
    jsonrpc::{self, Id, Message},
    params::Params,
};
use tokio::sync::mpsc;
use upstream::stdio::{
    file::Launch,
    local::{Local, Messages},
};

use crate::command::local;

/// Processes at once; when there are as many, the one that rested longest makes room.
const MOST: usize = 64;
/// Messages that wait for a client to read.
const QUEUE: usize = 256;

/// The processes of all clients.
pub(super) struct Sessions {
    launch: Launch,
    running: Mutex<HashMap<String, Arc<Session>>>,
}

/// One client's process.
pub(super) struct Session {
    local: Local,
    streams: Mutex<Streams>,
}

struct Streams {
    /// Calls under way, by id, with the token of their progress.
    calls: HashMap<Id, Call>,
    /// The client's own stream.
    own: Option<mpsc::Sender<Bytes>>,
    waiting: VecDeque<Bytes>,
    used: Instant,
    ended: bool,
}

struct Call {
    stream: mpsc::Sender<Bytes>,
    token: Option<String>,
}

impl Sessions {
    pub(super) fn new(launch: Launch) -> Self {
        Self { launch, running: Mutex::default() }
    }

    /// A process for a new client, and its name.
    pub(super) fn open(self: &Arc<Self>) -> anyhow::Result<(String, Arc<Session>)> {
        let id = domain::id::UserId::random().as_str().to_owned();
        Ok((id.clone(), self.start(id)?))
    }

    /// The process of those who have none of their own.
    pub(super) fn shared(self: &Arc<Self>) -> anyhow::Result<Arc<Session>> {
        match self.find("") {
            Some(session) => Ok(session),
            None => self.start(String::new()),
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Session>> {
        let session = self.running().get(id).cloned()?;
        session.streams().used = Instant::now();
        Some(session)
    }

    /// Ends a process; says whether there was one.
    pub(super) fn end(&self, id: &str) -> bool {
        // Dropping the last hold of it ends the process.
        self.running().remove(id).map(|session| session.close()).is_some()
    }

    pub(super) async fn end_all(&self) {
        let all = std::mem::take(&mut *self.running());
        for session in all.values() {
            session.close();
            session.local.end().await;
        }
    }

    fn start(self: &Arc<Self>, id: String) -> anyhow::Result<Arc<Session>> {
        self.make_room()?;
        let (local, messages) = local::start(&self.launch)?;
        let streams = Streams {
            calls: HashMap::new(),
            own: None,
            waiting: VecDeque::new(),
            used: Instant::now(),
            ended: false,
        };
        let session = Arc::new(Session { local, streams: Mutex::new(streams) });
        self.running().insert(id.clone(), Arc::clone(&session));
        tokio::spawn(read(Arc::clone(self), id, Arc::downgrade(&session), messages));
        Ok(session)
    }

    fn make_room(&self) -> anyhow::Result<()> {
        let mut running = self.running();
        if running.len() < MOST {
            return Ok(());
        }
        let idle = running.iter().filter(|(_, session)| session.streams().is_idle());
        let oldest = idle.min_by_key(|(_, session)| session.streams().used).map(|(id, _)| id.clone());
        let oldest = oldest.context("all processes are in use; try again later")?;
        running.remove(&oldest);
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Sends what needs no answer.
    pub(super) async fn tell(&self, message: Vec<u8>) -> domain::Result<()> {
        self.local.send(message).await
    }

    /// Sends a request; gives what belongs to it, with the answer last. `None` where its id is in use.
    pub(super) async fn ask(
        &self,
        (id, params): (&Id, &Params<'_>),
        message: Vec<u8>,
    ) -> domain::Result<Option<mpsc::Receiver<Bytes>>> {
        let (stream, receiver) = mpsc::channel(QUEUE);
        let token = params.progress_token().map(|token| token.get().to_owned());
        {
            let mut streams = self.streams();
            if streams.ended {
                return Err(domain::Error::upstream("The server is not running any more"));
            }
            if streams.calls.contains_key(id) {
                return Ok(None);
            }
            streams.calls.insert(id.clone(), Call { stream, token });
        }
        self.local.send(message).await.map(|()| Some(receiver))
    }

    /// The client's own stream from now on; the one before it ends.
    pub(super) fn listen(&self) -> mpsc::Receiver<Bytes> {
        let (stream, receiver) = mpsc::channel(QUEUE);
        let mut streams = self.streams();
        for message in std::mem::take(&mut streams.waiting) {
            // There is room: no more wait than fit.
            drop(stream.try_send(message));
        }
        streams.own = Some(stream);
        receiver
    }

    fn close(&self) {
        let mut streams = self.streams();
        streams.ended = true;
        streams.calls.clear();
        streams.own = None;
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.own.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    /// Puts a message of the process where it belongs. Who does not read loses what does not fit.
    fn put(&mut self, line: Vec<u8>) {
        self.calls.retain(|_, call| !call.stream.is_closed());
        let bytes = Bytes::from(line);
        let about = match jsonrpc::parse(&bytes) {
            Ok(Message::Response { id: Some(id), .. }) => match self.calls.remove(&id) {
                Some(call) => return drop(call.stream.try_send(bytes)),
                None => None,
            },
            Ok(Message::Notification { method, params }) if method == "notifications/progress" => {
                params.and_then(|params| RawObject::parse(params).ok()).and_then(|object| {
                    let token = object.get("progressToken")?.get().to_owned();
                    Some(token)
                })
            }
            Ok(_) => None,
            // Not everything that a server writes is a message.
            Err(_) => return,
        };
        let own = self.own.as_ref().filter(|own| !own.is_closed());
        let call = match &about {
            Some(token) => self.calls.values().find(|call| call.token.as_ref() == Some(token)),
            None if own.is_some() => None,
            None => self.calls.values().next(),
        };
        let stream = call.map(|call| &call.stream).or(own);
        if let Some(stream) = stream {
            return drop(stream.try_send(bytes));
        }
        if self.waiting.len() == QUEUE {
            self.waiting.pop_front();
        }
        self.waiting.push_back(bytes);
    }
}

async fn read(
    sessions: Arc<Sessions>,
    id: String,
    session: std::sync::Weak<Session>,
    mut messages: Messages,
) {
    while let Some(line) = messages.next().await {
        let Some(session) = session.upgrade() else { return };
        session.streams().put(line);
    }
    let Some(session) = session.upgrade() else { return };
    local::last_words(&session.local);
    session.close();
    let mut running = sessions.running();
    if running.get(&id).is_some_and(|now| Arc::ptr_eq(now, &session)) {
        running.remove(&id);
    }
}
