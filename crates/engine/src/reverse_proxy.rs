//! Programs that serve tools over a connection which they opened to the gateway: who they are and whose.
//!
//! A session lives as long as its connection, in the process that holds it. Its id is made here, from 122 random
//! bits; whatever a client calls itself is ignored. Everybody reaches their own sessions, administrators whose
//! credential reaches everything reach all, and what one does not reach does not exist. A session always has an
//! owner. The transport registers a session, holds the [`Registered`] as long as the connection, and ends the
//! connection when [`Registered::ended`] is cancelled.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use domain::{
    Actor, Caller, Error, Result, Scope, Timestamp,
    id::{GatewayId, UserId},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    audit::{self, Deed},
    engine::Engine,
};

/// Sessions that one process holds at most.
const MOST: usize = 10_000;
/// Sessions that one person has at most.
const MOST_OF_ONE: usize = 100;

/// What a program says of itself. Descriptive only: nothing is decided from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The name of its server.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The revision of MCP that it speaks.
    pub protocol: Option<String>,
}

/// A connected program.
#[derive(Debug, Clone)]
pub struct ReverseSession {
    /// Made by the gateway.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// What it says of itself.
    pub about: About,
    /// Where it connected from.
    pub client_ip: Option<String>,
    /// Since when.
    pub connected_at: Timestamp,
    /// When it was last heard of.
    pub last_activity: Timestamp,
    /// The gateway that it serves.
    pub gateway: Option<GatewayId>,
    ended: CancellationToken,
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub struct Registry {
    sessions: Arc<RwLock<BTreeMap<String, ReverseSession>>>,
}

/// Holds a session in the registry; dropped with the connection.
#[derive(Debug)]
pub struct Registered {
    sessions: Arc<RwLock<BTreeMap<String, ReverseSession>>>,
    id: String,
    ended: CancellationToken,
    served: Arc<OnceLock<GatewayId>>,
}

/// Notes which gateway a session serves.
#[derive(Debug, Clone)]
pub struct Mark {
    sessions: Arc<RwLock<BTreeMap<String, ReverseSession>>>,
    id: String,
    served: Arc<OnceLock<GatewayId>>,
}

impl Registry {
    /// Takes a program in, for somebody who may (which the transport has made sure of).
    pub fn register(
        &self,
        owner: &Actor,
        caller: &Caller,
        about: About,
        now: Timestamp,
    ) -> Result<Registered> {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let own = sessions.values().filter(|session| session.owner == owner.email).count();
        if own >= MOST_OF_ONE || sessions.len() >= MOST {
            return Err(Error::RateLimited { retry_after: std::time::Duration::from_mins(1) });
        }
        let session = ReverseSession {
            id: UserId::random().as_str().to_owned(),
            owner: owner.email.clone(),
            about,
            client_ip: caller.ip.map(|ip| ip.to_string()),
            connected_at: now,
            last_activity: now,
            gateway: None,
            ended: CancellationToken::new(),
        };
        let registered = Registered {
            sessions: Arc::clone(&self.sessions),
            id: session.id.clone(),
            ended: session.ended.clone(),
            served: Arc::default(),
        };
        sessions.insert(session.id.clone(), session);
        Ok(registered)
    }

    /// Whether the connection that serves a gateway is one of this process.
    pub(crate) fn serves(&self, gateway: &GatewayId) -> bool {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.values().any(|session| session.gateway.as_ref() == Some(gateway))
    }

    /// The sessions that an actor reaches, by id.
    pub fn list(&self, actor: &Actor) -> Vec<ReverseSession> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.values().filter(|session| reaches(actor, session)).cloned().collect()
    }

    /// One of them.
    pub fn get(&self, actor: &Actor, id: &str) -> Result<ReverseSession> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(id).filter(|session| reaches(actor, session)).cloned();
        session.ok_or_else(|| Error::not_found("Session", ""))
    }
}

/// Whether a session is the actor's, or the actor sees all of them.
fn reaches(actor: &Actor, session: &ReverseSession) -> bool {
    let all = actor.is_admin && matches!(actor.scope, Scope::Unrestricted { .. });
    actor.server.is_none() && (all || actor.email == session.owner)
}

/// Ends a session; its connection closes.
#[crate::boxed]
pub async fn end(engine: &Engine, actor: &Arc<Actor>, caller: &Caller, id: &str) -> Result<()> {
    let registry = engine.reverse_sessions();
    let session = registry.get(actor, id)?;
    let details = json!({ "owner": session.owner, "name": session.about.name });
    let deed = Deed::done("reverse_session.end", "reverse_session", &session.id).with(details);
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, &actor.email, caller, deed).await?;
    tx.commit().await?;
    registry.sessions.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    session.ended.cancel();
    Ok(())
}

impl Registered {
    /// The id that the gateway made.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Cancelled when somebody ends the session.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// What notes which gateway it serves.
    pub fn mark(&self) -> Mark {
        let (sessions, served) = (Arc::clone(&self.sessions), Arc::clone(&self.served));
        Mark { sessions, id: self.id.clone(), served }
    }

    /// The gateway that it serves, also when the session was ended.
    pub fn served(&self) -> Option<&GatewayId> {
        self.served.get()
    }

    /// Notes that something was heard of it.
    pub fn heard(&self, now: Timestamp) {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.get_mut(&self.id) {
            session.last_activity = now;
        }
    }
}

impl Mark {
    /// Notes it, before anybody can be served: whatever happens then, the gateway is withdrawn at the end.
    pub(crate) fn serves(&self, gateway: &GatewayId) {
        let served = self.served.get_or_init(|| gateway.clone());
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.get_mut(&self.id) {
            session.gateway = Some(served.clone());
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use domain::PermissionSet;

    use super::*;

    fn actor(email: &str, is_admin: bool, scope: Scope) -> Actor {
        Actor {
            email: email.to_owned(),
            is_admin,
            granted: PermissionSet::NONE,
            in_team: BTreeMap::new(),
            cap: PermissionSet::ALL,
            scope,
            server: None,
            token_id: None,
            expires_at: None,
        }
    }

    fn person(email: &str) -> Actor {
        actor(email, false, Scope::Teams { email: email.to_owned(), teams: vec![] })
    }

    fn admin() -> Actor {
        actor("admin@example.com", true, Scope::Unrestricted { email: "admin@example.com".to_owned() })
    }

    fn register(registry: &Registry, owner: &Actor) -> Registered {
        let caller = Caller::default();
        registry.register(owner, &caller, About::default(), Timestamp(1)).unwrap()
    }

    #[test]
    fn people_reach_their_own_sessions_and_administrators_all() {
        let registry = Registry::default();
        let (ann, bob) = (person("ann@example.com"), person("bob@example.com"));
        let (of_ann, of_bob) = (register(&registry, &ann), register(&registry, &bob));
        assert_eq!(registry.list(&ann).len(), 1);
        assert_eq!(registry.list(&ann)[0].id, of_ann.id());
        assert_eq!(registry.list(&admin()).len(), 2);
        assert!(registry.get(&ann, of_bob.id()).is_err() && registry.get(&bob, of_bob.id()).is_ok());
        let public_only = actor("admin@example.com", true, Scope::PublicOnly);
        assert!(registry.list(&public_only).is_empty(), "a token that reaches public things only");
        let bound = Actor { server: Some(domain::id::ServerId::random()), ..admin() };
        assert!(registry.list(&bound).is_empty(), "a token for one server");
    }

    #[test]
    fn a_session_goes_with_its_connection() {
        let registry = Registry::default();
        let ann = person("ann@example.com");
        let session = register(&registry, &ann);
        session.heard(Timestamp(7));
        assert_eq!(registry.get(&ann, session.id()).unwrap().last_activity, Timestamp(7));
        let ended = session.ended().clone();
        drop(session);
        assert!(registry.list(&ann).is_empty() && ended.is_cancelled());
    }

    #[test]
    fn ids_are_random_and_people_have_a_limit() {
        let registry = Registry::default();
        let ann = person("ann@example.com");
        let sessions: Vec<Registered> = (0..MOST_OF_ONE).map(|_| register(&registry, &ann)).collect();
        let ids: std::collections::BTreeSet<&str> = sessions.iter().map(Registered::id).collect();
        assert_eq!(ids.len(), MOST_OF_ONE);
        assert!(ids.iter().all(|id| id.len() == 32 && UserId::parse(id).is_some()));
        let more = registry.register(&ann, &Caller::default(), About::default(), Timestamp(1));
        assert!(matches!(more, Err(Error::RateLimited { .. })));
        register(&registry, &person("bob@example.com"));
    }
}
