//! From verified claims to an actor: the contract's `teams` table, the token's own limits, and those of its row in
//! the catalogue.
//!
//! | `teams`              | API token, administrator   | API token, others | session                                   |
//! |----------------------|----------------------------|-------------------|-------------------------------------------|
//! | absent               | public only                | public only       | what the database says                    |
//! | `null`               | unrestricted, if flagged   | public only       | what the database says                    |
//! | `[]`                 | public only                | public only       | what the database says                    |
//! | `["t"]`              | those and public           | those and public  | those of them that the database says too  |
//!
//! A team that an API token names and its person is not in refuses the token. A session of which nothing is left is
//! public only: narrowing never widens. An issued token can be narrowed by its row, and never be widened: of every
//! limit that both have, the narrower one counts. Pure: who looks up what this needs is `authn::lookup`.

use std::collections::HashSet;

use domain::{
    Actor, Error, PermissionSet, Result, Scope, Timestamp,
    api_token::ApiToken,
    id::{ServerId, TeamId},
    person::User,
};

use super::{
    restrictions::Restrictions,
    token::{Claims, Teams, TokenScopes},
};
use crate::{people::Rights, policy};

pub(super) const REFUSED: Error = Error::Unauthenticated("Invalid authentication credentials");
/// More than anybody's token names.
const MOST_TEAMS: usize = 256;

/// The actor that claims, an account, its rights and the token's limits come to. Pure.
pub(crate) fn assemble(
    user: User,
    claims: Claims,
    rights: Rights,
    (cap, server): (PermissionSet, Option<ServerId>),
) -> Result<Actor> {
    let scope = scope_of(&claims, &user, &rights.teams)?;
    // Here and not at a door, so that it holds at every door.
    let cap = if server.is_some() { cap.and(PermissionSet::OF_ONE_SERVER) } else { cap };
    Ok(Actor {
        is_admin: user.is_admin && scope != Scope::PublicOnly,
        email: user.email,
        granted: rights.granted,
        in_team: rights.in_team,
        cap,
        scope,
        server,
        token_id: claims.jti,
        expires_at: claims.exp.map(Timestamp::from_seconds),
    })
}

/// The row has to be of this token and this person, and still count.
pub(super) fn check_row(row: &ApiToken, user: &User, hash: &[u8; 32], now: Timestamp) -> Result<()> {
    if row.email != user.email || row.token_hash != hexadecimal(hash) {
        // Only a holder of the signing key can make another token with the id.
        tracing::warn!(user = %row.email, "a token with the id of another one was refused");
        return Err(REFUSED);
    }
    if row.revoked.is_some() || !row.is_active {
        return Err(Error::Unauthenticated("Token has been revoked"));
    }
    if row.expires_at <= now { Err(REFUSED) } else { Ok(()) }
}

/// What a token is limited to.
pub(super) struct Limits {
    pub(super) cap: PermissionSet,
    pub(super) server: Option<ServerId>,
    pub(super) restrictions: Restrictions,
}

impl Limits {
    pub(super) fn of(scopes: &TokenScopes) -> Result<Self> {
        let server = scopes.server_id.as_deref().map(|id| ServerId::parse(id).ok_or(REFUSED)).transpose()?;
        let times = scopes.time_restrictions.clone().into_iter().collect();
        let usage = scopes.usage_limits.clone().into_iter().collect();
        let mut restrictions = Restrictions::default();
        restrictions.add(&scopes.ip_restrictions, &times, &usage)?;
        Ok(Self { cap: cap(&scopes.permissions), server, restrictions })
    }

    pub(super) fn narrow(&mut self, row: &ApiToken) -> Result<()> {
        let limits = &row.limits;
        self.cap = self.cap.and(cap(&limits.permissions));
        match (&self.server, &limits.server_id) {
            (Some(one), Some(other)) if one != other => return Err(Error::Forbidden { needs: None }),
            (_, None) => {}
            (_, Some(server)) => self.server = Some(server.clone()),
        }
        self.restrictions.add(&limits.ip_restrictions, &limits.time_restrictions, &limits.usage_limits)
    }
}

/// The permissions that a token is capped to; no list is no cap.
pub(crate) fn cap(names: &[String]) -> PermissionSet {
    if names.is_empty() {
        PermissionSet::ALL
    } else {
        PermissionSet::from_names(names.iter().map(String::as_str))
    }
}

/// The table above.
fn scope_of(claims: &Claims, user: &User, memberships: &[TeamId]) -> Result<Scope> {
    let email = user.email.clone();
    let named = named(&claims.teams)?;
    if claims.token_use.as_deref() == Some("session") {
        return Ok(scope_of_session(user, named, memberships));
    }
    let flagged = claims.is_admin.unwrap_or(false) || claims.user.as_ref().is_some_and(|user| user.is_admin);
    match &claims.teams {
        Teams::Null if user.is_admin && flagged => Ok(Scope::Unrestricted { email }),
        Teams::List(_) if !named.is_empty() => {
            if named.iter().all(|team| memberships.contains(team)) {
                Ok(Scope::Teams { email, teams: named })
            } else {
                tracing::debug!(user = %user.email, "token names a team that its user is not a member of");
                Err(policy::explain::outsider(&user.email))
            }
        }
        _ => Ok(Scope::PublicOnly),
    }
}

/// A session reaches what its person reaches; a list in the token can only narrow that.
fn scope_of_session(user: &User, named: Vec<TeamId>, memberships: &[TeamId]) -> Scope {
    let email = user.email.clone();
    if named.is_empty() {
        let teams = || memberships.to_vec();
        let everything = user.is_admin;
        return if everything {
            Scope::Unrestricted { email }
        } else {
            Scope::Teams { email, teams: teams() }
        };
    }
    // An administrator reaches every team, and may be narrowed to any.
    let reached = |team: &TeamId| user.is_admin || memberships.contains(team);
    let teams: Vec<TeamId> = named.into_iter().filter(reached).collect();
    if teams.is_empty() { Scope::PublicOnly } else { Scope::Teams { email, teams } }
}

/// The ids in the claim, each once.
fn named(teams: &Teams) -> Result<Vec<TeamId>> {
    let Teams::List(ids) = teams else { return Ok(Vec::new()) };
    if ids.len() > MOST_TEAMS {
        return Err(REFUSED);
    }
    let mut seen = HashSet::new();
    let ids = ids.iter().map(|id| TeamId::parse(id).ok_or(REFUSED));
    let ids: Vec<TeamId> = ids.collect::<Result<_>>()?;
    Ok(ids.into_iter().filter(|id| seen.insert(id.clone())).collect())
}

/// A hash as text.
pub(crate) fn hexadecimal(hash: &[u8; 32]) -> String {
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
    hash.iter().flat_map(digits).collect()
}

/// An actor for callers without a credential, where those are let in.
pub(super) fn anonymous() -> Actor {
    let granted =
        ["tools.read", "tools.execute", "prompts.read", "resources.read", "servers.read", "servers.use"];
    Actor {
        email: super::ANONYMOUS.to_owned(),
        is_admin: false,
        granted: PermissionSet::from_names(granted),
        in_team: std::collections::BTreeMap::new(),
        cap: PermissionSet::ALL,
        scope: Scope::PublicOnly,
        server: None,
        token_id: None,
        expires_at: None,
    }
}

#[cfg(test)]
mod tests;
