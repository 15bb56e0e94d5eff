//! The nine algorithms of RFC 7518, section 3.1, that this gateway knows, each inside its family.

use aws_lc_rs::{hmac, rsa, signature};

/// A signature algorithm. The family and its parameter are one value, so that no key meets a foreign algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HS256, HS384, HS512: one shared secret.
    Hmac(Hash),
    /// RS256, RS384, RS512: RSA with PKCS #1 v1.5 padding.
    Rsa(Hash),
    /// ES256, ES384, ES512: ECDSA, where the curve decides the hash.
    Ec(Curve),
}

/// A hash function of the SHA-2 family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A NIST curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// P-256, with SHA-256.
    P256,
    /// P-384, with SHA-384.
    P384,
    /// P-521, with SHA-512.
    P521,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Hmac(Hash::Sha256),
        Self::Hmac(Hash::Sha384),
        Self::Hmac(Hash::Sha512),
        Self::Rsa(Hash::Sha256),
        Self::Rsa(Hash::Sha384),
        Self::Rsa(Hash::Sha512),
        Self::Ec(Curve::P256),
        Self::Ec(Curve::P384),
        Self::Ec(Curve::P521),
    ];

    /// The name in the `alg` header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hmac(Hash::Sha256) => "HS256",
            Self::Hmac(Hash::Sha384) => "HS384",
            Self::Hmac(Hash::Sha512) => "HS512",
            Self::Rsa(Hash::Sha256) => "RS256",
            Self::Rsa(Hash::Sha384) => "RS384",
            Self::Rsa(Hash::Sha512) => "RS512",
            Self::Ec(Curve::P256) => "ES256",
            Self::Ec(Curve::P384) => "ES384",
            Self::Ec(Curve::P521) => "ES512",
        }
    }

    /// The algorithm of this exact name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether one secret both signs and verifies.
    pub fn is_shared_secret(self) -> bool {
        matches!(self, Self::Hmac(_))
    }

    /// What a key for it is called in messages.
    pub(crate) fn key_kind(self) -> &'static str {
        match self {
            Self::Hmac(_) => "HMAC secret",
            Self::Rsa(_) => "RSA key of 2048 to 8192 bits",
            Self::Ec(Curve::P256) => "EC key on the curve P-256",
            Self::Ec(Curve::P384) => "EC key on the curve P-384",
            Self::Ec(Curve::P521) => "EC key on the curve P-521",
        }
    }
}

impl domain::settings::Value for Algorithm {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        let wanted = raw.unwrap_or_default().trim();
        Self::named(wanted).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

impl Hash {
    /// Bytes of its output, and of an HMAC secret at least (RFC 7518, section 3.2).
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub(crate) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    pub(crate) fn rsa_verification(self) -> &'static signature::RsaParameters {
        match self {
            Self::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        }
    }

    pub(crate) fn rsa_signing(self) -> &'static dyn signature::RsaEncoding {
        match self {
            Self::Sha256 => &signature::RSA_PKCS1_SHA256,
            Self::Sha384 => &signature::RSA_PKCS1_SHA384,
            Self::Sha512 => &signature::RSA_PKCS1_SHA512,
        }
    }
}

impl Curve {
    /// The name in a JWK's `crv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Bytes of one coordinate.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(crate) fn verification(self) -> &'static signature::EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED,
        }
    }

    pub(crate) fn signing(self) -> &'static signature::EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        }
    }
}

/// The sizes of RSA keys that are made here.
pub(crate) fn rsa_size(bits: u32) -> Option<rsa::KeySize> {
    match bits {
        2048 => Some(rsa::KeySize::Rsa2048),
        3072 => Some(rsa::KeySize::Rsa3072),
        4096 => Some(rsa::KeySize::Rsa4096),
        8192 => Some(rsa::KeySize::Rsa8192),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::settings::Value;

    use super::*;

    #[test]
    fn names_are_exact() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
        }
        for wrong in ["none", "NONE", "hs256", "HS256 ", "PS256", "ES256K", "EdDSA", ""] {
            assert_eq!(Algorithm::named(wrong), None, "{wrong}");
        }
        assert!(Algorithm::parse(Some("PS256")).unwrap_err().contains("ES512"));
    }

    #[test]
    fn only_hmac_shares_its_secret() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.is_shared_secret(), algorithm.name().starts_with("HS"));
        }
    }

    #[test]
    fn rsa_keys_are_made_in_four_sizes() {
        for (bits, size) in [(2048, "Rsa2048"), (3072, "Rsa3072"), (4096, "Rsa4096"), (8192, "Rsa8192")] {
            assert_eq!(format!("{:?}", rsa_size(bits).unwrap()), size);
        }
        assert!(rsa_size(1024).is_none() && rsa_size(0).is_none());
    }
}
