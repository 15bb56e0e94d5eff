//! What the first verification of a token costs, before it is remembered: `cargo bench --package engine`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Clock, Env, Timestamp};
use engine::{
    authn::{
        keys::{Algorithm, generate},
        token::{Claims, TokenKeys, TokenScopes},
    },
    settings::{AuthSettings, Environment},
};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn first_verification(criterion: &mut Criterion) {
    for name in ["HS256", "RS256", "ES256", "ES512"] {
        let (keys, token) = keys_and_token(name).unwrap_or_else(|| unreachable!("the settings are right"));
        criterion.bench_function(&format!("first {name} verification"), |bencher| {
            bencher.iter(|| keys.verify(black_box(&token), NOW));
        });
    }
}

/// Keys of 2048 bits where it is RSA, and a session's token.
fn keys_and_token(name: &str) -> Option<(TokenKeys, String)> {
    let folder = tempfile::tempdir().ok()?;
    let algorithm = Algorithm::named(name)?;
    let made = generate::key(algorithm, 2048).ok()?;
    let end = if algorithm.is_shared_secret() { "key" } else { "pem" };
    std::fs::write(folder.path().join(format!("a.active.{end}")), made.private.expose()).ok()?;
    let vars = [
        ("JWT_ALGORITHM", name),
        ("JWT_KEYS_DIR", folder.path().to_str()?),
        ("AUTH_ENCRYPTION_SECRET", "not used by this"),
    ];
    let mut env = Env::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let keys = TokenKeys::new(&AuthSettings::read(&mut env)?, Environment::Development).ok()?;
    let claims = Claims {
        sub: "0d0ae5b53c5e4ad28ee41f9a4c0cd2bb".to_owned(),
        exp: Some(NOW.seconds() + 60),
        token_use: Some("session".to_owned()),
        scopes: Some(TokenScopes { permissions: vec!["*".to_owned()], ..TokenScopes::default() }),
        ..Claims::default()
    };
    let token = keys.mint(claims, &Clock::manual(NOW)).ok()?;
    Some((keys, token.expose().clone()))
}

criterion_group!(benches, first_verification);
criterion_main!(benches);
