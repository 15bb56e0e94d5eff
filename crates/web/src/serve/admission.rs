//! How many connections are held at once: in all, and from one address.
//!
//! A connection costs a file descriptor, and whoever is out of those can neither accept nor call an upstream. So there
//! is a most, below what the process may open, and nobody but a trusted reverse proxy may have all of it. Of IPv6 the
//! network of a customer (/64) counts as one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ipnet::IpNet;
use rustix::process::{Resource, getrlimit};

use crate::settings::ListenSettings;

/// Descriptors for everything that is no client: the database, logs, threads.
const RESERVED: usize = 64;
/// What is assumed where the system knows no limit.
const UNLIMITED: usize = 1 << 20;
/// The most by default, however many the process may open.
const DEFAULT_MOST: usize = 50_000;

/// The most connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Most {
    total: usize,
    per_address: usize,
}

impl Most {
    /// Out of the settings and the number of files that the process may open. By default half of these: a request may
    /// need a connection to its upstream. One address may have three quarters of them.
    fn of(total: Option<usize>, per_address: Option<usize>, files: usize) -> Self {
        let possible = files.saturating_sub(RESERVED).max(1);
        let total = total.unwrap_or((files / 2).min(DEFAULT_MOST)).clamp(1, possible);
        let per_address = per_address.unwrap_or((total / 4 * 3).max(1)).clamp(1, total);
        Self { total, per_address }
    }
}

/// Who is let in.
#[derive(Debug)]
pub(super) struct Admission {
    most: Most,
    exempt: Vec<IpNet>,
    present: Mutex<Present>,
}

#[derive(Debug, Default)]
struct Present {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The place of a connection; free again when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    admission: Arc<Admission>,
    address: IpAddr,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// `MAX_CONNECTIONS` are there.
    Total(usize),
    /// `MAX_CONNECTIONS_PER_ADDRESS` are there from this address.
    Address(usize),
}

impl Admission {
    /// Out of the settings and the limits of the process.
    pub(super) fn new(settings: &ListenSettings) -> Arc<Self> {
        let files = getrlimit(Resource::Nofile).current;
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(UNLIMITED).min(UNLIMITED);
        let most = Most::of(settings.max_connections, settings.max_connections_per_address, files);
        if settings.max_connections.is_some_and(|wanted| wanted > most.total) {
            warn(files, most.total);
        }
        Arc::new(Self { most, exempt: settings.trusted_proxies.0.clone(), present: Mutex::default() })
    }

    /// Gives a connection its place.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Slot, Full> {
        let peer = peer.to_canonical();
        let address = network(peer);
        let mut present = self.present();
        if present.total >= self.most.total {
            return Err(Full::Total(self.most.total));
        }
        let from_here = present.by_address.entry(address).or_default();
        if *from_here >= self.most.per_address && !self.exempt.iter().any(|net| net.contains(&peer)) {
            return Err(Full::Address(self.most.per_address));
        }
        *from_here += 1;
        present.total += 1;
        Ok(Slot { admission: Arc::clone(self), address })
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut present = self.admission.present();
        present.total -= 1;
        if let Some(count) = present.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                present.by_address.remove(&self.address);
            }
        }
    }
}

fn warn(files: usize, possible: usize) {
    tracing::warn!(files, possible, "MAX_CONNECTIONS is more than the process may open; raise its limit");
}

fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Lets one line a second through, with the number of those that were left out.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    last: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// How many lines were left out since the last one; `None` where this one is left out too.
    pub(super) fn now(&mut self) -> Option<u64> {
        if self.last.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
            self.left_out += 1;
            return None;
        }
        self.last = Some(Instant::now());
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(total: usize, per_address: usize, exempt: &[&str]) -> Arc<Admission> {
        let exempt = exempt.iter().map(|net| net.parse().unwrap()).collect();
        Arc::new(Admission { most: Most { total, per_address }, exempt, present: Mutex::default() })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn there_is_a_most_in_all_and_for_each_address() {
        let admission = admission(4, 2, &["10.0.0.0/8"]);
        let one = admission.admit(ip("192.0.2.1")).unwrap();
        let _two = admission.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(admission.admit(ip("192.0.2.1")).unwrap_err(), Full::Address(2));
        let _three = admission.admit(ip("192.0.2.2")).unwrap();
        drop(one);
        let _four = admission.admit(ip("192.0.2.1")).unwrap();
        let _five = admission.admit(ip("192.0.2.3")).unwrap();
        assert_eq!(admission.admit(ip("10.0.0.1")).unwrap_err(), Full::Total(4), "proxies too");
    }

    #[test]
    fn a_trusted_proxy_has_as_many_as_it_needs_and_a_customers_network_is_one_address() {
        let admission = admission(10, 1, &["10.0.0.0/8"]);
        let slots: Vec<_> = (0..3).map(|_| admission.admit(ip("10.0.0.1")).unwrap()).collect();
        let _one = admission.admit(ip("2001:db8::1")).unwrap();
        assert_eq!(admission.admit(ip("2001:db8::2")).unwrap_err(), Full::Address(1));
        let _other = admission.admit(ip("2001:db8:0:1::1")).unwrap();
        drop(slots);
        assert_eq!(admission.present().by_address.len(), 2, "nothing is kept of who has gone");
    }

    #[test]
    fn the_most_stays_below_what_the_process_may_open() {
        assert_eq!(Most::of(None, None, 1024), Most { total: 512, per_address: 384 });
        assert_eq!(Most::of(None, None, 1 << 20).total, DEFAULT_MOST);
        assert_eq!(Most::of(Some(5000), Some(5000), 1024), Most { total: 960, per_address: 960 });
        assert_eq!(Most::of(Some(100), None, 1024), Most { total: 100, per_address: 75 });
        assert_eq!(Most::of(None, None, 10), Most { total: 1, per_address: 1 });
    }

    #[test]
    fn lines_are_let_through_once_a_second() {
        let mut seldom = Seldom::default();
        assert_eq!((seldom.now(), seldom.now(), seldom.now()), (Some(0), None, None));
        seldom.last = seldom.last.and_then(|last| last.checked_sub(Duration::from_secs(2)));
        assert_eq!(seldom.now(), Some(2));
    }
}
