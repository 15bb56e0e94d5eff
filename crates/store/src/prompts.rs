//! The table of prompts: how its rows are read and written. What all registered things share is in `entity`.

use domain::{
    Owned, Result, Scope,
    id::{GatewayId, PromptId},
    item::Prompt,
};

use crate::{
    columns::{self, OwnedColumns, RecordColumns, Values},
    db::{Db, Tx},
    entity::{self, Entity},
    query::Query,
};

row! {
    /// The columns of a prompt.
    pub(crate) struct Columns {
        id: String,
        gateway_id: Option<String>,
        original_name: String,
        custom_name: String,
        custom_slug: String,
        name: String,
        description: Option<String>,
        template: Option<String>,
        definition: String,
        enabled: bool,
        reachable: bool,
        tags: String,
        ..owned: OwnedColumns,
        ..record: RecordColumns,
    }
}

impl Entity for Prompt {
    const TABLE: &'static str = "prompts";
    const KIND: &'static str = "Prompt";
    const OF_GATEWAY: bool = true;
    type Row = Columns;

    fn columns() -> String {
        let own = "id, gateway_id, original_name, custom_name, custom_slug, name, description, template, definition, enabled, reachable, tags";
        format!("{own}, {}, {}", columns::OWNED, columns::RECORD)
    }

    fn read(row: Columns) -> Result<Self> {
        Ok(Self {
            id: PromptId::from_stored(row.id),
            gateway_id: row.gateway_id.map_or_else(GatewayId::here, GatewayId::from_stored),
            original_name: row.original_name,
            custom_name: row.custom_name,
            custom_slug: row.custom_slug,
            name: row.name,
            description: row.description,
            template: row.template,
            definition: row.definition,
            enabled: row.enabled,
            reachable: row.reachable,
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
            .set("gateway_id", Some(self.gateway_id.as_str()).filter(|_| !self.gateway_id.is_here()))
            .set("original_name", &self.original_name)
            .set("custom_name", &self.custom_name)
            .set("custom_slug", &self.custom_slug)
            .set("name", &self.name)
            .set("description", &self.description)
            .set("template", &self.template)
            .set("definition", &self.definition)
            .set("enabled", self.enabled)
            .set("reachable", self.reachable)
            .set("tags", columns::list_text(&self.tags))
            .owned(&self.owned)
            .record(&self.record)
    }
}

/// Stores a new prompt.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, prompt: &Prompt) -> Result<()> {
    entity::insert(tx, prompt).await
}

/// Stores many at once; one with an id that exists is written over, whatever its version.
#[crate::boxed]
pub async fn upsert(tx: &mut Tx, prompts: &[Prompt]) -> Result<()> {
    entity::upsert(tx, prompts).await
}

/// Writes a prompt over the stored one, if that still has the expected version, and counts the version up.
#[crate::boxed]
pub async fn update(tx: &mut Tx, prompt: &Prompt, expected_version: i64) -> Result<()> {
    entity::update(tx, prompt, expected_version).await
}

/// Marks everything of a gateway as reachable or not; versions stay.
#[crate::boxed]
pub async fn mark_reachable(tx: &mut Tx, gateway: &GatewayId, reachable: bool) -> Result<()> {
    entity::mark_reachable(tx, Prompt::TABLE, gateway.as_str(), reachable).await
}

/// Deletes a prompt, also from the virtual servers that have it; says whether it was there.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &PromptId) -> Result<bool> {
    entity::delete::<Prompt>(tx, id.as_str()).await
}

/// One prompt.
#[crate::boxed]
pub async fn get(db: &Db, id: &PromptId) -> Result<Option<Prompt>> {
    entity::get(db, id.as_str()).await
}

/// Every prompt, oldest first; for the catalogue.
#[crate::boxed]
pub async fn all(db: &Db) -> Result<Vec<Prompt>> {
    entity::all(db).await
}

/// What a gateway offers, oldest first.
#[crate::boxed]
pub async fn of_gateway(db: &Db, gateway: &GatewayId) -> Result<Vec<Prompt>> {
    entity::of_gateway(db, gateway.as_str()).await
}

/// Those of `ids` that `scope` sees, in the order of `ids`.
#[crate::boxed]
pub async fn by_ids(db: &Db, scope: &Scope, ids: &[PromptId]) -> Result<Vec<Prompt>> {
    let ids: Vec<&str> = ids.iter().map(PromptId::as_str).collect();
    entity::by_ids(db, scope, &ids).await
}

/// The prompts that `scope` sees, newest first.
#[crate::boxed]
pub async fn list(db: &Db, scope: &Scope, query: &Query) -> Result<Vec<Prompt>> {
    entity::list(db, scope, query).await
}
