//! The store on real databases: always SQLite in a file, and PostgreSQL where `TEST_POSTGRES_URL` names a server.
//!
//! Every test has databases of its own; on PostgreSQL a schema.

mod audit;
mod database;
mod lists;
mod people;
mod rows;
mod teams;
mod tokens;

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use domain::{
    Owned, Secret, Timestamp, Visibility,
    gateway::{Dialect, Gateway, ProtocolChoice, Transport, UpstreamAuth},
    id::{GatewayId, PromptId, ResourceId, ServerId, TeamId, ToolId, UserId},
    item::{Prompt, Resource, Tool},
    person::User,
    record::Record,
    server::{Prefix, Server},
};

use crate::{DatabaseConfig, Db};

static COUNT: AtomicU32 = AtomicU32::new(0);
const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

async fn open_sqlite(file: &Path) -> Db {
    let url = format!("sqlite://{}", file.display());
    Db::connect(&DatabaseConfig { url, max_connections: 2 }).await.unwrap()
}

/// What the tests are started with; the program itself takes its settings from `domain::Env`.
fn variable(name: &str) -> Option<String> {
    std::env::vars_os().find(|(other, _)| other == name).map(|(_, value)| value.into_string().unwrap())
}

/// The URL of a new empty schema, where there is a server.
async fn postgres_url() -> Option<String> {
    let server = variable("TEST_POSTGRES_URL")?;
    let name = format!("store_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let admin = sqlx::PgPool::connect(&server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&admin).await.unwrap();
    admin.close().await;
    let glue = if server.contains('?') { '&' } else { '?' };
    Some(format!("{server}{glue}options=-csearch_path%3D{name}"))
}

async fn open_postgres() -> Option<Db> {
    let url = postgres_url().await?;
    Some(Db::connect(&DatabaseConfig { url, max_connections: 4 }).await.unwrap())
}

/// A fresh migrated database of every kind that is there.
async fn databases(folder: &Path) -> Vec<Db> {
    let mut all = vec![open_sqlite(&folder.join("test.db")).await];
    all.extend(open_postgres().await);
    for db in &all {
        db.migrate().await.unwrap();
    }
    all
}

fn owned(visibility: Visibility, team: Option<&TeamId>, owner: &str) -> Owned {
    Owned { visibility, team_id: team.cloned(), owner_email: owner.to_owned() }
}

fn public() -> Owned {
    owned(Visibility::Public, None, ANN)
}

/// A record without an empty field.
fn record(at: i64) -> Record {
    Record {
        created_at: Timestamp(at),
        updated_at: Timestamp(at + 1),
        created_by: ANN.to_owned(),
        created_from_ip: Some("127.0.0.1".to_owned()),
        created_via: "api".to_owned(),
        created_user_agent: Some("agent/1".to_owned()),
        modified_by: Some(BOB.to_owned()),
        modified_from_ip: Some("::1".to_owned()),
        modified_via: Some("ui".to_owned()),
        modified_user_agent: Some("agent/2".to_owned()),
        version: 1,
    }
}

/// A gateway without an empty field.
fn gateway(name: &str, owned: Owned) -> Gateway {
    Gateway {
        id: GatewayId::random(),
        name: name.to_owned(),
        slug: domain::name::slug(name, "-"),
        url: "http://example.com/mcp".to_owned(),
        description: Some("d".to_owned()),
        transport: Transport::StreamableHttp,
        auth: UpstreamAuth::Bearer { token: Secret::new("t".to_owned()) },
        protocol: ProtocolChoice::Legacy,
        dialect: Some(Dialect { version: "2025-11-25".to_owned(), modern: false }),
        capabilities: r#"{"tools":{},"a":1e400}"#.to_owned(),
        server_info: Some(r#"{"name":"x"}"#.to_owned()),
        instructions: Some("i".to_owned()),
        enabled: true,
        reachable: true,
        last_seen: Some(Timestamp(6)),
        last_refresh_at: Some(Timestamp(7)),
        last_error: Some("e".to_owned()),
        skipped_tools: vec!["x: no schema".to_owned()],
        passthrough_headers: vec!["X-Tenant-Id".to_owned()],
        refresh_interval_seconds: Some(60),
        tags: domain::name::tags(["prod"], "tags").unwrap(),
        owned,
        record: record(1),
    }
}

fn tool(gateway: &Gateway, name: &str, at: i64, owned: Owned) -> Tool {
    Tool {
        id: ToolId::random(),
        gateway_id: gateway.id.clone(),
        original_name: name.to_owned(),
        custom_name: name.to_owned(),
        custom_slug: name.to_owned(),
        name: format!("{}-{name}", gateway.slug),
        display_name: Some("D".to_owned()),
        description: Some("d".to_owned()),
        definition: format!(r#"{{"name":"{name}","z":1e400,"a":{{}}}}"#),
        enabled: true,
        reachable: true,
        held: false,
        tags: domain::name::tags(["A b", "x1"], "tags").unwrap(),
        owned,
        record: record(at),
    }
}

fn prompt(gateway: &Gateway, name: &str, at: i64) -> Prompt {
    let tool = tool(gateway, name, at, public());
    Prompt {
        id: PromptId::random(),
        gateway_id: tool.gateway_id,
        original_name: tool.original_name,
        custom_name: tool.custom_name,
        custom_slug: tool.custom_slug,
        name: tool.name,
        description: tool.description,
        template: None,
        definition: tool.definition,
        enabled: tool.enabled,
        reachable: tool.reachable,
        tags: tool.tags,
        owned: tool.owned,
        record: tool.record,
    }
}

fn resource(gateway: &Gateway, uri: &str, template: bool) -> Resource {
    let tool = tool(gateway, uri, 3, public());
    Resource {
        id: ResourceId::random(),
        gateway_id: tool.gateway_id,
        uri: uri.to_owned(),
        template,
        name: tool.name,
        description: tool.description,
        mime_type: Some("text/plain".to_owned()),
        size: Some(12),
        content: None,
        definition: tool.definition,
        enabled: tool.enabled,
        reachable: tool.reachable,
        tags: tool.tags,
        owned: tool.owned,
        record: tool.record,
    }
}

fn server(name: &str, owned: Owned, tools: Vec<ToolId>) -> Server {
    Server {
        id: ServerId::random(),
        name: name.to_owned(),
        description: Some("d".to_owned()),
        icon: Some("http://example.com/i.png".to_owned()),
        enabled: true,
        prefix: Prefix::None,
        tools,
        prompts: vec![],
        resources: vec![],
        tags: domain::name::tags(["x1"], "tags").unwrap(),
        owned,
        record: record(2),
    }
}

fn user(email: &str, is_admin: bool) -> User {
    User {
        id: UserId::random(),
        email: email.to_owned(),
        full_name: Some("Ann".to_owned()),
        password_hash: Secret::new("$argon2id$".to_owned()),
        is_admin,
        is_active: true,
        password_change_required: true,
        password_changed_at: Timestamp(1),
        email_verified_at: Some(Timestamp(1)),
        failed_login_attempts: 2,
        locked_until: Some(Timestamp(4)),
        last_login: Some(Timestamp(5)),
        created_at: Timestamp(1),
        updated_at: Timestamp(2),
    }
}
