//! Sealed tokens: state that passes through clients, which they can neither read nor change nor use elsewhere.
//!
//! A token is `v1.<kid>.<base64url(nonce, AES-256-GCM ciphertext, tag)>`. The key id, the purpose and the caller's
//! associated data (principal, upstream …) are authenticated, so a token made for one use fails in every other.
//! Expiry belongs into the plaintext: there is no clock here. Nonces are random; a key should be rotated well before
//! 2^32 tokens. Keys never appear in `Debug` output.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

const VERSION: &str = "v1";
const LONGEST_KID: usize = 32;

/// Why a token cannot be made or opened. Deliberately says nothing about how far the check came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The list of keys is empty, or a key id is repeated or malformed.
    #[error("sealing keys need distinct ids of 1 to 32 letters, digits, '-' or '_'")]
    Keys,
    /// Not a token of ours for this use, or a changed one.
    #[error("the token is not valid here")]
    Invalid,
    /// The cryptographic library failed, which means that it has no random numbers.
    #[error("sealing failed")]
    Failed,
}

struct Key {
    kid: String,
    key: RandomizedNonceKey,
}

/// Seals with the first key and opens with any, so that keys can be rotated.
pub struct Sealer {
    current: Key,
    former: Vec<Key>,
}

impl Sealer {
    /// Takes the keys, the current one first.
    pub fn new<K: AsRef<str>>(keys: &[(K, [u8; 32])]) -> Result<Self, SealError> {
        let mut known: Vec<Key> = Vec::with_capacity(keys.len());
        for (kid, key) in keys {
            let kid = kid.as_ref();
            if !is_kid(kid) || known.iter().any(|other| other.kid == kid) {
                return Err(SealError::Keys);
            }
            let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| SealError::Failed)?;
            known.push(Key { kid: kid.to_owned(), key });
        }
        let mut known = known.into_iter();
        let current = known.next().ok_or(SealError::Keys)?;
        Ok(Self { current, former: known.collect() })
    }

    /// The id of the key that seals now.
    pub fn current_kid(&self) -> &str {
        &self.current.kid
    }

    /// Seals a plaintext for one purpose and one set of associated data.
    pub fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Result<String, SealError> {
        let Key { kid, key } = &self.current;
        let mut body = plaintext.to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(context(kid, purpose, aad)), &mut body)
            .map_err(|_| SealError::Failed)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + body.len());
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut body);
        Ok(format!("{VERSION}.{kid}.{}", BASE64_URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens a token that was sealed for the same purpose and associated data.
    pub fn open(&self, purpose: &str, aad: &[u8], text: &str) -> Result<Vec<u8>, SealError> {
        let (kid, body) = text
            .strip_prefix(VERSION)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('.'))
            .ok_or(SealError::Invalid)?;
        let key = self.key(kid).ok_or(SealError::Invalid)?;
        let mut sealed = BASE64_URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Invalid)?;
        let (nonce, body) = sealed.split_at_mut_checked(NONCE_LEN).ok_or(SealError::Invalid)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Invalid)?;
        let plaintext = key
            .open_in_place(nonce, Aad::from(context(kid, purpose, aad)), body)
            .map_err(|_| SealError::Invalid)?;
        Ok(plaintext.to_vec())
    }

    fn key(&self, kid: &str) -> Option<&RandomizedNonceKey> {
        let all = std::iter::once(&self.current).chain(&self.former);
        all.into_iter().find(|key| key.kid == kid).map(|key| &key.key)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("current", &self.current.kid).finish_non_exhaustive()
    }
}

fn is_kid(kid: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_KID).contains(&kid.len()) && kid.bytes().all(allowed)
}

/// What is authenticated beside the plaintext. Every part has its length in front: no two lists of parts give the
/// same bytes.
fn context(kid: &str, purpose: &str, aad: &[u8]) -> Vec<u8> {
    let parts = [VERSION.as_bytes(), kid.as_bytes(), purpose.as_bytes(), aad];
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&[("2026a", [7; 32])]).unwrap()
    }

    #[test]
    fn a_token_opens_only_where_it_was_made_for() {
        let sealer = sealer();
        let token = sealer.seal("cursor", b"alice", b"offset 20").unwrap();
        assert!(token.starts_with("v1.2026a."));
        assert_eq!(sealer.open("cursor", b"alice", &token).unwrap(), b"offset 20");
        assert_eq!(sealer.open("state", b"alice", &token), Err(SealError::Invalid));
        assert_eq!(sealer.open("cursor", b"bob", &token), Err(SealError::Invalid));
        // Moving a byte between the purpose and the associated data changes what is authenticated.
        assert_eq!(sealer.open("cursora", b"lice", &token), Err(SealError::Invalid));
        let stranger = Sealer::new(&[("2026a", [8; 32])]).unwrap();
        assert_eq!(stranger.open("cursor", b"alice", &token), Err(SealError::Invalid));
        assert_ne!(token, sealer.seal("cursor", b"alice", b"offset 20").unwrap(), "nonces are fresh");
    }

    #[test]
    fn former_keys_open_after_a_rotation() {
        let token = sealer().seal("cursor", b"", b"x").unwrap();
        let rotated = Sealer::new(&[("2026b", [9; 32]), ("2026a", [7; 32])]).unwrap();
        assert_eq!(rotated.open("cursor", b"", &token).unwrap(), b"x");
        assert!(rotated.seal("cursor", b"", b"x").unwrap().starts_with("v1.2026b."));
        let forgotten = Sealer::new(&[("2026b", [9; 32])]).unwrap();
        assert_eq!(forgotten.open("cursor", b"", &token), Err(SealError::Invalid));
        // The same key under another id is another context.
        let renamed = Sealer::new(&[("2026b", [7; 32])]).unwrap();
        let moved = token.replace(".2026a.", ".2026b.");
        assert_eq!(renamed.open("cursor", b"", &moved), Err(SealError::Invalid));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let sealer = sealer();
        let token = sealer.seal("state", b"p", b"payload").unwrap();
        for at in 0..token.len() {
            for other in (b' '..=b'~').filter(|other| *other != token.as_bytes()[at]) {
                let mut changed = token.clone().into_bytes();
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(sealer.open("state", b"p", &changed), Err(SealError::Invalid), "{changed}");
            }
        }
        for end in 0..token.len() {
            assert_eq!(sealer.open("state", b"p", &token[..end]), Err(SealError::Invalid));
        }
        for text in ["", "v1", "v1.", "v1..", "v1.2026a.", "v2.2026a.AAAA", "v1.2026a.AAAA", ".."] {
            assert_eq!(sealer.open("state", b"p", text), Err(SealError::Invalid));
        }
    }

    #[test]
    fn unusable_key_lists_are_refused() {
        let none: [(&str, [u8; 32]); 0] = [];
        assert_eq!(Sealer::new(&none).unwrap_err(), SealError::Keys);
        for kids in [vec![""], vec!["a.b"], vec!["é"], vec!["a", "a"], vec!["x"; 33]] {
            let keys: Vec<_> = kids.into_iter().map(|kid| (kid, [1; 32])).collect();
            assert_eq!(Sealer::new(&keys).unwrap_err(), SealError::Keys);
        }
        assert_eq!(Sealer::new(&[("x".repeat(33), [1; 32])]).unwrap_err(), SealError::Keys);
    }

    #[test]
    fn debug_output_has_no_key() {
        assert_eq!(format!("{:?}", sealer()), r#"Sealer { current: "2026a", .. }"#);
    }

    proptest! {
        #[test]
        fn anything_survives(purpose in ".{0,8}", aad in any::<Vec<u8>>(), plaintext in any::<Vec<u8>>()) {
            let sealer = sealer();
            let token = sealer.seal(&purpose, &aad, &plaintext).unwrap();
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(sealer.open(&purpose, &aad, &token).unwrap(), plaintext);
        }

        #[test]
        fn arbitrary_texts_never_open(text in any::<String>(), body in "[A-Za-z0-9_-]{0,80}") {
            prop_assert!(sealer().open("p", b"", &text).is_err());
            let forged = format!("v1.2026a.{body}");
            prop_assert!(sealer().open("p", b"", &forged).is_err());
        }
    }
}
