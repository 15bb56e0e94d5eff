//! Listening for changes of a modern server's lists, with `subscriptions/listen`.
//!
//! The stream is asked for again when it ends. What happened in between is unknown, so after a break everything
//! counts as changed.

use std::sync::{Arc, atomic::Ordering};

use protocol::json::RawObject;
use serde_json::value::RawValue;
use tokio::time::{Duration, Instant};

use super::Modern;
use crate::{
    call::{CallContext, Change, Connected},
    fault::Fault,
    hear::{Ear, Heard},
    hop,
    http::{Content, herald::Patience, messages::Messages},
};

/// How long the head of the stream may take.
const PATIENCE: Duration = Duration::from_secs(15);

impl Modern {
    /// Begins to listen, once, if the server promises to tell anything.
    pub(crate) fn listen(&self, connected: &Connected) {
        let mut wanted = RawObject::new();
        for (capability, notification) in [
            ("tools", "toolsListChanged"),
            ("prompts", "promptsListChanged"),
            ("resources", "resourcesListChanged"),
        ] {
            if hop::capability(&connected.capabilities, capability).1 {
                wanted.set(notification, RawValue::TRUE);
            }
        }
        if wanted.is_empty() || self.listening.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut params = RawObject::new();
        params.set("notifications", wanted.to_raw());
        let listener = Self::new(Arc::clone(&self.origin), self.herald.clone());
        let params = params.to_raw();
        self.herald.run(async move { listener.keep_listening(&params).await });
    }

    async fn keep_listening(&self, params: &RawValue) {
        let mut patience = Patience::new();
        let (mut lost, mut missed) = (false, false);
        loop {
            let begun = Instant::now();
            let ended = self.listen_once(params, &mut missed).await;
            if begun.elapsed() > PATIENCE {
                patience.reset();
            }
            match ended {
                // A graceful end: the server wants to be asked again.
                Ok(()) => lost = false,
                // Proxies end streams too, so a break alone does not mean that the server is gone.
                Err(Fault::Broken) => (lost, missed) = (false, true),
                Err(Fault::Unavailable(_)) => missed = true,
                // Told every time: a refresh may have found it back for a moment that this task slept through.
                Err(Fault::Unreachable { .. }) => {
                    self.herald.tell(Change::Lost);
                    missed = true;
                }
                Err(Fault::TimedOut) => {
                    if !std::mem::replace(&mut lost, true) {
                        self.herald.tell(Change::Lost);
                    }
                    missed = true;
                }
                Err(fault) => {
                    let error = fault.into_error(&self.origin.name);
                    tracing::debug!(%error, "changes are not followed");
                    return;
                }
            }
            tokio::time::sleep(patience.take()).await;
        }
    }

    async fn listen_once(&self, params: &RawValue, missed: &mut bool) -> Result<(), Fault> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let request = self.request(id, "subscriptions/listen", params, &CallContext::plain(""))?;
        let reply = self.origin.exchange(request, Instant::now() + PATIENCE).await?;
        let Content::Events(body) = reply.content else {
            return Err(Fault::Useless("does not tell changes".to_owned()));
        };
        if std::mem::take(missed) {
            self.herald.tell_all();
        }
        let mut messages = Messages::new(body, self.origin.client.max_response, None);
        let ear = Ear { id, ..Ear::default() };
        while let Some(event) = messages.next().await? {
            match ear.hear(event.data.as_bytes())? {
                Heard::Changed(change) => self.herald.tell(change),
                Heard::Done(_) => return Ok(()),
                _ => {}
            }
        }
        Err(Fault::Broken)
    }
}
