//! Following resources of a modern server: one subscription that names them all.
//!
//! Where something else is wanted, the next subscription begins before the last one ends, so that nothing is missed
//! between them.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::Modern;
use crate::{
    call::CallContext,
    fault::Fault,
    follow::{Following, PATIENCE, Wanted, listening},
    hear::{Ear, Heard},
    http::{Content, messages::Messages},
};

impl Modern {
    /// Listens to what is wanted, until the stream breaks or nothing is wanted any more.
    pub(crate) async fn follow(&self, following: &mut Following) -> Result<(), Fault> {
        let wanted = following.wanted();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut stream = self.subscribe(&wanted).await?;
        following.established();
        loop {
            let more = tokio::select! {
                more = following.changed() => more,
                ended = stream.tell(|uri| self.herald.tell_updated(Some(uri))) => return ended,
                () = self.herald.closed.cancelled() => return Err(Fault::Broken),
            };
            let wanted = following.wanted();
            if !more || wanted.is_empty() {
                return Ok(());
            }
            stream = self.replace(stream, &wanted).await?;
        }
    }

    /// Begins a subscription while the last one goes on.
    async fn replace(&self, mut last: Stream, wanted: &Wanted) -> Result<Stream, Fault> {
        let next = self.subscribe(wanted);
        tokio::pin!(next);
        tokio::select! {
            next = &mut next => next,
            // It ended by itself meanwhile.
            _ = last.tell(|uri| self.herald.tell_updated(Some(uri))) => next.await,
        }
    }

    async fn subscribe(&self, wanted: &Wanted) -> Result<Stream, Fault> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let context = CallContext::plain("");
        let request = self.request(id, "subscriptions/listen", &listening(wanted), &context)?;
        let reply = self.origin.exchange(request, Instant::now() + PATIENCE).await?;
        let Content::Events(body) = reply.content else {
            return Err(Fault::Useless("does not tell updates".to_owned()));
        };
        let messages = Messages::new(body, self.origin.client.max_response, None);
        Ok(Stream { messages, ear: Ear { id, ..Ear::default() } })
    }
}

/// A subscription under way.
struct Stream {
    messages: Messages,
    ear: Ear,
}

impl Stream {
    /// Reads it to its end.
    async fn tell(&mut self, tell: impl Fn(&str)) -> Result<(), Fault> {
        while let Some(event) = self.messages.next().await? {
            match self.ear.hear(event.data.as_bytes())? {
                Heard::Updated(uri) => tell(&uri),
                // A graceful end: the server wants to be asked again, and may have had something to tell meanwhile.
                Heard::Done(Ok(_)) => return Err(Fault::Broken),
                Heard::Done(Err(error)) => {
                    let why = format!("refused the subscription (error {})", error.code);
                    return Err(Fault::Useless(why));
                }
                _ => {}
            }
        }
        Err(Fault::Broken)
    }
}
