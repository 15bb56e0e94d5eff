//! New keys, as the texts that key files hold.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa,
    signature::{EcdsaKeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Error, Result, Secret};

use super::{
    algorithm::{Algorithm, Curve, Hash, rsa_size},
    jwk,
    signer::Signer,
    verifier::HmacKey,
};

/// A new key.
#[derive(Debug)]
pub struct Generated {
    /// The private half: PKCS #8 in PEM, or a secret as one line of text.
    pub private: Secret<String>,
    /// The public half: SPKI in PEM. None for a shared secret.
    pub public: Option<String>,
    /// What tokens call it.
    pub key_id: String,
}

/// A new key for an algorithm; RSA keys have `rsa_bits`.
pub fn key(algorithm: Algorithm, rsa_bits: u32) -> Result<Generated> {
    match algorithm {
        Algorithm::Hmac(hash) => secret(hash),
        Algorithm::Rsa(hash) => rsa_pair(hash, rsa_bits),
        Algorithm::Ec(curve) => ec_pair(curve),
    }
}

fn failed(_: impl Sized) -> Error {
    Error::internal("the key could not be made")
}

fn secret(hash: Hash) -> Result<Generated> {
    // 64 bytes are enough for each of the three, so that JWT_ALGORITHM can change later.
    let mut bytes = [0_u8; 64];
    aws_lc_rs::rand::fill(&mut bytes).map_err(failed)?;
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let signer = Signer::Hmac(HmacKey::new(hash, text.as_bytes()));
    Ok(Generated { private: Secret::new(text + "\n"), public: None, key_id: key_id(&signer)? })
}

fn rsa_pair(hash: Hash, bits: u32) -> Result<Generated> {
    let size = rsa_size(bits)
        .ok_or_else(|| Error::invalid("bits", "an RSA key has 2048, 3072, 4096 or 8192 bits"))?;
    let pair = rsa::KeyPair::generate(size).map_err(failed)?;
    let private: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(failed)?;
    let private = private_text(private.as_ref());
    let public = Some(text("PUBLIC KEY", public.as_ref()));
    Ok(Generated { private, public, key_id: key_id(&Signer::Rsa(hash, pair))? })
}

fn ec_pair(curve: Curve) -> Result<Generated> {
    let pair = EcdsaKeyPair::generate(curve.signing()).map_err(failed)?;
    let private = private_text(pair.to_pkcs8v1().map_err(failed)?.as_ref());
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(failed)?;
    let public = Some(text("PUBLIC KEY", public.as_ref()));
    Ok(Generated { private, public, key_id: key_id(&Signer::Ec(curve, pair))? })
}

fn key_id(signer: &Signer) -> Result<String> {
    signer.verifier().map(|verifier| jwk::key_id(&verifier)).map_err(Error::internal)
}

fn private_text(der: &[u8]) -> Secret<String> {
    Secret::new(text("PRIVATE KEY", der))
}

fn text(tag: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(tag, der), config)
}
