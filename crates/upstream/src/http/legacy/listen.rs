//! Listening for changes of a legacy server's lists, on the GET stream of the gateway's own session.
//!
//! What happened while the stream was broken is unknown, so after a break everything counts as changed.

use std::sync::{Arc, atomic::Ordering};

use http::StatusCode;
use tokio::time::Instant;

use super::{
    Legacy,
    session::{BRIEFLY, Session},
};
use crate::{
    call::{CallContext, Change},
    fault::Fault,
    hear::{Ear, Heard},
    hop,
    http::{Content, Reply, herald::Patience, messages::Messages},
};

/// Where the listening stands.
#[derive(Debug, Default)]
struct Place {
    /// The last event, after which the stream can be resumed.
    last_id: Option<String>,
    /// Whether the stream broke since.
    missed: bool,
}

impl Legacy {
    /// Begins to listen, once, if the server promises to tell anything.
    pub(super) fn listen(&self, session: &Arc<Session>) {
        let capabilities = &session.connected.capabilities;
        let told = ["tools", "prompts", "resources"].iter().any(|name| hop::capability(capabilities, name).1);
        if told {
            self.listen_always(session);
        }
    }

    /// Begins to listen, once, whatever the server promises.
    pub(super) fn listen_always(&self, session: &Arc<Session>) {
        if !self.inner.listening.swap(true, Ordering::Relaxed) {
            self.inner.herald.run(self.clone().keep_listening(Arc::clone(session)));
        }
    }

    async fn keep_listening(self, first: Arc<Session>) {
        let own = CallContext::plain("");
        let (mut patience, mut lost, mut place) = (Patience::new(), false, Place::default());
        let mut session = first;
        loop {
            let begun = Instant::now();
            let ended = session.hear_changes(&mut place).await;
            if matches!(ended, Ok(()) | Err(Fault::Broken)) && begun.elapsed() > BRIEFLY {
                patience.reset();
            }
            match ended {
                Ok(()) => lost = false,
                // Proxies end streams too, so a break alone does not mean that the server is gone.
                Err(Fault::Broken) => (lost, place.missed) = (false, true),
                Err(Fault::SessionGone) => self.forget(&own, &session),
                // Told every time: a refresh may have found it back for a moment that this task slept through.
                Err(Fault::Unreachable { .. }) => {
                    place.missed = true;
                    self.inner.herald.tell(Change::Lost);
                }
                Err(Fault::TimedOut | Fault::Unavailable(_)) => {
                    place.missed = true;
                    if !std::mem::replace(&mut lost, true) {
                        self.inner.herald.tell(Change::Lost);
                    }
                }
                // There is no such stream, which is allowed.
                Err(_) => return,
            }
            tokio::time::sleep(patience.take()).await;
            let Ok(current) = self.session(&own, Instant::now() + BRIEFLY).await else { continue };
            if !Arc::ptr_eq(&current, &session) {
                // A new session means a new server, or one that forgot: anything may have changed.
                (session, place, lost) = (current, Place::default(), false);
                self.inner.herald.tell_all();
            }
        }
    }
}

impl Session {
    /// Reads the session's stream to its end.
    async fn hear_changes(self: &Arc<Self>, place: &mut Place) -> Result<(), Fault> {
        let request = self.get(place.last_id.as_deref());
        let Reply { status, content, .. } = self.origin.exchange(request, Instant::now() + BRIEFLY).await?;
        let body = match content {
            Content::Events(body) if status.is_success() => body,
            Content::Other(_) if status == StatusCode::METHOD_NOT_ALLOWED => {
                return Err(Fault::Useless("has no stream of its own".to_owned()));
            }
            content if self.is_gone(status, &content) => return Err(Fault::SessionGone),
            _ => return Err(Fault::Useless("has no stream of its own".to_owned())),
        };
        if std::mem::take(&mut place.missed) {
            self.herald.tell_all();
        }
        let mut messages = Messages::new(body, self.origin.client.max_response, None);
        messages.last_id.clone_from(&place.last_id);
        // Ids of ours are positive, so no reply on this stream is taken for one.
        let ear = Ear { id: -1, ..Ear::default() };
        loop {
            let event = messages.next().await;
            place.last_id.clone_from(&messages.last_id);
            let Some(event) = event? else { return Ok(()) };
            match ear.hear(event.data.as_bytes()) {
                Ok(Heard::Changed(change)) => self.herald.tell(change),
                Ok(Heard::Updated(uri)) => self.herald.tell_updated(Some(&uri)),
                Ok(Heard::Asked(id, ping)) => self.respond(&id, ping),
                _ => {}
            }
        }
    }
}
