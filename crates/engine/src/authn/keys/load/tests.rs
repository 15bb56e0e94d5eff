//! Which files and settings make which keys, at the edges of what is taken.

use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use domain::Env;
use tempfile::TempDir;

use super::*;
use crate::authn::keys::{algorithm::Curve, generate};

const ES256: Algorithm = Algorithm::Ec(Curve::P256);
const PRODUCTION: Environment = Environment::Production;

fn read(vars: &[(&str, &str)]) -> Loaded {
    let given = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut env = Env::new(given.chain([("AUTH_ENCRYPTION_SECRET".to_owned(), "e".repeat(40))]));
    load(&AuthSettings::read(&mut env).unwrap(), PRODUCTION)
}

/// What is wrong; empty where nothing is.
fn wrong(loaded: Loaded) -> String {
    loaded.ring.err().map(|problems| Problem::join(&problems)).unwrap_or_default()
}

/// A folder with one file.
fn folder(name: &str, text: &str, mode: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    folder
}

fn with_folder(algorithm: &str, folder: &TempDir) -> Loaded {
    read(&[("JWT_ALGORITHM", algorithm), ("JWT_KEYS_DIR", folder.path().to_str().unwrap())])
}

#[test]
fn what_is_secret_is_its_owners_and_what_is_public_need_not_be() {
    let key = generate::key(ES256, 0).unwrap();
    let private = folder("a.active.pem", key.private.expose(), 0o644);
    assert!(wrong(with_folder("ES256", &private)).contains("can be read by others"));
    let secret = folder("a.active.key", &"s".repeat(32), 0o644);
    assert!(wrong(with_folder("HS256", &secret)).contains("can be read by others"));
    let public = folder("a.passive.pem", &key.public.unwrap(), 0o644);
    assert_eq!(wrong(with_folder("ES256", &public)), "");
    // The words in a description do not make a private key of a published one.
    let ring = with_folder("ES256", &public).ring.unwrap();
    let described = ring.jwks().replacen('{', r#"{"note":"PRIVATE KEY","#, 1);
    assert_eq!(wrong(with_folder("ES256", &folder("idp.passive.json", &described, 0o644))), "");
}

#[test]
fn a_public_key_signs_nothing() {
    let key = generate::key(ES256, 0).unwrap();
    let public = key.public.unwrap();
    assert!(wrong(with_folder("ES256", &folder("a.active.pem", &public, 0o600))).contains("cannot sign"));
    let loaded = with_folder("ES256", &folder("a.passive.pem", &public, 0o600));
    assert!(loaded.remarks.iter().any(|remark| remark.contains("signs none")), "{:?}", loaded.remarks);
    let ring = loaded.ring.unwrap();
    assert!(ring.knows(&key.key_id) && ring.signing().is_none());
    for (name, refused) in [("idp.active.json", true), ("idp.passive.json", false)] {
        let said = wrong(with_folder("ES256", &folder(name, ring.jwks(), 0o600)));
        assert_eq!(said.contains("cannot sign"), refused, "{name}: {said}");
    }
}

#[test]
fn a_secret_of_a_folder_is_as_long_as_its_hash() {
    for (length, refused) in [(31, true), (32, false), (33, false)] {
        let said = wrong(with_folder("HS256", &folder("a.active.key", &"s".repeat(length), 0o600)));
        assert_eq!(said.contains("is shorter than 32 bytes"), refused, "{length}: {said}");
    }
}

#[test]
fn a_secret_of_the_settings_is_demanded_where_there_is_no_other() {
    assert!(wrong(read(&[])).contains("JWT_SECRET_KEY: is required"));
    let good = folder("a.active.key", &"s".repeat(32), 0o600);
    assert_eq!(wrong(with_folder("HS256", &good)), "");
    let said = wrong(with_folder("HS256", &folder("a.active.key", "short", 0o600)));
    assert!(
        said.contains("JWT_KEYS_DIR") && !said.contains("JWT_SECRET_KEY"),
        "one mistake, named once: {said}"
    );
}

#[test]
fn a_short_secret_is_remarked_on_unless_a_longer_one_is_derived() {
    for (length, derive, remarked) in
        [(31, "false", true), (32, "false", false), (33, "false", false), (31, "true", false)]
    {
        let secret = "s".repeat(length);
        let loaded = read(&[("JWT_SECRET_KEY", &secret), ("DERIVE_KEY_PER_ENVIRONMENT", derive)]);
        let found = loaded.remarks.iter().any(|remark| remark.contains("is shorter than the 32 bytes"));
        assert_eq!(found, remarked, "{length} {derive}: {:?}", loaded.remarks);
    }
}

#[test]
fn a_lone_secret_has_no_name_and_everything_else_has() {
    let named = |loaded: Loaded| loaded.ring.unwrap().signing().unwrap().key_id.is_some();
    let (secret, empty) = ("s".repeat(32), tempfile::tempdir().unwrap());
    let secret = ("JWT_SECRET_KEY", secret.as_str());
    assert!(!named(read(&[secret])));
    assert!(named(read(&[secret, ("JWT_KEYS_DIR", empty.path().to_str().unwrap())])));
    let key = generate::key(ES256, 0).unwrap();
    let pair = folder("private.pem", key.private.expose(), 0o600);
    let path = pair.path().join("private.pem");
    assert!(named(read(&[("JWT_ALGORITHM", "ES256"), ("JWT_PRIVATE_KEY_PATH", path.to_str().unwrap())])));
}
