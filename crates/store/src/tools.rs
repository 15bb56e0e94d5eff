//! The table of tools: how its rows are read and written. What all registered things share is in `entity`.

use domain::{
    Owned, Result, Scope,
    id::{GatewayId, ToolId},
    item::Tool,
};

use crate::{
    columns::{self, OwnedColumns, RecordColumns, Values},
    db::{Db, Tx},
    entity::{self, Entity},
    query::Query,
};

row! {
    /// The columns of a tool.
    pub(crate) struct Columns {
        id: String,
        gateway_id: String,
        original_name: String,
        custom_name: String,
        custom_slug: String,
        name: String,
        display_name: Option<String>,
        description: Option<String>,
        definition: String,
        enabled: bool,
        reachable: bool,
        held: bool,
        tags: String,
        ..owned: OwnedColumns,
        ..record: RecordColumns,
    }
}

impl Entity for Tool {
    const TABLE: &'static str = "tools";
    const KIND: &'static str = "Tool";
    const OF_GATEWAY: bool = true;
    type Row = Columns;

    fn columns() -> String {
        let own = "id, gateway_id, original_name, custom_name, custom_slug, name, display_name, description, definition, enabled, reachable, held, tags";
        format!("{own}, {}, {}", columns::OWNED, columns::RECORD)
    }

    fn read(row: Columns) -> Result<Self> {
        Ok(Self {
            id: ToolId::from_stored(row.id),
            gateway_id: GatewayId::from_stored(row.gateway_id),
            original_name: row.original_name,
            custom_name: row.custom_name,
            custom_slug: row.custom_slug,
            name: row.name,
            display_name: row.display_name,
            description: row.description,
            definition: row.definition,
            enabled: row.enabled,
            reachable: row.reachable,
            held: row.held,
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
            .set("gateway_id", &self.gateway_id)
            .set("original_name", &self.original_name)
            .set("custom_name", &self.custom_name)
            .set("custom_slug", &self.custom_slug)
            .set("name", &self.name)
            .set("display_name", &self.display_name)
            .set("description", &self.description)
            .set("definition", &self.definition)
            .set("enabled", self.enabled)
            .set("reachable", self.reachable)
            .set("held", self.held)
            .set("tags", columns::list_text(&self.tags))
            .owned(&self.owned)
            .record(&self.record)
    }
}

/// Stores a new tool.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, tool: &Tool) -> Result<()> {
    entity::insert(tx, tool).await
}

/// Stores many at once; one with an id that exists is written over, whatever its version.
#[crate::boxed]
pub async fn upsert(tx: &mut Tx, tools: &[Tool]) -> Result<()> {
    entity::upsert(tx, tools).await
}

/// Writes a tool over the stored one, if that still has the expected version, and counts the version up.
#[crate::boxed]
pub async fn update(tx: &mut Tx, tool: &Tool, expected_version: i64) -> Result<()> {
    entity::update(tx, tool, expected_version).await
}

/// Marks everything of a gateway as reachable or not; versions stay.
#[crate::boxed]
pub async fn mark_reachable(tx: &mut Tx, gateway: &GatewayId, reachable: bool) -> Result<()> {
    entity::mark_reachable(tx, Tool::TABLE, gateway.as_str(), reachable).await
}

/// Deletes a tool, also from the virtual servers that have it; says whether it was there.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &ToolId) -> Result<bool> {
    entity::delete::<Tool>(tx, id.as_str()).await
}

/// One tool.
#[crate::boxed]
pub async fn get(db: &Db, id: &ToolId) -> Result<Option<Tool>> {
    entity::get(db, id.as_str()).await
}

/// Every tool, oldest first; for the catalogue.
#[crate::boxed]
pub async fn all(db: &Db) -> Result<Vec<Tool>> {
    entity::all(db).await
}

/// What a gateway offers, oldest first.
#[crate::boxed]
pub async fn of_gateway(db: &Db, gateway: &GatewayId) -> Result<Vec<Tool>> {
    entity::of_gateway(db, gateway.as_str()).await
}

/// Those of `ids` that `scope` sees, in the order of `ids`.
#[crate::boxed]
pub async fn by_ids(db: &Db, scope: &Scope, ids: &[ToolId]) -> Result<Vec<Tool>> {
    let ids: Vec<&str> = ids.iter().map(ToolId::as_str).collect();
    entity::by_ids(db, scope, &ids).await
}

/// The tools that `scope` sees, newest first.
#[crate::boxed]
pub async fn list(db: &Db, scope: &Scope, query: &Query) -> Result<Vec<Tool>> {
    entity::list(db, scope, query).await
}

/// The same without those that are held back.
#[crate::boxed]
pub async fn list_served(db: &Db, scope: &Scope, query: &Query) -> Result<Vec<Tool>> {
    entity::list_where(db, scope, query, Some(("held", false))).await
}
