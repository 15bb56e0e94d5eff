//! Looks up whose a verified token is: its revocation, its person, its row in the catalogue and the person's rights.
//! What they come to is worked out in [`super::scope`], which needs no database.

use domain::{Actor, Error, Result, Timestamp};

use super::{
    credential::Credential,
    restrictions::Restrictions,
    scope::{Limits, REFUSED, assemble, check_row, hexadecimal},
    token::Claims,
};
use crate::{engine::Engine, people};

/// What verified claims come to.
pub(crate) struct Resolved {
    pub(crate) actor: Actor,
    pub(super) credential: Credential,
    pub(crate) restrictions: Restrictions,
    /// When the person's rights change by themselves.
    pub(super) changes_at: Option<Timestamp>,
}

/// Looks up whose a token is and what it may do. `hash` is the SHA-256 of the token.
pub(crate) async fn resolve(engine: &Engine, claims: Claims, hash: &[u8; 32]) -> Result<Resolved> {
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
    let row = match &claims.jti {
        Some(jti) => store::api_tokens::get(engine.db(), jti).await?,
        None => None,
    };
    let scopes = claims.scopes.clone().unwrap_or_default();
    let mut limits = Limits::of(&scopes)?;
    if let Some(row) = &row {
        check_row(row, &user, hash, engine.clock().now())?;
        limits.narrow(row)?;
    }
    let rights = people::rights_of(engine, &user).await?;
    let changes_at = rights.changes_at;
    let mut credential = Credential::of(&claims, Some(&user.email));
    credential.restricted = limits.restrictions.any() || limits.server.is_some();
    if row.is_some() || limits.restrictions.usage.any() {
        let token = claims.jti.clone().unwrap_or_else(|| format!("sha256:{}", hexadecimal(hash)));
        credential.meter = Some(engine.meters().of(engine.db(), &token, engine.clock().now()).await?);
    }
    let actor = assemble(user, claims, rights, (limits.cap, limits.server))?;
    Ok(Resolved { actor, credential, restrictions: limits.restrictions, changes_at })
}
