//! The table of virtual servers and the tables that say what is in them.

use std::collections::HashMap;

use domain::{
    Error, Owned, Result, Scope,
    id::{PromptId, ResourceId, ServerId, ToolId},
    server::{Prefix, Server},
};

use crate::{
    columns::{self, OwnedColumns, RecordColumns, Values},
    db::{Db, Tx},
    entity::{self, Entity},
    query::Query,
    sql::Sql,
};

/// The tables of what is in a server.
const TABLES: [&str; 3] = ["server_tools", "server_prompts", "server_resources"];
/// Rows in one `INSERT`.
const ROWS: usize = 500;

row! {
    /// The columns of a server.
    pub(crate) struct Columns {
        id: String,
        name: String,
        description: Option<String>,
        icon: Option<String>,
        enabled: bool,
        prefix: String,
        tags: String,
        ..owned: OwnedColumns,
        ..record: RecordColumns,
    }
}

impl Entity for Server {
    const TABLE: &'static str = "servers";
    const KIND: &'static str = "Server";
    const OF_GATEWAY: bool = false;
    type Row = Columns;

    fn columns() -> String {
        let own = "id, name, description, icon, enabled, prefix, tags";
        format!("{own}, {}, {}", columns::OWNED, columns::RECORD)
    }

    /// Reads a server with nothing in it yet.
    fn read(row: Columns) -> Result<Self> {
        Ok(Self {
            id: ServerId::from_stored(row.id),
            name: row.name,
            description: row.description,
            icon: row.icon,
            enabled: row.enabled,
            prefix: prefix(&row.prefix)?,
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            tags: columns::tags(&row.tags)?,
            owned: row.owned.read()?,
            record: row.record.read(),
        })
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn label(&self) -> &str {
        &self.name
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn values(&self) -> Values {
        Values::new(self.id.as_str())
            .set("name", &self.name)
            .set("description", &self.description)
            .set("icon", &self.icon)
            .set("enabled", self.enabled)
            .set("prefix", prefix_word(self.prefix))
            .set("tags", columns::list_text(&self.tags))
            .owned(&self.owned)
            .record(&self.record)
    }
}

fn prefix_word(prefix: Prefix) -> &'static str {
    match prefix {
        Prefix::Gateway => "gateway",
        Prefix::None => "none",
    }
}

fn prefix(word: &str) -> Result<Prefix> {
    match word {
        "gateway" => Ok(Prefix::Gateway),
        "none" => Ok(Prefix::None),
        _ => Err(Error::internal(format!("the database holds the prefix {word:?}"))),
    }
}

/// Stores a new server with what is in it.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, server: &Server) -> Result<()> {
    entity::insert(tx, server).await?;
    fill(tx, server).await
}

/// Writes a server over the stored one, if that still has the expected version, and counts the version up.
#[crate::boxed]
pub async fn update(tx: &mut Tx, server: &Server, expected_version: i64) -> Result<()> {
    entity::update(tx, server, expected_version).await?;
    for table in TABLES {
        let statement = Sql::new(format!("DELETE FROM {table}")).push(" WHERE server_id = ", &server.id);
        tx.run(statement).await?;
    }
    fill(tx, server).await
}

async fn fill(tx: &mut Tx, server: &Server) -> Result<()> {
    let [tools, prompts, resources] = TABLES;
    put(tx, server, tools, server.tools.iter().map(ToolId::as_str).collect()).await?;
    put(tx, server, prompts, server.prompts.iter().map(PromptId::as_str).collect()).await?;
    put(tx, server, resources, server.resources.iter().map(ResourceId::as_str).collect()).await
}

/// Puts items in, in their order; one that is named twice counts once, and one that is gone by now is left out.
async fn put(tx: &mut Tx, server: &Server, table: &str, items: Vec<&str>) -> Result<()> {
    let of = table.trim_start_matches("server_");
    let mut numbered = (0_i64..).zip(items).collect::<Vec<_>>();
    let mut seen = std::collections::HashSet::new();
    numbered.retain(|(_, item)| seen.insert(*item));
    for some in numbered.chunks(ROWS) {
        let mut sql = Sql::new(format!("INSERT INTO {table} (server_id, item_id, position) "));
        for (n, (position, item)) in some.iter().enumerate() {
            sql = sql.push(if n == 0 { "SELECT " } else { " UNION ALL SELECT " }, &server.id);
            sql = sql.text(", id").push(", CAST(", *position).text(" AS BIGINT)");
            sql = sql.text(" FROM ").text(of).push(" WHERE id = ", *item);
        }
        tx.run(sql).await?;
    }
    Ok(())
}

/// Deletes a server; says whether it was there.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &ServerId) -> Result<bool> {
    entity::delete::<Server>(tx, id.as_str()).await
}

/// One server.
#[crate::boxed]
pub async fn get(db: &Db, id: &ServerId) -> Result<Option<Server>> {
    let found: Option<Server> = entity::get(db, id.as_str()).await?;
    Ok(with_items(db, found.into_iter().collect()).await?.pop())
}

/// Every server, oldest first; for the catalogue.
#[crate::boxed]
pub async fn all(db: &Db) -> Result<Vec<Server>> {
    with_items(db, entity::all(db).await?).await
}

/// The servers that `scope` sees, newest first. What is in them is listed whether `scope` sees it or not.
#[crate::boxed]
pub async fn list(db: &Db, scope: &Scope, query: &Query) -> Result<Vec<Server>> {
    with_items(db, entity::list(db, scope, query).await?).await
}

async fn with_items(db: &Db, mut servers: Vec<Server>) -> Result<Vec<Server>> {
    let [tools, prompts, resources] = TABLES;
    let mut tools = items(db, tools, &servers).await?;
    let mut prompts = items(db, prompts, &servers).await?;
    let mut resources = items(db, resources, &servers).await?;
    for server in &mut servers {
        let take = |of: &mut HashMap<String, Vec<String>>| of.remove(server.id.as_str()).unwrap_or_default();
        server.tools = take(&mut tools).into_iter().map(ToolId::from_stored).collect();
        server.prompts = take(&mut prompts).into_iter().map(PromptId::from_stored).collect();
        server.resources = take(&mut resources).into_iter().map(ResourceId::from_stored).collect();
    }
    Ok(servers)
}

/// The items of these servers, in order.
async fn items(db: &Db, table: &str, servers: &[Server]) -> Result<HashMap<String, Vec<String>>> {
    let mut items: HashMap<String, Vec<String>> = HashMap::new();
    for some in servers.chunks(ROWS) {
        let statement = Sql::new(format!("SELECT server_id, item_id FROM {table} WHERE "))
            .one_of("server_id", some.iter().map(|server| &server.id))
            .text(" ORDER BY server_id, position");
        for (server, item) in db.all::<(String, String)>(statement).await? {
            items.entry(server).or_default().push(item);
        }
    }
    Ok(items)
}
