//! Legacy sessions without a table: the id is sealed, and says whose it is, for which endpoint and which revision.
//!
//! An id is bound to its principal. Anybody else's use of it, and any change of it, is "no such session". What has
//! to be remembered is only which sessions were ended early, until they would have ended by themselves.
//!
//! It also says which token it was opened with. Another token of the same person may go on with the session, because
//! clients refresh their tokens while a session lasts; but not after the first one was taken away ([`token_stands`]).
//! Where answers go to the opener and not to whoever asks (HTTP+SSE), it has to reach what the first one reached, no
//! more and no less ([`Session::reaches_as`]).

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Actor, Clock, Error, Result, Scope, Timestamp, id::ServerId};
use engine::{Engine, people::token_stands};
use protocol::{abilities::Abilities, json::RawObject, seal::Sealer, version};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// How long a session id may be used.
const LIFETIME: Duration = Duration::from_hours(24);
/// Ended sessions that are remembered; far more than a person's clients end in a day.
const ENDED: u64 = 100_000;
/// How long it is believed that a token was not taken away, of those that another token's requests depend on.
const BELIEVED: Duration = Duration::from_secs(2);

/// Opens, checks and ends sessions.
pub(crate) struct Sessions {
    sealer: Sealer,
    clock: Clock,
    ended: moka::sync::Cache<Arc<str>, ()>,
    /// Ids of tokens, and whether they stand.
    openers: moka::sync::Cache<Arc<str>, bool>,
    calls: Calls,
    /// The process that opens sessions here.
    owner: Arc<str>,
}

/// A session that was found good.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Identifies the session in the tables of this process.
    pub(crate) key: Arc<str>,
    /// The revision that the handshake settled.
    pub(crate) version: &'static str,
    /// What the client said it can be asked.
    pub(crate) abilities: Abilities,
    /// The id of the token that it was opened with, where that had one.
    opener: Option<Arc<str>>,
    /// What that token reached.
    reach: String,
    /// The process that opened it, where what it asked for is kept.
    pub(crate) owner: Option<Arc<str>>,
}

impl Session {
    /// The same session after a handshake in it.
    pub(crate) fn after(self, handshake: &Self) -> Self {
        Self { version: handshake.version, abilities: handshake.abilities, ..self }
    }

    /// Whether somebody comes with the token that the session was opened with, or one that reaches the same.
    pub(crate) fn reaches_as(&self, actor: &Actor) -> bool {
        let same = self.opener.is_some() && self.opener.as_deref() == actor.token_id.as_deref();
        same || self.reach == reach_of(actor)
    }
}

impl Sessions {
    /// Sessions sealed with `key`.
    pub(crate) fn new(key: &[u8; 32], clock: Clock) -> Result<Self> {
        let sealer = Sealer::new(&[("1", *key)]).map_err(Error::internal)?;
        let ended = moka::sync::Cache::builder().max_capacity(ENDED).time_to_live(LIFETIME).build();
        let openers = moka::sync::Cache::builder().max_capacity(ENDED).time_to_live(BELIEVED).build();
        Ok(Self { sealer, clock, ended, openers, calls: Calls::default(), owner: Arc::from("") })
    }

    /// The same in a process with a name.
    #[must_use]
    pub(crate) fn of(mut self, owner: Arc<str>) -> Self {
        self.owner = owner;
        self
    }

    /// The id of a new session of `actor` at `place` (a virtual server's id, or empty for everything).
    pub(crate) fn open(
        &self,
        actor: &Actor,
        place: &str,
        version: &str,
        abilities: Abilities,
    ) -> Result<String> {
        let ends = self.clock.now().plus(LIFETIME).seconds();
        let opener = &actor.token_id;
        let (id, can, reach) = (domain::id::UserId::random(), abilities.bits(), reach_of(actor));
        let owner = &*self.owner;
        let text =
            json!({ "id": id, "v": version, "c": can, "exp": ends, "t": opener, "r": reach, "o": owner });
        let text = text.to_string();
        self.sealer
            .seal("session", binding(actor, place).as_bytes(), text.as_bytes())
            .map_err(Error::internal)
    }

    /// The session that an id names, if it is this actor's, for this place, and has not ended.
    pub(crate) fn find(&self, actor: &Actor, place: &str, id: &str) -> Option<Session> {
        let text = self.sealer.open("session", binding(actor, place).as_bytes(), id).ok()?;
        let object = RawObject::parse(text.as_slice()).ok()?;
        let ends: i64 = object.get("exp")?.get().parse().ok()?;
        let key: Arc<str> = Arc::from(&*object.text("id")?);
        let alive = Timestamp::from_seconds(ends) > self.clock.now() && !self.ended.contains_key(&key);
        let version = version::legacy(&object.text("v")?)?;
        let bits = object.get("c").and_then(|bits| bits.get().parse().ok()).unwrap_or_default();
        let abilities = Abilities::from_bits(bits);
        let opener = object.text("t").map(|token_id| Arc::from(&*token_id));
        let owner = object.text("o").filter(|owner| !owner.is_empty()).map(|owner| Arc::from(&*owner));
        let reach = object.text("r").map(Cow::into_owned).unwrap_or_default();
        alive.then_some(Session { key, version, abilities, opener, reach, owner })
    }

    /// Whether the token that a session was opened with has not been taken away. Requests with that very token have
    /// proved it already.
    pub(crate) async fn stands(&self, engine: &Engine, actor: &Actor, session: &Session) -> Result<bool> {
        let Some(opener) = session.opener.as_ref().filter(|opener| actor.token_id.as_deref() != Some(opener))
        else {
            return Ok(true);
        };
        if let Some(stands) = self.openers.get(opener) {
            return Ok(stands);
        }
        let stands = token_stands(engine, opener).await?;
        self.openers.insert(Arc::clone(opener), stands);
        Ok(stands)
    }

    /// Notes that a token was taken away, so that it is known here at once.
    pub(crate) fn token_ended(&self, token_id: &str) {
        self.openers.insert(token_id.into(), false);
    }

    /// Ends a session before its time, with the calls that are under way in it.
    pub(crate) fn end(&self, session: &Session) {
        self.ended.insert(Arc::clone(&session.key), ());
        self.calls.cancel_all(&session.key);
    }

    /// The calls under way.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }
}

/// What an id is sealed to. The length keeps two fields from being read as one.
fn binding(actor: &Actor, place: &str) -> String {
    format!("{}:{}:{place}", actor.email.len(), actor.email)
}

/// What a token reaches, in short: whose rows, which permissions it may use, which virtual server it is for. Not what
/// its person may do, which is asked with every request.
fn reach_of(actor: &Actor) -> String {
    let scope = match &actor.scope {
        Scope::PublicOnly => Vec::new(),
        Scope::Unrestricted { .. } => vec!["*"],
        Scope::Teams { teams, .. } => {
            let mut teams: Vec<&str> = teams.iter().map(domain::id::TeamId::as_str).collect();
            teams.sort_unstable();
            teams.insert(0, "");
            teams
        }
    };
    let mut hasher = DefaultHasher::new();
    (actor.is_admin, scope, format!("{:?}", actor.cap), actor.server.as_ref().map(ServerId::as_str))
        .hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Calls under way in sessions of this process, by session and request id, so that a client can cancel its own.
#[derive(Debug, Default, Clone)]
pub(crate) struct Calls(Arc<Mutex<Table>>);

/// Session and request id, and what cancels the call.
type Table = HashMap<(Arc<str>, Box<str>), CancellationToken>;

/// A call under way; leaves the table when dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    calls: Calls,
    key: (Arc<str>, Box<str>),
    /// Cancelled when the client cancels the call.
    pub(crate) cancelled: CancellationToken,
}

impl Calls {
    /// Notes a call. `id` is the request id as JSON text, so that `1` and `"1"` differ. `None` where a call with this id
    /// is under way: it could not be told from this one, and never loses its place to it.
    pub(crate) fn enter(&self, session: &Session, id: &str) -> Option<Entry> {
        let key = (Arc::clone(&session.key), Box::from(id));
        let mut table = self.table();
        let hash_map::Entry::Vacant(place) = table.entry(key.clone()) else { return None };
        let cancelled = place.insert(CancellationToken::new()).clone();
        drop(table);
        Some(Entry { calls: self.clone(), key, cancelled })
    }

    /// Cancels one call of a session, if it is under way here.
    pub(crate) fn cancel(&self, session: &Session, id: &str) {
        let key = (Arc::clone(&session.key), Box::from(id));
        if let Some(cancelled) = self.table().get(&key) {
            cancelled.cancel();
        }
    }

    fn cancel_all(&self, session: &Arc<str>) {
        let table = self.table();
        table.iter().filter(|((key, _), _)| key == session).for_each(|(_, cancelled)| cancelled.cancel());
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.calls.table().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use domain::PermissionSet;

    use super::*;

    fn actor(email: &str) -> Actor {
        Actor {
            email: email.to_owned(),
            is_admin: true,
            granted: PermissionSet::ALL,
            in_team: std::collections::BTreeMap::new(),
            cap: PermissionSet::ALL,
            scope: Scope::PublicOnly,
            server: None,
            token_id: None,
            expires_at: None,
        }
    }

    #[test]
    fn a_session_is_its_owners_at_its_place_until_it_ends() {
        let clock = Clock::manual(Timestamp::from_seconds(1_800_000_000));
        let sessions = Sessions::new(&[7; 32], clock.clone()).unwrap();
        let (ann, bob) = (actor("ann@example.com"), actor("bob@example.com"));
        let id = sessions.open(&ann, "s1", "2025-06-18", Abilities::ROOTS).unwrap();
        assert_eq!(sessions.find(&ann, "s1", &id).unwrap().version, "2025-06-18");
        assert_eq!(sessions.find(&ann, "s1", &id).unwrap().abilities, Abilities::ROOTS);
        assert!(sessions.find(&bob, "s1", &id).is_none(), "an administrator is somebody else too");
        assert!(sessions.find(&ann, "s2", &id).is_none());
        assert!(sessions.find(&ann, "s1", &id[1..]).is_none());
        sessions.end(&sessions.find(&ann, "s1", &id).unwrap());
        assert!(sessions.find(&ann, "s1", &id).is_none(), "ended");
        let second = sessions.open(&ann, "s1", "2025-06-18", Abilities::ROOTS).unwrap();
        clock.advance(LIFETIME);
        assert!(sessions.find(&ann, "s1", &second).is_none(), "over");
    }

    #[test]
    fn a_call_is_cancelled_by_its_own_session_only() {
        let sessions = Sessions::new(&[7; 32], Clock::System).unwrap();
        let ann = actor("ann@example.com");
        let find = || {
            sessions.find(&ann, "", &sessions.open(&ann, "", "2025-11-25", Abilities::NONE).unwrap()).unwrap()
        };
        let (mine, other) = (find(), find());
        let entry = sessions.calls().enter(&mine, "1").unwrap();
        assert!(sessions.calls().enter(&mine, "1").is_none(), "the id is in use");
        drop(sessions.calls().enter(&mine, "2").unwrap());
        drop(sessions.calls().enter(&other, "1").unwrap());
        sessions.calls().cancel(&other, "1");
        sessions.calls().cancel(&mine, "\"1\"");
        assert!(!entry.cancelled.is_cancelled());
        sessions.calls().cancel(&mine, "1");
        assert!(entry.cancelled.is_cancelled());
        drop(entry);
        assert!(sessions.calls().table().is_empty());
    }
}
