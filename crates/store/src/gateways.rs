//! The table of gateways. Credentials are text that the engine sealed; nobody here can read them.

use domain::{
    Error, Owned, Result, Scope, Timestamp,
    gateway::{Dialect, Gateway, ProtocolChoice, Transport, UpstreamAuth},
    id::GatewayId,
};

use crate::{
    columns::{self, OwnedColumns, RecordColumns, Values},
    db::{Db, Tx},
    entity::{self, Entity},
    query::Query,
    sql::Sql,
};

/// A gateway as it is stored. No `Debug`: of what is sealed nothing belongs in a log.
#[derive(Clone)]
pub struct GatewayRow {
    /// The gateway; its `auth` is always [`UpstreamAuth::None`].
    pub gateway: Gateway,
    /// The sealed credentials.
    pub sealed_auth: Option<String>,
}

row! {
    /// The columns of a gateway.
    pub(crate) struct Columns {
        id: String,
        name: String,
        slug: String,
        url: String,
        description: Option<String>,
        transport: String,
        sealed_auth: Option<String>,
        protocol: String,
        dialect_version: Option<String>,
        dialect_modern: Option<bool>,
        capabilities: String,
        server_info: Option<String>,
        instructions: Option<String>,
        enabled: bool,
        reachable: bool,
        last_seen: Option<i64>,
        last_refresh_at: Option<i64>,
        last_error: Option<String>,
        skipped_tools: String,
        passthrough_headers: String,
        refresh_interval_seconds: Option<i64>,
        tags: String,
        ..owned: OwnedColumns,
        ..record: RecordColumns,
    }
}

impl Entity for GatewayRow {
    const TABLE: &'static str = "gateways";
    const KIND: &'static str = "Gateway";
    const OF_GATEWAY: bool = false;
    type Row = Columns;

    fn columns() -> String {
        let own = "id, name, slug, url, description, transport, sealed_auth, protocol, dialect_version, \
                   dialect_modern, capabilities, server_info, instructions, enabled, reachable, last_seen, \
                   last_refresh_at, last_error, skipped_tools, passthrough_headers, refresh_interval_seconds, tags";
        format!("{own}, {}, {}", columns::OWNED, columns::RECORD)
    }

    fn read(row: Columns) -> Result<Self> {
        let dialect = row.dialect_version.zip(row.dialect_modern);
        let gateway = Gateway {
            id: GatewayId::from_stored(row.id),
            name: row.name,
            slug: row.slug,
            url: row.url,
            description: row.description,
            transport: columns::word::<Transport>(&row.transport)?,
            auth: UpstreamAuth::None,
            protocol: protocol(&row.protocol)?,
            dialect: dialect.map(|(version, modern)| Dialect { version, modern }),
            capabilities: row.capabilities,
            server_info: row.server_info,
            instructions: row.instructions,
            enabled: row.enabled,
            reachable: row.reachable,
            last_seen: row.last_seen.map(Timestamp),
            last_refresh_at: row.last_refresh_at.map(Timestamp),
            last_error: row.last_error,
            skipped_tools: columns::from_json(&row.skipped_tools)?,
            passthrough_headers: columns::from_json(&row.passthrough_headers)?,
            refresh_interval_seconds: row.refresh_interval_seconds,
            tags: columns::tags(&row.tags)?,
            owned: row.owned.read()?,
            record: row.record.read(),
        };
        Ok(Self { gateway, sealed_auth: row.sealed_auth })
    }

    fn id(&self) -> &str {
        self.gateway.id.as_str()
    }

    fn label(&self) -> &str {
        &self.gateway.name
    }

    fn owned(&self) -> &Owned {
        &self.gateway.owned
    }

    fn values(&self) -> Values {
        values(&self.gateway, self.sealed_auth.as_deref())
    }
}

fn values(gateway: &Gateway, sealed_auth: Option<&str>) -> Values {
    described(Values::new(gateway.id.as_str()), gateway)
        .set("name", &gateway.name)
        .set("slug", &gateway.slug)
        .set("url", &gateway.url)
        .set("description", &gateway.description)
        .set("transport", gateway.transport.as_str())
        .set("sealed_auth", sealed_auth)
        .set("protocol", protocol_word(gateway.protocol))
        .set("enabled", gateway.enabled)
        .set("passthrough_headers", columns::list_text(&gateway.passthrough_headers))
        .set("refresh_interval_seconds", gateway.refresh_interval_seconds)
        .set("tags", columns::list_text(&gateway.tags))
        .owned(&gateway.owned)
        .record(&gateway.record)
}

/// What discovery finds out.
fn described(values: Values, gateway: &Gateway) -> Values {
    values
        .set("dialect_version", gateway.dialect.as_ref().map(|dialect| dialect.version.as_str()))
        .set("dialect_modern", gateway.dialect.as_ref().map(|dialect| dialect.modern))
        .set("capabilities", &gateway.capabilities)
        .set("server_info", &gateway.server_info)
        .set("instructions", &gateway.instructions)
        .set("reachable", gateway.reachable)
        .set("last_seen", gateway.last_seen)
        .set("last_refresh_at", gateway.last_refresh_at)
        .set("last_error", &gateway.last_error)
        .set("skipped_tools", columns::list_text(&gateway.skipped_tools))
}

fn protocol_word(choice: ProtocolChoice) -> &'static str {
    match choice {
        ProtocolChoice::Auto => "auto",
        ProtocolChoice::Legacy => "legacy",
        ProtocolChoice::Modern => "modern",
    }
}

fn protocol(word: &str) -> Result<ProtocolChoice> {
    match word {
        "auto" => Ok(ProtocolChoice::Auto),
        "legacy" => Ok(ProtocolChoice::Legacy),
        "modern" => Ok(ProtocolChoice::Modern),
        _ => Err(Error::internal(format!("the database holds the protocol {word:?}"))),
    }
}

/// Stores a new gateway. `sealed_auth` holds its credentials; those in `gateway` are not looked at.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, gateway: &Gateway, sealed_auth: Option<&str>) -> Result<()> {
    let statement = values(gateway, sealed_auth).insert(GatewayRow::TABLE);
    let kind = columns::kind(&gateway.owned, GatewayRow::KIND);
    tx.run_named(statement, &kind, &gateway.name).await.map(|_| ())
}

/// Writes a gateway over the stored one, if that still has the expected version, and counts the version up.
#[crate::boxed]
pub async fn update(
    tx: &mut Tx,
    gateway: &Gateway,
    sealed_auth: Option<&str>,
    expected_version: i64,
) -> Result<()> {
    let row = GatewayRow {
        gateway: Gateway { auth: UpstreamAuth::None, ..gateway.clone() },
        sealed_auth: sealed_auth.map(str::to_owned),
    };
    entity::update(tx, &row, expected_version).await
}

/// Writes what discovery found out, and nothing that people edit; the version stays.
#[crate::boxed]
pub async fn set_discovered(tx: &mut Tx, gateway: &Gateway) -> Result<()> {
    let values = described(Values::new(gateway.id.as_str()), gateway);
    let statement = values.update(GatewayRow::TABLE).push(" WHERE id = ", &gateway.id);
    match tx.run(statement).await? {
        0 => Err(Error::not_found(GatewayRow::KIND, gateway.id.as_str())),
        _ => Ok(()),
    }
}

/// Marks a gateway and everything that it offers as not answering.
#[crate::boxed]
pub async fn set_unreachable(tx: &mut Tx, id: &GatewayId, error: &str) -> Result<()> {
    let statement = Sql::new("UPDATE gateways SET reachable = FALSE")
        .push(", last_error = ", error)
        .push(" WHERE id = ", id);
    tx.run(statement).await?;
    for table in ["tools", "prompts", "resources"] {
        entity::mark_reachable(tx, table, id.as_str(), false).await?;
    }
    Ok(())
}

/// Deletes a gateway with everything that it offers; says whether it was there.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &GatewayId) -> Result<bool> {
    entity::delete::<GatewayRow>(tx, id.as_str()).await
}

/// One gateway.
#[crate::boxed]
pub async fn get(db: &Db, id: &GatewayId) -> Result<Option<GatewayRow>> {
    entity::get(db, id.as_str()).await
}

/// Every gateway, oldest first.
#[crate::boxed]
pub async fn all(db: &Db) -> Result<Vec<GatewayRow>> {
    entity::all(db).await
}

/// The gateways that `scope` sees, newest first.
#[crate::boxed]
pub async fn list(db: &Db, scope: &Scope, query: &Query) -> Result<Vec<GatewayRow>> {
    entity::list(db, scope, query).await
}

/// How many tools, prompts and resources each gateway has.
#[crate::boxed]
pub async fn offers(db: &Db) -> Result<Vec<(GatewayId, usize, usize, usize)>> {
    let count = |table| format!("(SELECT COUNT(*) FROM {table} WHERE gateway_id = gateways.id)");
    let statement = format!(
        "SELECT id, {}, {}, {} FROM gateways ORDER BY id",
        count("tools"),
        count("prompts"),
        count("resources")
    );
    let rows: Vec<(String, i64, i64, i64)> = db.all(Sql::new(statement)).await?;
    let number = |count: i64| usize::try_from(count).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|(id, tools, prompts, resources)| {
            (GatewayId::from_stored(id), number(tools), number(prompts), number(resources))
        })
        .collect())
}
