//! Keys of every algorithm, the files that they come from, and the files that are refused.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use aws_lc_rs::{
    encoding::{AsDer, EcPrivateKeyRfc5915Der},
    signature::EcdsaKeyPair,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Env, Problem};

use super::{
    algorithm::{Curve, Hash},
    pem::Half,
    *,
};
use crate::{
    authn::token::compact,
    settings::{AuthSettings, Environment},
};

const RS256: Algorithm = Algorithm::Rsa(Hash::Sha256);
const ES256: Algorithm = Algorithm::Ec(Curve::P256);
const HS256: Algorithm = Algorithm::Hmac(Hash::Sha256);

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn loaded(vars: &[(&str, &str)], environment: Environment) -> Loaded {
    let given = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut env = Env::new(given.chain([("AUTH_ENCRYPTION_SECRET".to_owned(), "e".repeat(40))]));
    load(&AuthSettings::read(&mut env).unwrap(), environment)
}

fn problems(loaded: Loaded) -> String {
    Problem::join(&loaded.ring.expect_err("something is wrong"))
}

/// A token that the ring's own key signed.
fn sealed(ring: &KeyRing) -> String {
    let signing = ring.signing().expect("a key signs");
    let key_id = signing.key_id.as_ref().map_or_else(String::new, |id| format!(r#","kid":"{id}""#));
    let header = format!(r#"{{"alg":"{}"{key_id}}}"#, ring.algorithm().name());
    compact::seal(&header, b"{}", |message| signing.signer.sign(message)).unwrap()
}

#[test]
fn every_algorithm_signs_what_it_verifies_and_takes_no_foreign_key() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in Algorithm::ALL {
        let made = generate::key(algorithm, 2048).unwrap();
        let path = folder.path().join(format!("{}.pem", algorithm.name()));
        write(&path, made.private.expose());
        let path = path.to_str().unwrap();
        let vars = match algorithm {
            Algorithm::Hmac(_) => ("JWT_SECRET_KEY", made.private.expose().as_str()),
            Algorithm::Rsa(_) | Algorithm::Ec(_) => ("JWT_PRIVATE_KEY_PATH", path),
        };
        let ring =
            loaded(&[("JWT_ALGORITHM", algorithm.name()), vars], Environment::Production).ring.unwrap();
        let token = sealed(&ring);
        assert_eq!(compact::open(&ring, &token).unwrap(), b"{}", "{}", algorithm.name());
        let mut changed = token.into_bytes();
        let at = changed.len() - 30;
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(compact::open(&ring, std::str::from_utf8(&changed).unwrap()).is_err());
        for other in Algorithm::ALL {
            let family = std::mem::discriminant(&algorithm) == std::mem::discriminant(&other);
            let rsa = matches!(algorithm, Algorithm::Rsa(_));
            if other != algorithm && !(family && rsa) {
                assert!(
                    pem::read(other, made.private.expose()).is_err(),
                    "{} {}",
                    algorithm.name(),
                    other.name()
                );
            }
        }
    }
}

#[test]
fn keys_are_read_in_every_form_that_openssl_writes() {
    let rsa = generate::key(RS256, 2048).unwrap();
    let whole = ::pem::parse(rsa.private.expose()).unwrap();
    // A PKCS #8 structure is 26 bytes around the PKCS #1 structure of an RSA key of this size.
    let pkcs1 = ::pem::encode(&::pem::Pem::new("RSA PRIVATE KEY", &whole.contents()[26..]));
    assert!(matches!(pem::read(RS256, &pkcs1), Ok(Half::Private(_))));
    let pair = EcdsaKeyPair::generate(Curve::P256.signing()).unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let sec1 = parameters.to_owned() + &::pem::encode(&::pem::Pem::new("EC PRIVATE KEY", sec1.as_ref()));
    assert!(matches!(pem::read(ES256, &sec1), Ok(Half::Private(_))));
    for (algorithm, key) in [(RS256, rsa), (ES256, generate::key(ES256, 0).unwrap())] {
        let Ok(Half::Public(verifier)) = pem::read(algorithm, &key.public.unwrap()) else {
            panic!("the public half is read")
        };
        assert_eq!(jwk::key_id(&verifier), key.key_id);
    }
    let said = |text: &str| pem::read(RS256, text).err().unwrap();
    assert!(said("").contains("no PEM"));
    assert!(
        said("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
            .contains("encrypted")
    );
    assert!(said("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").contains("CERTIFICATE"));
    assert!(said(&sec1).contains("RSA key of 2048"));
}

#[test]
fn the_thumbprint_is_that_of_the_standard() {
    // RFC 7638, section 3.1.
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK\
        RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZg\
        nYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1\
        jF44-csFCur-kEgU8awapJzKnqDKgw";
    let key = format!(r#"{{"kty":"RSA","n":"{modulus}","e":"AQAB"}}"#);
    let keys = jwk::read(RS256, &key).unwrap();
    assert_eq!(keys[0].names, ["NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"]);
}

#[test]
fn weak_and_ill_described_keys_of_others_are_refused() {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let refused = |algorithm: Algorithm, key: &str, why: &str| {
        let message = KeyRing::from_jwks(algorithm, key).expect_err(key);
        assert!(message.contains(why), "{message}");
    };
    let rsa = |bits: usize, e: &str| {
        let mut modulus = vec![0xff_u8; bits / 8];
        modulus[7] = 0x12;
        format!(r#"{{"kty":"RSA","n":"{}","e":"{e}"}}"#, text(&modulus))
    };
    refused(RS256, &rsa(1024, "AQAB"), "1024 bits");
    refused(RS256, &rsa(2048, "AQ"), "exponent");
    refused(RS256, &rsa(2048, "AQAA"), "exponent");
    refused(HS256, &format!(r#"{{"kty":"oct","k":"{}"}}"#, text(&[7; 31])), "31 bytes");
    refused(HS256, r#"{"kty":"oct"}"#, "`k`");
    let secret = text(&[7; 32]);
    refused(HS256, &format!(r#"{{"kty":"oct","k":"{secret}","use":"enc"}}"#), "use");
    refused(HS256, &format!(r#"{{"kty":"oct","k":"{secret}","key_ops":["sign"]}}"#), "key_ops");
    refused(HS256, &format!(r#"{{"kty":"oct","k":"{secret}","alg":"A256KW"}}"#), "alg");
    refused(RS256, &format!(r#"{{"kty":"oct","k":"{secret}"}}"#), "kty");
    refused(HS256, &format!(r#"{{"kty":"oct","k":"{secret}","k":"{secret}"}}"#), "duplicate");
    let twice = format!(r#"{{"kty":"oct","k":"{secret}","kid":"a"}}"#);
    refused(HS256, &format!(r#"{{"keys":[{twice},{twice}]}}"#), "two keys");
    refused(HS256, r#"{"keys":[]}"#, "no key");
    refused(ES256, &format!(r#"{{"kty":"EC","crv":"P-256","x":"{secret}","y":"{secret}"}}"#), "point");
    refused(ES256, &format!(r#"{{"kty":"EC","crv":"P-384","x":"{secret}","y":"{secret}"}}"#), "crv");
    let short = text(&[7; 31]);
    refused(ES256, &format!(r#"{{"kty":"EC","crv":"P-256","x":"{short}","y":"{secret}"}}"#), "coordinates");
    refused(
        ES256,
        &format!(r#"{{"kty":"EC","crv":"P-256","x":"{secret}","y":"{secret}","d":"AA"}}"#),
        "private",
    );
}

#[test]
fn settings_that_cannot_work_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        write(&path, text);
        path.to_str().unwrap().to_owned()
    };
    let (one, two) = (generate::key(ES256, 0).unwrap(), generate::key(ES256, 0).unwrap());
    let private = file("private.pem", one.private.expose());
    let public = file("public.pem", &one.public.unwrap());
    let foreign = file("foreign.pem", &two.public.unwrap());
    let es256 = |vars: &[(&str, &str)]| {
        loaded(&[&[("JWT_ALGORITHM", "ES256")], vars].concat(), Environment::Production)
    };
    let none = problems(es256(&[]));
    assert!(none.contains("JWT_PRIVATE_KEY_PATH") && none.contains("JWT_PUBLIC_KEY_PATH"), "{none}");
    let pair = |private: &str, public: &str| {
        es256(&[("JWT_PRIVATE_KEY_PATH", private), ("JWT_PUBLIC_KEY_PATH", public)])
    };
    assert!(pair(&private, &public).ring.unwrap().signing().is_some());
    assert!(problems(pair(&private, &foreign)).contains("not the public half"));
    assert!(problems(pair(&public, &private)).contains("private key"));
    assert!(problems(pair(&private, "nowhere.pem")).contains("JWT_PUBLIC_KEY_PATH: nowhere.pem"));
    let verifying = es256(&[("JWT_PUBLIC_KEY_PATH", &public)]);
    assert!(verifying.ring.unwrap().signing().is_none() && verifying.remarks.join("").contains("signs none"));
    let es384 = [("JWT_ALGORITHM", "ES384"), ("JWT_PRIVATE_KEY_PATH", private.as_str())];
    assert!(problems(loaded(&es384, Environment::Production)).contains("P-384"));
    std::fs::set_permissions(&private, Permissions::from_mode(0o640)).unwrap();
    assert!(problems(es256(&[("JWT_PRIVATE_KEY_PATH", &private)])).contains("chmod 600"));
    let elsewhere = [("JWT_ALGORITHM", "ES256"), ("JWT_PRIVATE_KEY_PATH", private.as_str())];
    let elsewhere = loaded(&elsewhere, Environment::Staging);
    assert!(elsewhere.ring.is_ok() && elsewhere.remarks.join("").contains("chmod 600"));
}

#[test]
fn a_secret_can_be_bound_to_its_environment() {
    let secret = ("JWT_SECRET_KEY", "a-secret-of-this-test-0123456789-abcdef");
    let plain = loaded(&[secret], Environment::Staging).ring.unwrap();
    let derived =
        |environment| loaded(&[secret, ("DERIVE_KEY_PER_ENVIRONMENT", "true")], environment).ring.unwrap();
    let token = sealed(&derived(Environment::Staging));
    assert!(compact::open(&derived(Environment::Staging), &token).is_ok());
    assert!(compact::open(&derived(Environment::Production), &token).is_err());
    assert!(compact::open(&plain, &token).is_err());
    // What `hmac.new(secret, b"mcpgw-env:staging", "sha256").hexdigest()` says in Python.
    let hexadecimal = "be84c37a9347434879faed903efd55ff4a41bc64d957304dcf12da00ea96ae91";
    let same = loaded(&[("JWT_SECRET_KEY", hexadecimal)], Environment::Staging).ring.unwrap();
    assert!(compact::open(&same, &token).is_ok());
}

#[test]
fn a_folder_says_by_names_what_its_keys_are_for() {
    let folder = tempfile::tempdir().unwrap();
    let keys: Vec<_> = (0..4).map(|_| generate::key(ES256, 0).unwrap()).collect();
    let names = ["a.active.pem", "b.active.pem", "c.passive.pem", "d.retired.pem"];
    for (name, key) in names.iter().zip(&keys) {
        write(&folder.path().join(name), key.private.expose());
    }
    write(&folder.path().join("notes.txt"), "not a key");
    let idp = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"idp-1","x":"X","y":"Y"}]}"#;
    let jwks: serde_json::Value = serde_json::from_str(KeyRing::jwks(&ring_of(&keys[3]))).unwrap();
    let (x, y) = (jwks["keys"][0]["x"].as_str().unwrap(), jwks["keys"][0]["y"].as_str().unwrap());
    write(
        &folder.path().join("idp.passive.json"),
        &idp.replace(":\"X\"", &format!(":{x:?}")).replace(":\"Y\"", &format!(":{y:?}")),
    );
    let vars = [("JWT_ALGORITHM", "ES256"), ("JWT_KEYS_DIR", folder.path().to_str().unwrap())];
    let loaded = loaded(&vars, Environment::Production);
    assert!(loaded.remarks.iter().any(|remark| remark.contains("notes.txt")), "{:?}", loaded.remarks);
    let ring = loaded.ring.unwrap();
    assert_eq!(ring.signing().unwrap().key_id.as_ref(), Some(&keys[1].key_id), "the last active one signs");
    for known in [&keys[0].key_id, &keys[2].key_id, "a", "c", "idp-1"] {
        assert!(ring.knows(known), "{known}");
    }
    for unknown in [&keys[3].key_id, "d", "../a", ""] {
        assert!(!ring.knows(unknown), "{unknown}");
    }
    let published: serde_json::Value = serde_json::from_str(ring.jwks()).unwrap();
    let published = published["keys"].as_array().unwrap();
    assert_eq!(published.len(), 3, "own keys that count, and not those of others");
    assert!(
        published.iter().all(|key| key.get("d").is_none() && key["use"] == "sig" && key["alg"] == "ES256")
    );
}

fn ring_of(key: &generate::Generated) -> KeyRing {
    let Ok(Half::Private(signer)) = pem::read(ES256, key.private.expose()) else { panic!("a private key") };
    let verifier = signer.verifier().unwrap();
    let names = vec![jwk::key_id(&verifier)];
    KeyRing::new(ES256, vec![ring::Key { names, verifier, published: true }], None).unwrap()
}
