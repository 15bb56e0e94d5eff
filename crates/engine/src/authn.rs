//! From a credential to an [`Actor`].
//!
//! The hot path is one hash and one look-up: a verified token is remembered under its SHA-256 until it ends or
//! until anything about identities changes (the identity sequence moves). Nothing is ever decided from a token
//! that was remembered under an older sequence. When the database cannot be asked, nobody comes in.

pub mod password;
pub mod token;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use aws_lc_rs::digest;
use domain::{Actor, Error, PermissionSet, Result, Scope, id::ServerId, id::TeamId, person::User};

use crate::{
    authn::token::{Claims, Teams, TokenScopes},
    engine::Engine,
    people,
};

/// What a request brought along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The bearer token, without the word `Bearer`.
    pub bearer: Option<&'a str>,
    /// The client's address, for tokens that are limited to some.
    pub ip: Option<IpAddr>,
}

/// A remembered verification.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    actor: Arc<Actor>,
    networks: Arc<[String]>,
    identity_seq: i64,
}

/// Remembers verified tokens by their SHA-256.
pub(crate) type ActorCache = moka::sync::Cache<[u8; 32], Remembered>;

/// Says who is asking, or `Unauthenticated`, or `Forbidden` where the token itself forbids the request.
pub async fn authenticate(engine: &Engine, credentials: Credentials<'_>) -> Result<Arc<Actor>> {
    let Some(bearer) = credentials.bearer else {
        return anonymous(engine);
    };
    let key = sha256(bearer.as_bytes());
    let identity_seq = engine.identity_seq();
    let now = engine.clock().now();
    if let Some(known) = engine.actors().get(&key)
        && known.identity_seq == identity_seq
        && known.actor.expires_at.is_none_or(|end| end > now)
    {
        check_network(&known.networks, credentials.ip)?;
        return Ok(known.actor);
    }
    let claims = engine.token_keys().verify(bearer, now)?;
    let (actor, networks) = actor_of(engine, claims).await?;
    let remembered = Remembered { actor: Arc::new(actor), networks: networks.into(), identity_seq };
    engine.actors().insert(key, remembered.clone());
    check_network(&remembered.networks, credentials.ip)?;
    Ok(remembered.actor)
}

fn anonymous(engine: &Engine) -> Result<Arc<Actor>> {
    if engine.settings().auth.required {
        return Err(Error::Unauthenticated("Authorization token required"));
    }
    let granted =
        ["tools.read", "tools.execute", "prompts.read", "resources.read", "servers.read", "servers.use"];
    Ok(Arc::new(Actor {
        email: "anonymous".to_owned(),
        is_admin: false,
        granted: PermissionSet::from_names(granted),
        in_team: BTreeMap::new(),
        cap: PermissionSet::ALL,
        scope: Scope::PublicOnly,
        server: None,
        token_id: None,
        expires_at: None,
    }))
}

async fn actor_of(engine: &Engine, claims: Claims) -> Result<(Actor, Vec<String>)> {
    const REFUSED: Error = Error::Unauthenticated("Invalid authentication credentials");
    if let Some(jti) = &claims.jti
        && store::tokens::is_revoked(engine.db(), jti).await?
    {
        return Err(Error::Unauthenticated("Token has been revoked"));
    }
    let user = match people::user_of(engine, &claims).await? {
        Some(user) if user.is_active => user,
        Some(_) => return Err(Error::Unauthenticated("Account disabled")),
        None => return Err(REFUSED),
    };
    let scopes = claims.scopes.clone().unwrap_or_default();
    refuse_unenforced(&scopes)?;
    let server = match scopes.server_id.as_deref() {
        None => None,
        Some(id) => Some(ServerId::parse(id).ok_or(REFUSED)?),
    };
    let rights = people::rights_of(engine, &user).await?;
    let scope = scope_of(&claims, &user, &rights.teams)?;
    let cap = if scopes.permissions.is_empty() {
        PermissionSet::ALL
    } else {
        PermissionSet::from_names(scopes.permissions.iter().map(String::as_str))
    };
    // Here and not at a door, so that it holds at every door.
    let cap = if server.is_some() { cap.and(PermissionSet::OF_ONE_SERVER) } else { cap };
    let actor = Actor {
        is_admin: user.is_admin && scope != Scope::PublicOnly,
        email: user.email,
        granted: rights.granted,
        in_team: rights.in_team,
        cap,
        scope,
        server,
        token_id: claims.jti,
        expires_at: claims.exp.map(domain::Timestamp::from_seconds),
    };
    Ok((actor, scopes.ip_restrictions))
}

/// A limit that is not enforced must not look as if it were: such tokens are refused.
fn refuse_unenforced(scopes: &TokenScopes) -> Result<()> {
    if scopes.time_restrictions.is_empty() && scopes.usage_limits.is_empty() {
        return Ok(());
    }
    tracing::warn!("a token with time or usage limits was refused: these limits are not supported");
    Err(Error::Forbidden { needs: None })
}

/// The contract's table (section 3): what the `teams` claim means.
fn scope_of(claims: &Claims, user: &User, memberships: &[TeamId]) -> Result<Scope> {
    let email = user.email.clone();
    let session = claims.token_use.as_deref() == Some("session");
    let flagged = claims.is_admin.unwrap_or(false) || claims.user.as_ref().is_some_and(|user| user.is_admin);
    let named = match &claims.teams {
        Teams::List(ids) => ids.iter().map(|id| TeamId::parse(id)).collect::<Option<Vec<_>>>(),
        Teams::Absent | Teams::Null => Some(Vec::new()),
    };
    let named = named.ok_or(Error::Unauthenticated("Invalid authentication credentials"))?;
    if session {
        // A session reaches what its person reaches; a list in the token can only narrow that.
        return Ok(match (user.is_admin, named.is_empty()) {
            (true, true) => Scope::Unrestricted { email },
            (true, false) => Scope::Teams { email, teams: named },
            (false, true) => Scope::Teams { email, teams: memberships.to_vec() },
            (false, false) => Scope::Teams {
                email,
                teams: named.into_iter().filter(|team| memberships.contains(team)).collect(),
            },
        });
    }
    match &claims.teams {
        Teams::Null if user.is_admin && flagged => Ok(Scope::Unrestricted { email }),
        Teams::List(list) if !list.is_empty() => {
            if named.iter().all(|team| memberships.contains(team)) {
                Ok(Scope::Teams { email, teams: named })
            } else {
                tracing::debug!(user = %user.email, "token names a team that its user is not a member of");
                Err(Error::Forbidden { needs: None })
            }
        }
        _ => Ok(Scope::PublicOnly),
    }
}

fn check_network(networks: &[String], ip: Option<IpAddr>) -> Result<()> {
    if networks.is_empty() {
        return Ok(());
    }
    let inside = |network: &String| {
        let Some(ip) = ip.map(|ip| ip.to_canonical()) else { return false };
        network.parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&ip))
            || network.parse::<IpAddr>().is_ok_and(|one| one.to_canonical() == ip)
    };
    if networks.iter().any(inside) { Ok(()) } else { Err(Error::Forbidden { needs: None }) }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0_u8; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}
