//! Whether what was begun with a token may go on with another one of the same person.
//!
//! A token that ended by itself, or that was exchanged for a younger one, ends nothing else: a client that refreshes
//! its token keeps its MCP session. A token that was taken away, by a logout or by somebody who revoked it, takes with
//! it what was begun with it. The younger tokens of a login are not traced back to its first one: a logout ends what
//! was begun with the very token that is logged out.

use domain::Result;

use crate::engine::Engine;

/// The reason of a revocation by a refresh.
const REFRESHED: &str = "refreshed";

/// Whether the token with this id was not taken away.
#[crate::boxed]
pub async fn token_stands(engine: &Engine, token_id: &str) -> Result<bool> {
    let reason = store::endings::reason(engine.db(), token_id).await?;
    Ok(reason.is_none_or(|reason| reason == REFRESHED))
}
