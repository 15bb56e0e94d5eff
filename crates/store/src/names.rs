//! Whether a name is free.
//!
//! Names of public rows are unique among all public rows, those of team rows within their team, and those of private
//! rows per owner. For gateways and servers a constraint says the same; asking first gives the better message.

use domain::{Owned, Result};

use crate::{columns::name_scope, db::Db, sql::Sql};

/// What the name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The slug of a gateway.
    Gateways,
    /// The name of a virtual server.
    Servers,
    /// The public name of a tool.
    Tools,
    /// The public name of a prompt.
    Prompts,
}

/// Whether another row than `except`, owned alike, has the name.
#[crate::boxed]
pub async fn taken(db: &Db, names: Names, owned: &Owned, name: &str, except: Option<&str>) -> Result<bool> {
    let statement = match names {
        Names::Gateways => "SELECT id FROM gateways WHERE slug = ",
        Names::Servers => "SELECT id FROM servers WHERE name = ",
        Names::Tools => "SELECT id FROM tools WHERE name = ",
        Names::Prompts => "SELECT id FROM prompts WHERE name = ",
    };
    let statement = Sql::new(statement)
        .push("", name)
        .push(" AND name_scope = ", name_scope(owned))
        .push_some(" AND id <> ", except)
        .text(" LIMIT 1");
    Ok(db.one::<(String,)>(statement).await?.is_some())
}
