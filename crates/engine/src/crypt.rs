//! Keys derived from `AUTH_ENCRYPTION_SECRET`, and the sealing of stored credentials.
//!
//! Every purpose has its own key (HKDF-SHA-256, RFC 5869). Stored credentials are AES-256-GCM with a random nonce
//! and are bound to their table, row and column: a ciphertext that is moved to another row does not open.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, rand,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Error, Result, Secret};

/// The keys of one deployment.
#[derive(Debug)]
pub struct Keys {
    rows: Secret<[u8; 32]>,
    audit: Secret<[u8; 32]>,
    sealed_ids: Secret<[u8; 32]>,
    csrf: Secret<[u8; 32]>,
}

impl Keys {
    /// Derives all keys from the deployment's secret.
    pub fn derive(secret: &Secret<String>) -> Result<Self> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"contextforge v1");
        let root = salt.extract(secret.expose().as_bytes());
        let key = |purpose: &str| -> Result<Secret<[u8; 32]>> {
            let mut out = [0_u8; 32];
            root.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut out))
                .map_err(|_| Error::internal("key derivation failed"))?;
            Ok(Secret::new(out))
        };
        Ok(Self {
            rows: key("stored credentials")?,
            audit: key("audit chain")?,
            sealed_ids: key("sealed ids")?,
            csrf: key("forged requests")?,
        })
    }

    /// The key of the audit chain.
    pub fn audit(&self) -> &[u8; 32] {
        self.audit.expose()
    }

    /// The key of sealed session ids, cursors and the like.
    pub fn sealed_ids(&self) -> &[u8; 32] {
        self.sealed_ids.expose()
    }

    /// The key of tokens against forged requests of pages.
    pub fn csrf(&self) -> &[u8; 32] {
        self.csrf.expose()
    }

    /// Seals `plaintext` for one place (`table|row|column`). The text starts with `v1.`.
    pub fn seal(&self, place: &str, plaintext: &[u8]) -> Result<String> {
        let failed = |_| Error::internal("sealing failed");
        let mut nonce = [0_u8; NONCE_LEN];
        rand::fill(&mut nonce).map_err(failed)?;
        let mut sealed = plaintext.to_vec();
        self.key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(failed)?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(format!("v1.{}", URL_SAFE_NO_PAD.encode(out)))
    }

    /// Opens what [`Keys::seal`] made for the same place. Fails on any change, another place or another secret.
    pub fn open(&self, place: &str, text: &str) -> Result<Secret<Vec<u8>>> {
        let failed = || {
            Error::Internal(format!(
                "the stored credential at {place} does not open: AUTH_ENCRYPTION_SECRET has changed or the row was altered"
            ))
        };
        let mut bytes =
            text.strip_prefix("v1.").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(failed)?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(failed)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain =
            self.key()?.open_in_place(nonce, Aad::from(place), sealed).map_err(|_| failed())?.to_vec();
        Ok(Secret::new(plain))
    }

    fn key(&self) -> Result<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM, self.rows.expose())
            .map_err(|_| Error::internal("bad key length"))?;
        Ok(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str) -> Keys {
        Keys::derive(&Secret::new(secret.to_owned())).unwrap()
    }

    #[test]
    fn a_credential_opens_in_its_own_row_only() {
        let keys = keys("one");
        let sealed = keys.seal("gateways|a|auth", b"token").unwrap();
        assert_eq!(keys.open("gateways|a|auth", &sealed).unwrap().expose(), b"token");
        assert!(keys.open("gateways|b|auth", &sealed).is_err());
        assert!(super::tests::keys("two").open("gateways|a|auth", &sealed).is_err());
        assert!(!sealed.contains("token"));
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let keys = keys("one");
        let sealed = keys.seal("p", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(changed == sealed || keys.open("p", &changed).is_err(), "at {at}");
        }
    }
}
