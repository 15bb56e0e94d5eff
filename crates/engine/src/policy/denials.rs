//! The refusals of the recent past, with their traces, so that "why was I denied?" has an answer.
//!
//! Kept in this process only and bounded twice, by number and by bytes; the oldest go first. A number that is not
//! found was given by another replica or has been pushed out. Looking is for `admin.security_audit`.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{Error, Permission, Result, Timestamp, TraceStep, permission::grant::AdminSecurityAudit};

use super::Permit;
use crate::{Engine, permission_audit};

/// Refusals that are kept.
const KEPT: usize = 10_000;
/// Bytes that they may take, about.
const BYTES: usize = 16 << 20;
/// Bytes of a text that came from the client.
const LONGEST: usize = 256;

/// A refusal that can be looked up.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Its number, as the refused client was told it.
    pub id: Box<str>,
    /// When it was.
    pub at: Timestamp,
    /// Who was refused, where that is known.
    pub email: Option<String>,
    /// The reason as one word.
    pub reason: &'static str,
    /// The permission in question.
    pub needs: Option<Permission>,
    /// The HTTP method.
    pub method: Box<str>,
    /// The path, without the query.
    pub path: Box<str>,
    /// Where the request came from.
    pub ip: Option<IpAddr>,
    /// The request id.
    pub request_id: Arc<str>,
    /// The steps of the decision.
    pub trace: Vec<TraceStep>,
}

impl Refusal {
    /// What the client chose, cut to a length.
    fn cut(mut self) -> Self {
        self.path = cut(&self.path);
        self.method = cut(&self.method);
        self
    }

    fn size(&self) -> usize {
        let texts = self.id.len() + self.path.len() + self.method.len() + self.request_id.len();
        let email = self.email.as_ref().map_or(0, String::len);
        size_of::<Self>() + texts + email + self.trace.iter().map(TraceStep::size).sum::<usize>()
    }
}

/// The refusals that are kept.
#[derive(Debug)]
pub struct Denials {
    ring: Mutex<Ring>,
    kept: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Ring {
    order: VecDeque<Arc<Refusal>>,
    by_id: HashMap<Box<str>, Arc<Refusal>>,
    bytes: usize,
}

impl Default for Denials {
    fn default() -> Self {
        Self::holding(KEPT, BYTES)
    }
}

impl Denials {
    fn holding(kept: usize, bytes: usize) -> Self {
        Self { ring: Mutex::default(), kept, bytes }
    }

    /// Keeps a refusal, and lets go of the oldest that no longer fit.
    pub fn keep(&self, refusal: Refusal) {
        let refusal = Arc::new(refusal.cut());
        let mut ring = self.ring();
        ring.bytes += refusal.size();
        ring.by_id.insert(refusal.id.clone(), Arc::clone(&refusal));
        ring.order.push_back(refusal);
        while ring.order.len() > self.kept || ring.bytes > self.bytes {
            let Some(oldest) = ring.order.pop_front() else { break };
            ring.bytes = ring.bytes.saturating_sub(oldest.size());
            ring.by_id.remove(&oldest.id);
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes a refusal: for people who look it up, and in the metrics.
pub fn note(engine: &Engine, refusal: Refusal) {
    tracing::debug!(decision_id = %refusal.id, user = refusal.email, reason = refusal.reason, "denied");
    engine.stats().denied(refusal.reason);
    let refusal = refusal.cut();
    permission_audit::refused(engine, &refusal);
    engine.denials().keep(refusal);
}

/// The refusal with a number.
pub fn get(denials: &Denials, _: &Permit<AdminSecurityAudit>, id: &str) -> Result<Arc<Refusal>> {
    denials.ring().by_id.get(id).cloned().ok_or_else(|| Error::not_found("Decision", id))
}

/// The newest refusals before the one numbered `before`, newest first; of one person where `email` is given.
pub fn list(
    denials: &Denials,
    _: &Permit<AdminSecurityAudit>,
    (before, email): (Option<&str>, Option<&str>),
    limit: usize,
) -> Vec<Arc<Refusal>> {
    let ring = denials.ring();
    let newest = ring.order.iter().rev();
    // A number that is gone stands before everything that is left.
    let mut reached = before.is_none_or(|id| !ring.by_id.contains_key(id));
    let from_there = newest.filter(|refusal| {
        let there = reached;
        reached |= before == Some(&*refusal.id);
        there
    });
    let of_person =
        from_there.filter(|refusal| email.is_none_or(|email| refusal.email.as_deref() == Some(email)));
    of_person.take(limit).cloned().collect()
}

fn cut(text: &str) -> Box<str> {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(id: &str, email: &str) -> Refusal {
        Refusal {
            id: id.into(),
            at: Timestamp(0),
            email: Some(email.to_owned()),
            reason: "role",
            needs: None,
            method: "GET".into(),
            path: "é".repeat(5_000).into(),
            ip: None,
            request_id: "r".into(),
            trace: Vec::new(),
        }
    }

    fn ids(denials: &Denials, before: Option<&str>, email: Option<&str>, limit: usize) -> Vec<String> {
        let permit = crate::policy::system::<AdminSecurityAudit>("test");
        list(denials, &permit, (before, email), limit).iter().map(|refusal| refusal.id.to_string()).collect()
    }

    #[test]
    fn the_oldest_go_first_and_pages_follow_each_other() {
        let denials = Denials::holding(3, BYTES);
        for id in ["a", "b", "c", "d"] {
            denials.keep(refusal(id, if id == "c" { "ann" } else { "bob" }));
        }
        assert_eq!(ids(&denials, None, None, 2), ["d", "c"]);
        assert_eq!(ids(&denials, Some("c"), None, 2), ["b"]);
        assert_eq!(ids(&denials, None, Some("ann"), 9), ["c"]);
        let permit = crate::policy::system::<AdminSecurityAudit>("test");
        assert!(get(&denials, &permit, "a").is_err());
        assert_eq!(&*get(&denials, &permit, "b").unwrap().id, "b");
    }

    #[test]
    fn memory_is_bounded_whatever_is_refused() {
        let denials = Denials::holding(KEPT, 10_000);
        for n in 0..1_000 {
            denials.keep(refusal(&n.to_string(), &"x".repeat(1_000)));
        }
        let ring = denials.ring();
        assert!(ring.bytes <= 10_000 && !ring.order.is_empty(), "{}", ring.bytes);
        assert_eq!(ring.order.len(), ring.by_id.len());
        assert!(ring.order.iter().all(|refusal| refusal.path.len() <= LONGEST));
    }
}
