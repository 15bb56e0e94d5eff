//! Keys that sign. The private part stays in here; what others may know is the [`Verifier`] that belongs to it.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{EcdsaKeyPair, KeyPair},
};
use domain::{Error, Result};

use super::{
    algorithm::{Curve, Hash},
    verifier::{EcPublic, HmacKey, RsaPublic, Verifier},
};

/// A key that signs.
pub(crate) enum Signer {
    Hmac(HmacKey),
    Rsa(Hash, rsa::KeyPair),
    Ec(Curve, EcdsaKeyPair),
}

impl Signer {
    /// From an RSA private key in DER: PKCS #8 or PKCS #1.
    pub(crate) fn rsa(hash: Hash, der: &[u8]) -> Option<Self> {
        let pair = rsa::KeyPair::from_pkcs8(der).or_else(|_| rsa::KeyPair::from_der(der)).ok()?;
        Some(Self::Rsa(hash, pair))
    }

    /// From an EC private key in DER: PKCS #8 or SEC 1.
    pub(crate) fn ec(curve: Curve, der: &[u8]) -> Option<Self> {
        EcdsaKeyPair::from_private_key_der(curve.signing(), der).ok().map(|pair| Self::Ec(curve, pair))
    }

    /// The signature over a message, in the form of RFC 7518.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("the token could not be signed");
        match self {
            Self::Hmac(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Rsa(hash, pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(hash.rsa_signing(), &SystemRandom::new(), message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Self::Ec(_, pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }

    /// The key that verifies what this one signs.
    pub(crate) fn verifier(&self) -> Result<Verifier, String> {
        match self {
            Self::Hmac(key) => Ok(Verifier::Hmac(key.clone())),
            Self::Rsa(hash, pair) => {
                let public = pair.public_key();
                let (modulus, exponent) = (public.modulus(), public.exponent());
                RsaPublic::new(
                    *hash,
                    modulus.big_endian_without_leading_zero(),
                    exponent.big_endian_without_leading_zero(),
                )
                .map(Verifier::Rsa)
            }
            Self::Ec(curve, pair) => EcPublic::new(*curve, pair.public_key().as_ref()).map(Verifier::Ec),
        }
    }
}
