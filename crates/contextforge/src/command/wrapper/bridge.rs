//! Messages of the client to the gateway, and whatever the gateway says to the client.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::BodyExt;
use protocol::{
    json::RawObject,
    jsonrpc::{self, Id, Message, RpcError},
    ladder,
    sse::Decoder,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use upstream::egress::Incoming;

use super::far::Far;
use crate::{cli::Wrapper, command::advise};

/// Bytes of the largest message from the gateway.
const LARGEST: usize = 64 << 20;
/// The wait before a stream that ended is opened again.
const AGAIN: Duration = Duration::from_secs(2);

/// Both ends.
pub(super) struct Bridge {
    far: Far,
    out: mpsc::Sender<Vec<u8>>,
    quiet: bool,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Requests under way, by id, with what stops them.
    running: Mutex<HashMap<Id, CancellationToken>>,
    listening: AtomicBool,
    closed: CancellationToken,
}

impl Bridge {
    pub(super) fn new(far: Far, out: mpsc::Sender<Vec<u8>>, options: &Wrapper) -> Self {
        Self {
            far,
            out,
            quiet: matches!(options.log_level.to_ascii_lowercase().as_str(), "off" | "none" | "quiet"),
            places: Arc::new(Semaphore::new(options.concurrency.clamp(1, 1000))),
            tasks: TaskTracker::new(),
            running: Mutex::default(),
            listening: AtomicBool::new(false),
            closed: CancellationToken::new(),
        }
    }

    /// Takes one line of the client's.
    pub(super) async fn take(self: Arc<Self>, line: Vec<u8>) {
        let body = Bytes::from(line);
        match jsonrpc::parse(&body) {
            Ok(Message::Request { id, method, .. }) if method != "initialize" => {
                let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
                let (stop, bridge, body) = (CancellationToken::new(), Arc::clone(&self), body.clone());
                self.running().insert(id.clone(), stop.clone());
                self.tasks.spawn(async move {
                    stop.run_until_cancelled(bridge.ask(&id, &body)).await;
                    bridge.running().remove(&id);
                    drop(place);
                });
            }
            Ok(Message::Request { id, .. }) => self.ask(&id, &body).await,
            Ok(message) => self.tell(&message, body.clone()).await,
            Err(refusal) => {
                let error = refusal
                    .rpc()
                    .unwrap_or_else(|| RpcError::new(ladder::INVALID_REQUEST, refusal.message()));
                self.say(jsonrpc::write_error(refusal.id(), &error)).await;
            }
        }
    }

    /// Lets what is under way end, and then the session.
    pub(super) async fn close(&self, patience: Duration) {
        self.closed.cancel();
        self.tasks.close();
        // The client is gone; its answers would be read by nobody.
        drop(timeout(patience, self.tasks.wait()).await);
        self.running().values().for_each(CancellationToken::cancel);
        drop(timeout(patience, self.far.close()).await);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Id, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn say(&self, message: Vec<u8>) {
        // A client that does not read any more ends the program.
        drop(self.out.send(message).await);
    }

    /// A request; it always has an answer.
    async fn ask(&self, id: &Id, body: &Bytes) {
        let Ok(message) = jsonrpc::parse(body) else { return };
        let handshake = message.method() == Some("initialize");
        let failed = match self.far.post(&message, body.clone()).await {
            Ok(response) => self.answered(response, handshake).await.err(),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = failed {
            self.complain(&why);
            let error = RpcError::new(ladder::INTERNAL_ERROR, format!("The gateway: {why}"));
            self.say(jsonrpc::write_error(Some(id), &error)).await;
        }
    }

    /// Passes an answer on; says why there is none.
    async fn answered(&self, response: Response<Incoming>, handshake: bool) -> Result<(), String> {
        let (parts, body) = response.into_parts();
        if media(&parts.headers) == "text/event-stream" {
            if handshake {
                self.far.opened(&parts.headers, None);
            }
            return if self.relay(body).await { Ok(()) } else { Err("ended the answer early".to_owned()) };
        }
        let body = http_body_util::Limited::new(body, LARGEST).collect().await;
        let body = body.map_err(|_| "the answer could not be read".to_owned())?.to_bytes();
        match jsonrpc::parse(&body) {
            Ok(Message::Response { outcome, .. }) => {
                if handshake {
                    let result = outcome.ok();
                    let result = result.as_deref().and_then(|result| RawObject::parse(result).ok());
                    let settled = result.as_ref().and_then(|result| result.text("protocolVersion"));
                    self.far.opened(&parts.headers, settled.as_deref());
                }
                self.say(body.to_vec()).await;
                Ok(())
            }
            _ if parts.status == StatusCode::UNAUTHORIZED => {
                Err("refused the credential (HTTP 401); see MCP_AUTH".to_owned())
            }
            _ => Err(format!("answered with HTTP {}", parts.status.as_u16())),
        }
    }

    /// A notification, or an answer to the gateway.
    async fn tell(self: &Arc<Self>, message: &Message<'_>, body: Bytes) {
        if let Message::Notification { method, params } = message
            && method == "notifications/cancelled"
        {
            let object = params.and_then(|params| RawObject::parse(params).ok());
            let id = object.as_ref().and_then(|object| object.get("requestId")).map(Id::read);
            if let Some(Ok(id)) = id
                && let Some(stop) = self.running().get(&id)
            {
                stop.cancel();
            }
        }
        match self.far.post(message, body).await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.complain(&format!("answered with HTTP {}", response.status().as_u16())),
            Err(error) => self.complain(&error.to_string()),
        }
        if message.method() == Some("notifications/initialized")
            && !self.listening.swap(true, Ordering::Relaxed)
        {
            let (bridge, closed) = (Arc::clone(self), self.closed.clone());
            self.tasks.spawn(async move { closed.run_until_cancelled(bridge.listen()).await });
        }
    }

    /// Passes on what the gateway says unasked, for as long as it has a stream for that.
    async fn listen(&self) {
        while let Some(opened) = self.far.listen().await {
            match opened {
                Ok(response) if media(response.headers()) == "text/event-stream" => {
                    self.relay(response.into_body()).await;
                }
                // There is no such stream, or no such session any more.
                Ok(response) if response.status().is_client_error() => return,
                Ok(_) | Err(_) => {}
            }
            sleep(AGAIN).await;
        }
    }

    /// Passes on the messages of a stream to its end; says whether the last one was an answer.
    async fn relay(&self, mut body: Incoming) -> bool {
        let (mut decoder, mut answered) = (Decoder::new(LARGEST), false);
        while let Some(Ok(frame)) = body.frame().await {
            let Some(data) = frame.data_ref() else { continue };
            let Ok(events) = decoder.push(data) else { return false };
            for event in events.into_iter().filter(|event| !event.data.is_empty()) {
                answered = matches!(jsonrpc::parse(event.data.as_bytes()), Ok(Message::Response { .. }));
                self.say(event.data.into_bytes()).await;
            }
        }
        answered
    }

    fn complain(&self, why: &str) {
        if !self.quiet {
            advise(&format!("contextforge wrapper: the gateway {why}"));
        }
    }
}

fn media(headers: &HeaderMap) -> &str {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim()
}
