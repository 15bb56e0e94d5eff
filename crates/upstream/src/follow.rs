//! Following resources: an upstream is asked to tell when they are updated, and asked again after it was lost.
//!
//! One task per upstream, started with the first URI and idle without any. How an upstream is asked is a matter of its
//! transport and era (`Link::follow`); this is when. After a break nobody knows what was missed, so that everything
//! followed counts as updated then.

use std::{
    collections::BTreeSet,
    sync::{Arc, Weak},
};

use domain::id::GatewayId;
use protocol::json::RawObject;
use serde_json::value::RawValue;
use tokio::{
    sync::{broadcast, watch},
    time::{Duration, Instant},
};

use crate::{call::Update, fault::Fault, http::herald::Patience};

/// The URIs that somebody wants to hear of.
pub(crate) type Wanted = Arc<BTreeSet<Arc<str>>>;

/// How long asking for one resource, or finding the link, may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// How long it takes until the next failure in a row is none.
const SOUND: Duration = Duration::from_secs(10);

/// What is to be followed, and who is told.
#[derive(Debug)]
pub(crate) struct Following {
    gateway: GatewayId,
    wanted: watch::Receiver<Wanted>,
    updates: broadcast::Sender<Update>,
    /// Whether updates may have been missed.
    missed: bool,
}

impl Following {
    pub(crate) fn new(
        gateway: GatewayId,
        wanted: watch::Receiver<Wanted>,
        updates: broadcast::Sender<Update>,
    ) -> Self {
        Self { gateway, wanted, updates, missed: false }
    }

    /// What is wanted now.
    pub(crate) fn wanted(&mut self) -> Wanted {
        Arc::clone(&self.wanted.borrow_and_update())
    }

    /// Waits until something else is wanted; false where nothing will be any more.
    pub(crate) async fn changed(&mut self) -> bool {
        self.wanted.changed().await.is_ok()
    }

    /// The upstream was asked for everything that is wanted.
    pub(crate) fn established(&mut self) {
        if std::mem::take(&mut self.missed) {
            self.tell(None);
        }
    }

    /// Tells of an update; without a URI, of everything.
    pub(crate) fn tell(&self, uri: Option<&str>) {
        let update = Update { gateway: self.gateway.clone(), uri: uri.map(Arc::from) };
        // Nobody may be listening.
        drop(self.updates.send(update));
    }
}

/// Something that can be followed, if it is still there.
pub(crate) trait Followed: Send + Sync + 'static {
    /// Follows until it breaks, or until nothing is wanted.
    fn follow(&self, following: &mut Following) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Follows for as long as the upstream is in use.
pub(crate) async fn keep<F: Followed>(followed: Weak<F>, mut following: Following) {
    let mut patience = Patience::new();
    loop {
        if following.wanted.wait_for(|wanted| !wanted.is_empty()).await.is_err() {
            return;
        }
        let Some(current) = followed.upgrade() else { return };
        let begun = Instant::now();
        let ended = current.follow(&mut following).await;
        drop(current);
        if begun.elapsed() > SOUND {
            patience.reset();
        }
        match ended {
            Ok(()) => continue,
            // It has no such thing. Another resource may be another matter, another minute is not.
            Err(Fault::Useless(why)) => {
                tracing::debug!(gateway = %following.gateway, why, "updates are not followed");
                if !following.changed().await {
                    return;
                }
            }
            Err(_) => following.missed = true,
        }
        tokio::time::sleep(patience.take()).await;
    }
}

/// The parameters that name one resource.
pub(crate) fn named(uri: &str) -> Box<RawValue> {
    let mut params = RawObject::new();
    params.set_text("uri", uri);
    params.to_raw()
}

/// The parameters of a modern subscription to these resources.
pub(crate) fn listening(wanted: &Wanted) -> Box<RawValue> {
    let uris = wanted.iter().map(|uri| protocol::json::raw_text(uri));
    let uris: Vec<String> = uris.map(|uri| uri.get().to_owned()).collect();
    let list = RawValue::from_string(format!("[{}]", uris.join(",")));
    let mut filter = RawObject::new();
    if let Ok(list) = list {
        filter.set("resourceSubscriptions", list);
    }
    let mut params = RawObject::new();
    params.set("notifications", filter.to_raw());
    params.to_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_names_every_resource() {
        let wanted: Wanted = Arc::new(["a:\"b", "c:d"].into_iter().map(Arc::from).collect());
        assert_eq!(
            listening(&wanted).get(),
            r#"{"notifications":{"resourceSubscriptions":["a:\"b","c:d"]}}"#
        );
        assert_eq!(named("a:b").get(), r#"{"uri":"a:b"}"#);
    }

    #[tokio::test]
    async fn what_was_missed_is_told_once() {
        let (updates, mut told) = broadcast::channel(4);
        let (_wants, wanted) = watch::channel(Wanted::default());
        let mut following = Following::new(GatewayId::random(), wanted, updates);
        following.established();
        following.missed = true;
        following.established();
        following.established();
        following.tell(Some("a:b"));
        assert_eq!(told.recv().await.unwrap().uri, None);
        assert_eq!(told.recv().await.unwrap().uri.as_deref(), Some("a:b"));
    }
}
