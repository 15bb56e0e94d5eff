//! `user`: what an operator does for people at the machine itself, with the database and without the API.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use domain::Clock;
use engine::{crypt::Keys, people};
use serde_json::json;

use super::{database, say};
use crate::{cli::User, config};

pub(super) async fn run(data_dir: &Path, command: User) -> anyhow::Result<ExitCode> {
    let User::ResetPassword { email, output } = command;
    let configuration = config::load(data_dir, vec![], true)?;
    let db = database::open(&configuration, data_dir).await?;
    let keys = Keys::derive(&configuration.engine.auth.encryption_secret)?;
    let minutes = configuration.engine.people.passwords.reset_minutes;
    let issued = people::issue_reset(&db, &keys, Clock::System.now(), (&email, minutes)).await;
    let (token, expires_at) = issued.with_context(|| format!("no link was made for {email}"))?;
    let settings = &configuration.web;
    let origin = settings.app_origin().unwrap_or_default();
    let root = settings.listen.root_path.as_deref().unwrap_or_default().trim_end_matches('/');
    let url = format!("{origin}{root}/auth/email/reset-password/{}", token.expose());
    if output.json {
        let text = json!({ "token": token.expose(), "url": url, "expires_at": expires_at.to_string() });
        say(&text.to_string());
    } else {
        say(&format!(
            "This link sets a new password for {email}, once, within {minutes} minutes:\n\n  {url}\n\nFor example:\n\n  \
             curl -X POST {url} -H 'Content-Type: application/json' \\\n    -d '{{\"new_password\": \"…\", \
             \"confirm_password\": \"…\"}}'"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
