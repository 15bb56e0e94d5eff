//! `db`: migration and the audit chain.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use engine::crypt::Keys;
use serde_json::json;
use store::{DatabaseConfig, Db};

use super::say;
use crate::{
    cli,
    config::{self, Configuration},
};

/// Opens the configured database, refusing one that the Python ContextForge made, and brings it up to date.
pub(super) async fn open(configuration: &Configuration, data_dir: &Path) -> anyhow::Result<Db> {
    let db = connect(configuration, data_dir).await?;
    db.migrate().await?;
    Ok(db)
}

async fn connect(configuration: &Configuration, data_dir: &Path) -> anyhow::Result<Db> {
    let given = configuration.process.database_url.as_ref().map(|url| url.expose().as_str());
    let url = store::normalise_url(given, data_dir)?;
    if given.is_none() {
        config::folder::make(data_dir)
            .with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
    }
    let config = DatabaseConfig { url, max_connections: configuration.process.database_connections };
    Ok(Db::connect(&config).await?)
}

pub(super) async fn run(data_dir: &Path, command: cli::Db) -> anyhow::Result<ExitCode> {
    let configuration = config::load(data_dir, vec![], true)?;
    let db = connect(&configuration, data_dir).await?;
    let missing = db.pending_migrations().await?;
    db.migrate().await?;
    match command {
        cli::Db::Migrate(output) => {
            if output.json {
                say(&json!({ "ok": true, "applied": missing }).to_string());
            } else {
                say("The database is up to date.");
            }
            Ok(ExitCode::SUCCESS)
        }
        cli::Db::VerifyAudit(output) => {
            let keys = Keys::derive(&configuration.engine.auth.encryption_secret)?;
            let (rows, broken) = store::audit::verify(&db, keys.audit()).await?;
            if output.json {
                say(&json!({ "rows": rows, "first_broken": broken }).to_string());
            } else if let Some(seq) = broken {
                say(&format!(
                    "The audit chain is broken at record {seq}; {rows} records before it are sound."
                ));
            } else {
                say(&format!("The audit chain is sound: {rows} records."));
            }
            Ok(ExitCode::from(u8::from(broken.is_some())))
        }
    }
}
