//! The table of resources and resource templates, told apart by `template`. What all registered things share is in
//! `entity`.

use domain::{
    Owned, Result, Scope,
    id::{GatewayId, ResourceId},
    item::Resource,
};

use crate::{
    columns::{self, OwnedColumns, RecordColumns, Values},
    db::{Db, Tx},
    entity::{self, Entity},
    query::Query,
};

row! {
    /// The columns of a resource.
    pub(crate) struct Columns {
        id: String,
        gateway_id: Option<String>,
        uri: String,
        template: bool,
        name: String,
        description: Option<String>,
        mime_type: Option<String>,
        size: Option<i64>,
        content: Option<String>,
        definition: String,
        enabled: bool,
        reachable: bool,
        tags: String,
        ..owned: OwnedColumns,
        ..record: RecordColumns,
    }
}

impl Entity for Resource {
    const TABLE: &'static str = "resources";
    const KIND: &'static str = "Resource";
    const OF_GATEWAY: bool = true;
    type Row = Columns;

    fn columns() -> String {
        let own = "id, gateway_id, uri, template, name, description, mime_type, size, content, definition, enabled, reachable, tags";
        format!("{own}, {}, {}", columns::OWNED, columns::RECORD)
    }

    fn read(row: Columns) -> Result<Self> {
        Ok(Self {
            id: ResourceId::from_stored(row.id),
            gateway_id: row.gateway_id.map_or_else(GatewayId::here, GatewayId::from_stored),
            uri: row.uri,
            template: row.template,
            name: row.name,
            description: row.description,
            mime_type: row.mime_type,
            size: row.size,
            content: row.content,
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
        &self.uri
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn values(&self) -> Values {
        Values::new(self.id.as_str())
            .set("gateway_id", Some(self.gateway_id.as_str()).filter(|_| !self.gateway_id.is_here()))
            .set("uri", &self.uri)
            .set("template", self.template)
            .set("name", &self.name)
            .set("description", &self.description)
            .set("mime_type", &self.mime_type)
            .set("size", self.size)
            .set("content", &self.content)
            .set("definition", &self.definition)
            .set("enabled", self.enabled)
            .set("reachable", self.reachable)
            .set("tags", columns::list_text(&self.tags))
            .owned(&self.owned)
            .record(&self.record)
    }
}

/// Stores a new resource.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, resource: &Resource) -> Result<()> {
    entity::insert(tx, resource).await
}

/// Stores many at once; one with an id that exists is written over, whatever its version.
#[crate::boxed]
pub async fn upsert(tx: &mut Tx, resources: &[Resource]) -> Result<()> {
    entity::upsert(tx, resources).await
}

/// Writes a resource over the stored one, if that still has the expected version, and counts the version up.
#[crate::boxed]
pub async fn update(tx: &mut Tx, resource: &Resource, expected_version: i64) -> Result<()> {
    entity::update(tx, resource, expected_version).await
}

/// Marks everything of a gateway as reachable or not; versions stay.
#[crate::boxed]
pub async fn mark_reachable(tx: &mut Tx, gateway: &GatewayId, reachable: bool) -> Result<()> {
    entity::mark_reachable(tx, Resource::TABLE, gateway.as_str(), reachable).await
}

/// Deletes a resource, also from the virtual servers that have it; says whether it was there.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &ResourceId) -> Result<bool> {
    entity::delete::<Resource>(tx, id.as_str()).await
}

/// One resource.
#[crate::boxed]
pub async fn get(db: &Db, id: &ResourceId) -> Result<Option<Resource>> {
    entity::get(db, id.as_str()).await
}

/// Every resource, oldest first; for the catalogue.
#[crate::boxed]
pub async fn all(db: &Db) -> Result<Vec<Resource>> {
    entity::all(db).await
}

/// What a gateway offers, oldest first.
#[crate::boxed]
pub async fn of_gateway(db: &Db, gateway: &GatewayId) -> Result<Vec<Resource>> {
    entity::of_gateway(db, gateway.as_str()).await
}

/// Those of `ids` that `scope` sees, in the order of `ids`.
#[crate::boxed]
pub async fn by_ids(db: &Db, scope: &Scope, ids: &[ResourceId]) -> Result<Vec<Resource>> {
    let ids: Vec<&str> = ids.iter().map(ResourceId::as_str).collect();
    entity::by_ids(db, scope, &ids).await
}

/// The resources, or the templates, that `scope` sees, newest first.
#[crate::boxed]
pub async fn list(db: &Db, scope: &Scope, templates: bool, query: &Query) -> Result<Vec<Resource>> {
    entity::list_where(db, scope, query, Some(("template", templates))).await
}
