//! Names and URIs that rows of other gateways hold. Whether that matters is not decided here.

use domain::{Owned, Result, id::GatewayId};

use crate::{columns::OwnedColumns, db::Db, sql::Sql};

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Public names of tools.
    ToolName,
    /// Public names of prompts.
    PromptName,
    /// URIs of resources, and templates.
    ResourceUri,
}

impl Claim {
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::ToolName => ("tools", "name"),
            Self::PromptName => ("prompts", "name"),
            Self::ResourceUri => ("resources", "uri"),
        }
    }
}

row! {
    struct Held {
        held: String,
        ..owned: OwnedColumns,
    }
}

/// What begins with `prefix` and is held by rows of other gateways than `gateway`, switched off or not, with whose it is.
#[crate::boxed]
pub async fn of_others(
    db: &Db,
    claim: Claim,
    gateway: &GatewayId,
    prefix: &str,
) -> Result<Vec<(String, Owned)>> {
    let (table, column) = claim.place();
    let escaped = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let columns = crate::columns::OWNED;
    let statement = Sql::new(format!("SELECT {column} AS held, {columns} FROM {table}"))
        .push(" WHERE COALESCE(gateway_id, '') <> ", gateway)
        .push(&format!(" AND {column} LIKE "), format!("{escaped}%"))
        .text(" ESCAPE '\\'");
    let rows: Vec<Held> = db.all(statement).await?;
    // SQLite compares with LIKE without regard to case.
    let same_case = rows.into_iter().filter(|row| row.held.starts_with(prefix));
    same_case.map(|row| Ok((row.held, row.owned.read()?))).collect()
}
