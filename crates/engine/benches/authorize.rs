//! What a remembered token and a decision cost per request, and what revoked tokens add: `cargo bench --package engine
//! --bench authorize`. The engine is a real one over SQLite; the second round runs with 100,000 revoked tokens.

use std::{hint::black_box, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Clock, Env, Secret, Timestamp, permission::grant::ToolsExecute};
use engine::{
    Engine, Parts,
    authn::{self, Credentials, token::Claims},
    people, policy,
    settings::{
        AccountSettings, AuthSettings, Environment, FederationSettings, PeopleSettings, PinSettings,
        Settings, TeamSettings,
    },
};
use store::{Bus, DatabaseConfig, Db};
use upstream::{
    Pool, PoolConfig,
    egress::{Client, EgressSettings, Resolver},
};

const REVOKED: usize = 100_000;
const NAMES: [(&str, &str); 3] = [
    ("JWT_SECRET_KEY", "Zk7-bench-signing-key_that-is-long_9Qx"),
    ("AUTH_ENCRYPTION_SECRET", "v8-bench-encryption-secret_that-is-long_7Rw2"),
    ("PLATFORM_ADMIN_EMAIL", "admin@example.com"),
];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn remembered(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build();
    let runtime = runtime.unwrap_or_else(|error| unreachable!("a runtime: {error}"));
    for revoked in [0, REVOKED] {
        let folder = tempfile::tempdir().unwrap_or_else(|error| unreachable!("a folder: {error}"));
        let prepared = runtime.block_on(prepare(folder.path(), revoked));
        let (engine, token) = prepared.unwrap_or_else(|error| unreachable!("an engine: {error}"));
        let ask = async || {
            let credentials = Credentials { bearer: Some(black_box(&token)), ip: None, mcp: false };
            let admitted = authn::authenticate(&engine, credentials).await?;
            policy::authorize::<ToolsExecute>(&admitted.actor)
        };
        assert!(runtime.block_on(ask()).is_ok(), "the token counts");
        criterion.bench_function(&format!("remembered token and decision, {revoked} revoked"), |bencher| {
            bencher.iter(|| futures_util::FutureExt::now_or_never(ask()));
        });
    }
}

async fn prepare(folder: &Path, revoked: usize) -> Outcome<(Engine, String)> {
    let url = store::normalise_url(None, folder)?;
    let db = Db::connect(&DatabaseConfig { url, max_connections: 2 }).await?;
    db.migrate().await?;
    let clock = Clock::System;
    revoke(&db, revoked, clock.now()).await?;
    let mut env = Env::new(NAMES.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let settings = read(&mut env).ok_or("settings")?;
    let egress = Client::new(&EgressSettings::read(&mut env).ok_or("settings")?, Resolver::System)?;
    let pool = Pool::new(PoolConfig::new(egress.clone(), clock.clone()));
    let parts = Parts { settings, db, bus: Bus::local(), pool, egress, mailer: None, clock: clock.clone() };
    let engine = Engine::start(parts).await?;
    people::prepare_roles(&engine, None).await?;
    people::bootstrap(&engine, Secret::new("Zk7-bench-password".to_owned())).await?;
    let claims = Claims {
        sub: "admin@example.com".to_owned(),
        exp: Some(clock.now().seconds() + 3600),
        ..Claims::default()
    };
    let token = engine.token_keys().mint(claims, &clock)?.expose().clone();
    Ok((engine, token))
}

fn read(env: &mut Env) -> Option<Settings> {
    Some(Settings {
        auth: AuthSettings::read(env)?,
        accounts: AccountSettings::read(env)?,
        people: PeopleSettings::read(env, false, &mut Vec::new())?,
        teams: TeamSettings::read(env)?,
        federation: FederationSettings::read(env)?,
        pins: PinSettings::read(env)?,
        content: content::ContentSettings::read(env)?,
        environment: Environment::Development,
    })
}

async fn revoke(db: &Db, count: usize, now: Timestamp) -> domain::Result<()> {
    let mut tx = db.begin().await?;
    for number in 0..count {
        let jti = format!("revoked-{number}");
        let revocation = store::tokens::Revocation {
            jti: &jti,
            email: "somebody@example.com",
            at: now,
            expires_at: None,
            reason: Some("bench"),
        };
        store::tokens::revoke(&mut tx, &revocation).await?;
    }
    tx.commit().await
}

criterion_group!(benches, remembered);
criterion_main!(benches);
