//! JSON Web Keys (RFC 7517): what is published of a key, its thumbprint, and keys that others have published.
//!
//! Only public members are ever written. Reading is strict: a key that says another use, another algorithm or
//! holds private members is refused, and so is the whole set that it is in.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    algorithm::{Algorithm, Curve, Hash},
    ring::Key,
    verifier::{EcPublic, HmacKey, RsaPublic, Verifier},
};

/// The required public members, in the order of RFC 7638; `None` for a shared secret.
fn members(verifier: &Verifier) -> Option<String> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match verifier {
        Verifier::Hmac(_) => None,
        Verifier::Rsa(key) => {
            Some(format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(&key.exponent), text(&key.modulus)))
        }
        Verifier::Ec(key) => {
            let (x, y) = key.coordinates();
            let curve = key.curve.name();
            Some(format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y)))
        }
    }
}

/// The key's id: the RFC 7638 thumbprint of a public key. That of a shared secret is an HMAC, since a hash of the
/// secret itself would have to be kept as secret.
pub(super) fn key_id(verifier: &Verifier) -> String {
    let hash = match (verifier, members(verifier)) {
        (Verifier::Hmac(key), _) => key.sign(b"contextforge key id").as_ref().to_vec(),
        (_, members) => {
            digest::digest(&digest::SHA256, members.unwrap_or_default().as_bytes()).as_ref().to_vec()
        }
    };
    URL_SAFE_NO_PAD.encode(hash.get(..32).unwrap_or(&hash))
}

/// What `/.well-known/jwks.json` says of a key; `None` for a shared secret.
pub(super) fn published(verifier: &Verifier, key_id: &str) -> Option<Value> {
    let mut jwk: Value = serde_json::from_str(&members(verifier)?).ok()?;
    let object = jwk.as_object_mut()?;
    object.insert("alg".to_owned(), json!(verifier.algorithm().name()));
    object.insert("use".to_owned(), json!("sig"));
    object.insert("kid".to_owned(), json!(key_id));
    Some(jwk)
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    k: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// The keys of a JWK or a JWK set that somebody else has published.
pub(super) fn read(algorithm: Algorithm, text: &str) -> Result<Vec<Key>, String> {
    let object = protocol::json::RawObject::parse(text).map_err(|error| error.to_string())?;
    let wrong = |error: serde_json::Error| format!("is not a JWK set: {error}");
    let keys = if object.contains("keys") {
        serde_json::from_str::<Set>(text).map_err(wrong)?.keys
    } else {
        vec![serde_json::from_str::<Jwk>(text).map_err(wrong)?]
    };
    let key = |jwk: Jwk| {
        let verifier = verifier(algorithm, &jwk)?;
        let names = vec![jwk.kid.unwrap_or_else(|| key_id(&verifier))];
        Ok(Key { names, verifier, published: false })
    };
    keys.into_iter().map(key).collect()
}

fn verifier(algorithm: Algorithm, jwk: &Jwk) -> Result<Verifier, String> {
    if jwk.r#use.as_deref().is_some_and(|purpose| purpose != "sig") {
        return Err("holds a key whose `use` is not `sig`".to_owned());
    }
    if jwk.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
        return Err("holds a key whose `key_ops` do not name `verify`".to_owned());
    }
    if jwk.alg.as_deref().is_some_and(|name| name != algorithm.name()) {
        return Err(format!("holds a key whose `alg` is not {}", algorithm.name()));
    }
    if jwk.d.is_some() {
        return Err("holds a private key; publish the public half".to_owned());
    }
    match (algorithm, jwk.kty.as_str()) {
        (Algorithm::Hmac(hash), "oct") => hmac(hash, jwk).map(Verifier::Hmac),
        (Algorithm::Rsa(hash), "RSA") => rsa(hash, jwk).map(Verifier::Rsa),
        (Algorithm::Ec(curve), "EC") => ec(curve, jwk).map(Verifier::Ec),
        _ => Err(format!("holds a key of a `kty` that {} does not take", algorithm.name())),
    }
}

fn hmac(hash: Hash, jwk: &Jwk) -> Result<HmacKey, String> {
    let secret = bytes("k", jwk.k.as_deref())?;
    if secret.len() < hash.bytes() {
        return Err(format!("holds a secret of {} bytes; {} is the least", secret.len(), hash.bytes()));
    }
    Ok(HmacKey::new(hash, &secret))
}

fn rsa(hash: Hash, jwk: &Jwk) -> Result<RsaPublic, String> {
    RsaPublic::new(hash, &bytes("n", jwk.n.as_deref())?, &bytes("e", jwk.e.as_deref())?)
}

fn ec(curve: Curve, jwk: &Jwk) -> Result<EcPublic, String> {
    if jwk.crv.as_deref() != Some(curve.name()) {
        return Err(format!("holds a key whose `crv` is not {}", curve.name()));
    }
    let (x, y) = (bytes("x", jwk.x.as_deref())?, bytes("y", jwk.y.as_deref())?);
    if x.len() != curve.bytes() || y.len() != curve.bytes() {
        return Err("holds a key with coordinates of the wrong length".to_owned());
    }
    EcPublic::new(curve, &[&[4], x.as_slice(), y.as_slice()].concat())
}

fn bytes(name: &str, text: Option<&str>) -> Result<Vec<u8>, String> {
    let decoded = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    decoded.ok_or_else(|| format!("holds a key whose `{name}` is missing or not base64url"))
}
