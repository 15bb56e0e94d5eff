//! Who wants to hear of updated resources, and what is followed upstream on their behalf.
//!
//! An upstream is told of a resource once, however many clients want to hear of it, and told to stop when the last one
//! does not ([`Updates`] counts). Updates wait in an [`Inbox`] as a set of URIs: a client that reads slowly hears of
//! each resource once, and nothing grows. Invariant: a URI is followed as long as there is a [`Subscription`] to it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{
    Error, Grant, Result,
    id::GatewayId,
    permission::grant::{ResourcesRead, ServersUse},
};
use protocol::json::RawObject;
use tokio::sync::{Notify, broadcast::error::RecvError};
use upstream::{Pool, Target, Update};

use crate::{
    catalogue::{Kind, Peer},
    engine::Engine,
    policy::{self, Permit},
    resolve::{self, Place},
};

/// Subscriptions of one principal, all streams and sessions together.
const MOST: usize = 1000;
/// Bytes of the longest URI.
const LONGEST: usize = 4096;

/// Updates that wait to be told to one client.
#[derive(Debug, Default)]
pub struct Inbox {
    pending: Mutex<BTreeSet<Arc<str>>>,
    bell: Notify,
}

impl Inbox {
    /// Waits until there is something.
    #[crate::boxed]
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes out what there is.
    pub fn take(&self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, uri: &Arc<str>) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(uri));
        self.bell.notify_one();
    }
}

/// Every subscription of this process.
#[derive(Debug, Default, Clone)]
pub(crate) struct Updates(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    gateways: HashMap<GatewayId, HashMap<Arc<str>, Vec<Wanted>>>,
    principals: HashMap<String, usize>,
}

#[derive(Debug)]
struct Wanted {
    number: u64,
    inbox: Weak<Inbox>,
}

/// That a client hears of one resource; ends when dropped.
#[derive(Debug)]
pub struct Subscription {
    updates: Updates,
    pool: Pool,
    target: Arc<Target>,
    /// What it is about.
    pub uri: Arc<str>,
    email: String,
    number: u64,
}

/// Subscribes to a resource that the actor may read here. `NotFound` where there is none, `Refused` where its upstream
/// does not tell of updates.
pub fn subscribe(
    engine: &Engine,
    permit: &Permit<ServersUse>,
    place: &Place,
    uri: &str,
    inbox: &Arc<Inbox>,
) -> Result<Subscription> {
    let permit = policy::narrow::<ResourcesRead, _>(permit)?;
    let peer = readable(&permit, place, uri)?;
    if !tells_updates(&peer) {
        return Err(Error::Refused(format!("The server of {uri} does not tell of updates")));
    }
    engine.updates().add(engine.pool(), &peer, (&permit.actor().email, uri), inbox)
}

/// Whether any resource that the actor sees here can be subscribed to.
pub fn offered<P>(permit: &Permit<P>, place: &Place) -> bool {
    let Ok(permit) = policy::narrow::<ResourcesRead, _>(permit) else { return false };
    let kinds = [Kind::Resource, Kind::Template].into_iter();
    let mut items = kinds.flat_map(|kind| place.snapshot.list(place.server(), kind));
    // Items of one upstream share it; each upstream is looked at once.
    let mut seen: Vec<*const Peer> = Vec::new();
    items.any(|item| {
        let peer = Arc::as_ptr(&item.peer);
        if seen.contains(&peer) || !permit.reaches(&item.owned) {
            return false;
        }
        seen.push(peer);
        tells_updates(&item.peer)
    })
}

fn readable<P: Grant>(permit: &Permit<P>, place: &Place, uri: &str) -> Result<Arc<Peer>> {
    if uri.len() > LONGEST {
        return Err(Error::invalid("uri", "is too long"));
    }
    Ok(Arc::clone(&resolve::resource(permit, place, uri)?.item().peer))
}

/// Whether an upstream says that its resources can be subscribed to.
fn tells_updates(peer: &Peer) -> bool {
    let capabilities = peer.capabilities.as_deref().and_then(|given| RawObject::parse(given).ok());
    let resources = capabilities.as_ref().and_then(|given| given.get("resources"));
    let resources = resources.and_then(|given| RawObject::parse(given).ok());
    resources.is_some_and(|given| given.get("subscribe").is_some_and(|told| told.get() == "true"))
}

impl Updates {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        &self,
        pool: &Pool,
        peer: &Peer,
        (email, uri): (&str, &str),
        inbox: &Arc<Inbox>,
    ) -> Result<Subscription> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let target = Arc::clone(&peer.target);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let mut table = self.table();
        let count = table.principals.entry(email.to_owned()).or_default();
        if *count >= MOST {
            return Err(Error::Refused(format!("there are {MOST} subscriptions already, which is the most")));
        }
        *count += 1;
        let uris = table.gateways.entry(target.gateway.clone()).or_default();
        let uri = uris.get_key_value(uri).map_or_else(|| Arc::from(uri), |(known, _)| Arc::clone(known));
        let wanted = uris.entry(Arc::clone(&uri)).or_default();
        wanted.push(Wanted { number, inbox: Arc::downgrade(inbox) });
        if wanted.len() == 1 {
            // Under the lock, so that two changes arrive in the order in which they were made.
            pool.follow(&target, uris.keys().cloned().collect());
        }
        drop(table);
        let (updates, pool, email) = (self.clone(), pool.clone(), email.to_owned());
        Ok(Subscription { updates, pool, target, uri, email, number })
    }

    fn remove(&self, subscription: &Subscription) {
        let Subscription { pool, target, uri, email, number, .. } = subscription;
        let mut table = self.table();
        if let Some(count) = table.principals.get_mut(email) {
            *count -= 1;
            if *count == 0 {
                table.principals.remove(email);
            }
        }
        let Some(uris) = table.gateways.get_mut(&target.gateway) else { return };
        let Some(wanted) = uris.get_mut(uri) else { return };
        wanted.retain(|wanted| wanted.number != *number);
        if wanted.is_empty() {
            uris.remove(uri);
            pool.follow(target, uris.keys().cloned().collect());
        }
        if uris.is_empty() {
            table.gateways.remove(&target.gateway);
        }
    }

    /// Puts an update into every inbox that wants it. Without a URI, every resource of the gateway may have changed.
    fn deliver(&self, update: &Update) {
        let table = self.table();
        let Some(uris) = table.gateways.get(&update.gateway) else { return };
        let told = uris.iter().filter(|(uri, _)| update.uri.as_ref().is_none_or(|told| told == *uri));
        for (uri, wanted) in told {
            wanted.iter().filter_map(|wanted| wanted.inbox.upgrade()).for_each(|inbox| inbox.put(uri));
        }
    }

    fn deliver_all(&self) {
        let gateways: Vec<_> = self.table().gateways.keys().cloned().collect();
        for gateway in gateways {
            self.deliver(&Update { gateway, uri: None });
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.updates.remove(self);
    }
}

/// Hands out what upstreams tell, until the program stops.
pub(crate) async fn hand_out(engine: Engine) {
    let mut receiver = engine.pool().updates();
    loop {
        match receiver.recv().await {
            Ok(update) => engine.updates().deliver(&update),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(
                    missed,
                    "updates of resources were missed; all that are followed count as updated"
                );
                engine.updates().deliver_all();
            }
            Err(RecvError::Closed) => return,
        }
    }
}
