//! Remembers which texts were clean, so that the same text is not read twice.
//!
//! The key is a hash of the rules, the kind and the text; only clean verdicts are kept, so that a refusal always names
//! its findings and an attacker cannot fill the memory with them.

use aws_lc_rs::digest::{Context, SHA256};
use moka::sync::Cache;

use super::Mime;
use crate::verdict::Kind;

type Key = [u8; 32];

/// Hashes of clean texts, bounded.
#[derive(Debug)]
pub(crate) struct CleanTexts {
    seen: Cache<Key, ()>,
    rules: Key,
}

impl CleanTexts {
    /// `rules` names everything that a verdict depends on besides the text.
    pub(crate) fn new(size: u64, rules: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(rules.as_bytes());
        Self { seen: Cache::new(size), rules: key_of(context) }
    }

    /// The key of a text.
    pub(crate) fn key(&self, kind: Kind, mime: Mime, text: &str) -> Key {
        let mut context = Context::new(&SHA256);
        for part in
            [self.rules.as_slice(), kind.as_str().as_bytes(), mime.as_str().as_bytes(), text.as_bytes()]
        {
            // Lengths keep the parts apart: moving bytes from one into the next makes another key.
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        key_of(context)
    }

    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.seen.contains_key(key)
    }

    pub(crate) fn remember(&self, key: Key) {
        self.seen.insert(key, ());
    }
}

fn key_of(context: Context) -> Key {
    let mut key = Key::default();
    for (to, from) in key.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    key
}
