//! Key files in PEM: PKCS #8, PKCS #1 and SEC 1 private keys, SPKI and PKCS #1 public keys.
//!
//! Which kind of key a file must hold is decided by the configured algorithm and never by the file. Messages say
//! what is wrong and never repeat what was read.

use aws_lc_rs::{rsa, signature::ParsedPublicKey};

use super::{
    algorithm::{Algorithm, Curve, Hash},
    signer::Signer,
    verifier::{EcPublic, RsaPublic, Verifier},
};

/// What a file holds.
pub(crate) enum Half {
    Private(Signer),
    Public(Verifier),
}

/// Reads the one key of a PEM text.
pub(crate) fn read(algorithm: Algorithm, text: &str) -> Result<Half, String> {
    let blocks = pem::parse_many(text).map_err(|_| "is not a PEM file".to_owned())?;
    // `openssl ecparam -genkey` writes the curve's name in a block of its own.
    let mut keys = blocks.iter().filter(|block| block.tag() != "EC PARAMETERS");
    let block = keys.next().ok_or("holds no PEM block")?;
    if keys.next().is_some() {
        return Err("holds more than one PEM block".to_owned());
    }
    match block.tag() {
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            private(algorithm, block.contents()).map(Half::Private)
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => public(algorithm, block.contents()).map(Half::Public),
        "ENCRYPTED PRIVATE KEY" => Err("is encrypted; give the key without a passphrase".to_owned()),
        tag => Err(format!("holds a PEM block {tag:?} and no key")),
    }
}

fn private(algorithm: Algorithm, der: &[u8]) -> Result<Signer, String> {
    let signer = match algorithm {
        Algorithm::Hmac(_) => None,
        Algorithm::Rsa(hash) => Signer::rsa(hash, der),
        Algorithm::Ec(curve) => Signer::ec(curve, der),
    };
    let signer = signer.ok_or_else(|| wrong_kind(algorithm, "private"))?;
    // A private key whose public half is refused must not sign.
    signer.verifier().map(|_| signer)
}

fn public(algorithm: Algorithm, der: &[u8]) -> Result<Verifier, String> {
    match algorithm {
        Algorithm::Hmac(_) => Err(wrong_kind(algorithm, "public")),
        Algorithm::Rsa(hash) => rsa_public(hash, der),
        Algorithm::Ec(curve) => ec_public(curve, der).map(Verifier::Ec),
    }
}

fn rsa_public(hash: Hash, der: &[u8]) -> Result<Verifier, String> {
    let key = rsa::PublicKey::from_der(der).map_err(|_| wrong_kind(Algorithm::Rsa(hash), "public"))?;
    let (modulus, exponent) = (key.modulus(), key.exponent());
    RsaPublic::new(
        hash,
        modulus.big_endian_without_leading_zero(),
        exponent.big_endian_without_leading_zero(),
    )
    .map(Verifier::Rsa)
}

/// The point is the end of an SPKI structure, which the library checks as a whole first.
fn ec_public(curve: Curve, der: &[u8]) -> Result<EcPublic, String> {
    let wrong = || wrong_kind(Algorithm::Ec(curve), "public");
    ParsedPublicKey::new(curve.verification(), der).map_err(|_| wrong())?;
    let start = der.len().checked_sub(1 + 2 * curve.bytes()).ok_or_else(wrong)?;
    EcPublic::new(curve, der.get(start..).unwrap_or_default()).map_err(|_| wrong())
}

fn wrong_kind(algorithm: Algorithm, half: &str) -> String {
    format!("is not the {half} half of an {}, which {} takes", algorithm.key_kind(), algorithm.name())
}
