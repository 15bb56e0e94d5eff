//! The table of pins of tools. What they mean is decided above.

use domain::{
    Result, Scope, Timestamp,
    id::{GatewayId, ToolId},
    pin::{Definition, Pin, PinState},
};

use crate::{
    columns,
    db::{Db, Tx},
    sql::{Arg, Column, Sql},
};

/// Rows in one `INSERT`.
const ROWS: usize = 50;

const COLUMNS: &str = "pin.gateway_id, pin.original_name, pin.state, pin.approved, pin.approved_fingerprint, \
     pin.offered, pin.offered_fingerprint, pin.rejected_fingerprint, pin.class, pin.findings, pin.seen_at, \
     pin.decided_at, pin.decided_by";

row! {
    struct Columns {
        gateway_id: String,
        original_name: String,
        state: String,
        approved: Option<String>,
        approved_fingerprint: Option<String>,
        offered: Option<String>,
        offered_fingerprint: Option<String>,
        rejected_fingerprint: Option<String>,
        class: Option<String>,
        findings: String,
        seen_at: i64,
        decided_at: Option<i64>,
        decided_by: Option<String>,
    }
}

/// A pin with the tool that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The tool.
    pub tool_id: ToolId,
    /// Its public name.
    pub name: String,
    /// Its pin.
    pub pin: Pin,
}

row! {
    struct PinnedColumns {
        tool_id: String,
        tool_name: String,
        ..pin: Columns,
    }
}

fn read(row: Columns) -> Result<Pin> {
    let definition = |text: Option<String>, fingerprint: Option<String>| {
        text.zip(fingerprint).map(|(text, fingerprint)| Definition { text, fingerprint })
    };
    Ok(Pin {
        gateway_id: GatewayId::from_stored(row.gateway_id),
        original_name: row.original_name,
        state: columns::word::<PinState>(&row.state)?,
        approved: definition(row.approved, row.approved_fingerprint),
        offered: definition(row.offered, row.offered_fingerprint),
        rejected: row.rejected_fingerprint,
        class: row.class,
        findings: columns::from_json(&row.findings)?,
        seen_at: Timestamp(row.seen_at),
        decided_at: row.decided_at.map(Timestamp),
        decided_by: row.decided_by,
    })
}

/// Every pin of a gateway, also of tools that it no longer lists.
#[crate::boxed]
pub async fn of_gateway(db: &Db, gateway: &GatewayId) -> Result<Vec<Pin>> {
    let statement = Sql::new(format!("SELECT {COLUMNS} FROM tool_pins AS pin"))
        .push(" WHERE pin.gateway_id = ", gateway)
        .text(" ORDER BY pin.original_name");
    let rows: Vec<Columns> = db.all(statement).await?;
    rows.into_iter().map(read).collect()
}

/// The pin of one tool.
#[crate::boxed]
pub async fn get(db: &Db, gateway: &GatewayId, original_name: &str) -> Result<Option<Pin>> {
    let statement = Sql::new(format!("SELECT {COLUMNS} FROM tool_pins AS pin"))
        .push(" WHERE pin.gateway_id = ", gateway)
        .push(" AND pin.original_name = ", original_name);
    let row: Option<Columns> = db.one(statement).await?;
    row.map(read).transpose()
}

/// The pins in one of these states of the tools that `scope` sees, newest first.
#[crate::boxed]
pub async fn list(
    db: &Db,
    scope: &Scope,
    states: &[PinState],
    (skip, limit): (i64, i64),
) -> Result<Vec<Pinned>> {
    let statement = Sql::new(format!(
        "SELECT tools.id AS tool_id, tools.name AS tool_name, {COLUMNS} FROM tool_pins AS pin JOIN tools ON \
         tools.gateway_id = pin.gateway_id AND tools.original_name = pin.original_name WHERE "
    ));
    let statement = statement
        .visible_to(scope)
        .text(" AND ")
        .one_of("pin.state", states.iter().map(|state| state.as_str()))
        .text(" ORDER BY pin.seen_at DESC, tools.id")
        .push(" LIMIT ", limit)
        .push(" OFFSET ", skip);
    let rows: Vec<PinnedColumns> = db.all(statement).await?;
    let pinned = |row: PinnedColumns| {
        Ok(Pinned { tool_id: ToolId::from_stored(row.tool_id), name: row.tool_name, pin: read(row.pin)? })
    };
    rows.into_iter().map(pinned).collect()
}

/// Writes pins, in place of those that there may be.
#[crate::boxed]
pub async fn save(tx: &mut Tx, pins: &[Pin]) -> Result<()> {
    for some in
        pins.chunk_by(|one, next| one.gateway_id == next.gateway_id).flat_map(|same| same.chunks(ROWS))
    {
        let Some(first) = some.first() else { continue };
        let names: Vec<String> = some.iter().map(|pin| pin.original_name.clone()).collect();
        forget(tx, &first.gateway_id, &names).await?;
        tx.run(Sql::insert_all("tool_pins", some.iter().map(row).collect())).await?;
    }
    Ok(())
}

fn row(pin: &Pin) -> Vec<Column> {
    let text = |definition: &Option<Definition>| definition.as_ref().map(|known| known.text.clone());
    let hash = |definition: &Option<Definition>| definition.as_ref().map(|known| known.fingerprint.clone());
    vec![
        ("gateway_id", Arg::from(&pin.gateway_id)),
        ("original_name", Arg::from(&pin.original_name)),
        ("state", Arg::from(pin.state.as_str())),
        ("approved", Arg::from(&text(&pin.approved))),
        ("approved_fingerprint", Arg::from(&hash(&pin.approved))),
        ("offered", Arg::from(&text(&pin.offered))),
        ("offered_fingerprint", Arg::from(&hash(&pin.offered))),
        ("rejected_fingerprint", Arg::from(&pin.rejected)),
        ("class", Arg::from(&pin.class)),
        ("findings", Arg::from(columns::list_text(&pin.findings))),
        ("seen_at", Arg::from(pin.seen_at)),
        ("decided_at", Arg::from(pin.decided_at)),
        ("decided_by", Arg::from(&pin.decided_by)),
    ]
}

/// Forgets pins.
#[crate::boxed]
pub async fn forget(tx: &mut Tx, gateway: &GatewayId, original_names: &[String]) -> Result<()> {
    for names in original_names.chunks(500) {
        let statement = Sql::new("DELETE FROM tool_pins")
            .push(" WHERE gateway_id = ", gateway)
            .text(" AND ")
            .one_of("original_name", names);
        tx.run(statement).await?;
    }
    Ok(())
}
