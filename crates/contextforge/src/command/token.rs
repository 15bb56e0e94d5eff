//! `token create`: a token signed on this machine, with the claims of ContextForge's `create_jwt_token`.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail};
use domain::{Clock, Secret};
use engine::{
    authn::token::{Claims, Teams, TokenKeys, TokenScopes, TokenUser},
    settings::Settings,
};
use serde_json::json;

use super::{advise, say};
use crate::{
    cli::{Token, TokenCreate},
    config::{self, Overrides},
};

pub(super) fn run(data_dir: &Path, command: Token) -> anyhow::Result<ExitCode> {
    let Token::Create(options) = command;
    let settings = config::load(data_dir, overrides(&options), true)?.engine;
    if options.secret.is_some() && !settings.auth.jwt_algorithm.is_shared_secret() {
        bail!("--secret is for HS256, HS384 and HS512; {} takes --key", settings.auth.jwt_algorithm.name());
    }
    advise(
        "Warning: this token bypasses the checks of the API (team membership, permissions, audit). For development.",
    );
    let token = create(&settings, &options)?;
    if options.output.json {
        say(&json!({ "access_token": token.expose(), "token_type": "bearer" }).to_string());
    } else {
        say(token.expose());
    }
    Ok(ExitCode::SUCCESS)
}

/// A key that is named replaces those of the configuration.
fn overrides(options: &TokenCreate) -> Overrides {
    let mut overrides: Overrides = Vec::new();
    if options.secret.is_some() || options.key.is_some() {
        overrides.extend(["JWT_KEYS_DIR", "JWT_PUBLIC_KEY_PATH"].map(|name| (name, String::new())));
    }
    overrides.extend(options.secret.clone().map(|secret| ("JWT_SECRET_KEY", secret)));
    overrides.extend(options.key.as_ref().map(|path| ("JWT_PRIVATE_KEY_PATH", path.display().to_string())));
    overrides.extend(options.algo.clone().map(|name| ("JWT_ALGORITHM", name)));
    overrides
}

fn create(settings: &Settings, options: &TokenCreate) -> anyhow::Result<Secret<String>> {
    let scopes: Option<TokenScopes> = options
        .scopes
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .context("--scopes is not the expected JSON")?;
    let minutes = options.exp.unwrap_or(settings.auth.token_expiry);
    let now = Clock::System.now().seconds();
    // As in ContextForge: a plain token has no teams claim and reaches public rows only; any of the options adds
    // the user and the teams, and teams not named are `null`, which is everything for an administrator.
    let rich = options.admin || options.teams.is_some() || scopes.is_some() || options.full_name.is_some();
    let user = TokenUser {
        email: options.username.clone(),
        full_name: Some(options.full_name.clone().unwrap_or_else(|| options.username.clone())),
        is_admin: options.admin,
        auth_provider: Some("cli".to_owned()),
    };
    let claims = Claims {
        sub: options.username.clone(),
        username: Some(options.username.clone()),
        exp: (minutes > 0).then(|| now + i64::from(minutes) * 60),
        user: rich.then_some(user),
        teams: match (&options.teams, rich) {
            (Some(teams), _) => Teams::List(teams.clone()),
            (None, true) => Teams::Null,
            (None, false) => Teams::Absent,
        },
        scopes,
        ..Claims::default()
    };
    Ok(TokenKeys::new(&settings.auth, settings.environment)?.mint(claims, &Clock::System)?)
}

/// A token for the platform's administrator, as the banner and the client commands need it.
pub(super) fn administrators(settings: &Settings, minutes: u32) -> anyhow::Result<Secret<String>> {
    let options = TokenCreate {
        username: settings.accounts.admin_email.to_lowercase(),
        admin: true,
        teams: None,
        scopes: None,
        full_name: Some(settings.accounts.admin_full_name.clone()),
        exp: Some(minutes),
        secret: None,
        key: None,
        algo: None,
        output: crate::cli::Output { json: false },
    };
    create(settings, &options)
}
