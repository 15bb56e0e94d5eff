//! Keys that come and go while tokens are made and read.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Clock, Secret, Timestamp};

use super::*;
use crate::authn::token::{
    Claims,
    tests::{NOW, keys_with},
};

fn folder_keys(dir: &std::path::Path) -> TokenKeys {
    let dir = dir.to_str().unwrap();
    keys_with(&[("JWT_ALGORITHM", "ES256"), ("JWT_KEYS_DIR", dir)])
}

fn new_key(dir: &std::path::Path, name: &str) -> String {
    let algorithm = keys::Algorithm::named("ES256").unwrap();
    let key = keys::generate::key(algorithm, 0).unwrap();
    std::fs::write(dir.join(name), key.private.expose()).unwrap();
    key.key_id
}

fn minted(keys: &TokenKeys) -> (Secret<String>, String) {
    let claims = Claims { sub: "u".to_owned(), exp: Some(NOW + 5), ..Claims::default() };
    let token = keys.mint(claims, &Clock::manual(Timestamp::from_seconds(NOW))).unwrap();
    let header = URL_SAFE_NO_PAD.decode(token.expose().split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    let key_id = header["kid"].as_str().unwrap().to_owned();
    (token, key_id)
}

#[test]
fn a_rotation_loses_no_token_and_a_retirement_all_of_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let first = new_key(dir, "1.active.pem");
    let keys = folder_keys(dir);
    let now = Timestamp::from_seconds(NOW);
    let (old, signed_with) = minted(&keys);
    assert_eq!(signed_with, first);

    let second = new_key(dir, "2.active.pem");
    std::fs::rename(dir.join("1.active.pem"), dir.join("1.passive.pem")).unwrap();
    let before = keys.generation();
    keys.look();
    assert!(keys.generation() > before && keys.jwks().contains(&second), "it verifies at once");
    for _ in 0..3 {
        assert_eq!(minted(&keys).1, first, "others may not know it yet");
        keys.look();
    }
    let (new, signed_with) = minted(&keys);
    assert_eq!(signed_with, second);
    assert!(keys.verify(old.expose(), now).is_ok() && keys.verify(new.expose(), now).is_ok());

    let before = keys.generation();
    keys.look();
    assert_eq!(keys.generation(), before, "nothing has changed");
    std::fs::rename(dir.join("1.passive.pem"), dir.join("1.retired.pem")).unwrap();
    keys.look();
    assert!(keys.generation() > before);
    assert!(keys.verify(old.expose(), now).is_err() && keys.verify(new.expose(), now).is_ok());
    assert!(!keys.jwks().contains(&first));
}

#[test]
fn a_key_that_is_retired_signs_no_more_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    new_key(dir, "1.active.pem");
    let keys = folder_keys(dir);
    let second = new_key(dir, "2.active.pem");
    std::fs::rename(dir.join("1.active.pem"), dir.join("1.retired.pem")).unwrap();
    keys.look();
    assert_eq!(minted(&keys).1, second);
}

#[test]
fn a_broken_folder_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    new_key(folder.path(), "1.active.pem");
    let keys = folder_keys(folder.path());
    let (token, _) = minted(&keys);
    std::fs::write(folder.path().join("2.active.pem"), "not a key").unwrap();
    keys.look();
    std::fs::remove_file(folder.path().join("1.active.pem")).unwrap();
    keys.look();
    assert!(keys.verify(token.expose(), Timestamp::from_seconds(NOW)).is_ok());
}
