//! Keys that verify: an HMAC secret, an RSA public key or a point on a curve, each for one algorithm.
//!
//! A key is checked once, when it is made; verification then takes a message and a signature and nothing else, so
//! that no caller can choose an algorithm.

use aws_lc_rs::{
    hmac,
    signature::{ParsedPublicKey, RsaPublicKeyComponents},
};

use super::{
    algorithm::{Algorithm, Curve, Hash},
    weak,
};

/// A key that verifies.
#[derive(Clone)]
pub(crate) enum Verifier {
    Hmac(HmacKey),
    Rsa(RsaPublic),
    Ec(EcPublic),
}

/// A shared secret, prepared.
#[derive(Clone)]
pub(crate) struct HmacKey {
    hash: Hash,
    key: Box<hmac::Key>,
}

/// An RSA public key.
#[derive(Clone)]
pub(crate) struct RsaPublic {
    hash: Hash,
    key: ParsedPublicKey,
    pub(super) modulus: Vec<u8>,
    pub(super) exponent: Vec<u8>,
}

/// A point on a curve.
#[derive(Clone)]
pub(crate) struct EcPublic {
    pub(super) curve: Curve,
    key: ParsedPublicKey,
    /// Uncompressed: 4, x, y.
    pub(super) point: Vec<u8>,
}

impl Verifier {
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hmac(key) => Algorithm::Hmac(key.hash),
            Self::Rsa(key) => Algorithm::Rsa(key.hash),
            Self::Ec(key) => Algorithm::Ec(key.curve),
        }
    }

    /// Whether the signature is this key's over the message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hmac(key) => hmac::verify(&key.key, message, signature).is_ok(),
            Self::Rsa(RsaPublic { key, .. }) | Self::Ec(EcPublic { key, .. }) => {
                key.verify_sig(message, signature).is_ok()
            }
        }
    }
}

impl HmacKey {
    pub(crate) fn new(hash: Hash, secret: &[u8]) -> Self {
        Self { hash, key: Box::new(hmac::Key::new(hash.hmac(), secret)) }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, message)
    }
}

impl RsaPublic {
    /// From modulus and exponent, big-endian without leading zeros. What is wrong is said in words.
    pub(crate) fn new(hash: Hash, modulus: &[u8], exponent: &[u8]) -> Result<Self, String> {
        let bits = bit_length(modulus);
        if !(2048..=8192).contains(&bits) {
            return Err(format!("is an RSA key of {bits} bits; it must have 2048 to 8192"));
        }
        let value = exponent.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        if exponent.len() > 4 || value < 3 || value % 2 == 0 {
            return Err("is an RSA key with a public exponent that is even, one or too large".to_owned());
        }
        if weak::is_roca(modulus) {
            return Err("is an RSA key of the weak kind ROCA (CVE-2017-15361); make another".to_owned());
        }
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        let key = components
            .to_parsed_public_key(hash.rsa_verification())
            .map_err(|_| "is not a valid RSA public key".to_owned())?;
        Ok(Self { hash, key, modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }
}

impl EcPublic {
    /// From an uncompressed point, which must lie on the curve.
    pub(crate) fn new(curve: Curve, point: &[u8]) -> Result<Self, String> {
        let wrong = || format!("is not a point on the curve {}", curve.name());
        if point.len() != 1 + 2 * curve.bytes() || point.first() != Some(&4) {
            return Err(wrong());
        }
        let key = ParsedPublicKey::new(curve.verification(), point).map_err(|_| wrong())?;
        Ok(Self { curve, key, point: point.to_vec() })
    }

    /// x and y.
    pub(super) fn coordinates(&self) -> (&[u8], &[u8]) {
        self.point.get(1..).unwrap_or_default().split_at(self.curve.bytes())
    }
}

fn bit_length(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or(0))
}
