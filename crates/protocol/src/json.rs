//! JSON objects split into their members, one level deep, with every value left as the text it arrived as.
//!
//! `RawObject` keeps member order and unknown members, and refuses duplicate names: two parsers that disagree
//! about which duplicate wins would see two different requests. It must not be used to look inside payloads the
//! gateway does not act on. Invariant: each value is one valid JSON text, nested at most `MAX_DEPTH` levels.

mod depth;
mod members;
mod text;

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

pub use depth::{MAX_DEPTH, deeper_than};
pub use text::{JsonText, RawMember};

/// Why a text is not the JSON object it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON at all; says what was expected and where.
    #[error("malformed JSON: {0}")]
    Malformed(String),
    /// Valid so far, but nested too deeply to be passed on to parsers that recurse.
    #[error("JSON nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Valid JSON of another kind.
    #[error("not a JSON object")]
    NotAnObject,
    /// One member name occurs twice.
    #[error("duplicate member \"{0}\"")]
    Duplicate(String),
    /// A member name that a lenient parser would take for a known one.
    #[error("member \"{found}\" differs from \"{expected}\" only in case")]
    Variant {
        /// The name in the text.
        found: String,
        /// The name it imitates.
        expected: &'static str,
    },
}

/// A JSON object as an ordered list of members whose values are not decoded.
#[derive(Debug, Clone, Default)]
pub struct RawObject<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, RawValue>)>,
}

impl<'a> RawObject<'a> {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Splits a text (bytes, `str` or an already checked `RawValue`) into members.
    pub fn parse(source: impl JsonText<'a>) -> Result<Self, JsonError> {
        Ok(Self { members: members::split(source.checked()?)? })
    }

    /// As [`RawObject::parse`], and refuses names that equal a `known` name except in case.
    ///
    /// Unicode simple case folding maps `ſ` to `s` and the Kelvin sign to `k`; some parsers fold with it.
    pub fn parse_exact(source: impl JsonText<'a>, known: &[&'static str]) -> Result<Self, JsonError> {
        let object = Self::parse(source)?;
        for (found, _) in &object.members {
            if let Some(expected) = members::imitates(found, known) {
                return Err(JsonError::Variant { found: found.clone().into_owned(), expected });
            }
        }
        Ok(object)
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    /// The value of a member, living as long as the parsed text; `None` also for a value that was set later.
    pub fn borrowed(&self, key: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(name, _)| name == key).and_then(|(_, value)| match value {
            Cow::Borrowed(value) => Some(*value),
            Cow::Owned(_) => None,
        })
    }

    /// The decoded text of a member that is a JSON string.
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).and_then(as_text)
    }

    /// Whether the member exists, even as `null`.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Replaces a member where it stands, or appends it.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl RawMember<'a>) {
        let (key, value) = (key.into(), value.into_member());
        match self.members.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.members.push((key, value)),
        }
    }

    /// Sets a member to a JSON string.
    pub fn set_text(&mut self, key: impl Into<Cow<'a, str>>, text: &str) {
        self.set(key, raw_text(text));
    }

    /// Takes a member out, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Cow<'a, RawValue>> {
        let at = self.members.iter().position(|(name, _)| name == key)?;
        Some(self.members.remove(at).1)
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Appends the object as compact JSON; values keep their own bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (name, value)) in self.members.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_text(out, name);
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
        }
        out.push(b'}');
    }

    /// The object as one value.
    pub fn to_raw(&self) -> Box<RawValue> {
        to_raw(self)
    }
}

impl Serialize for RawObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name.as_ref(), value.as_ref())?;
        }
        map.end()
    }
}

/// The decoded text of a value that is a JSON string; borrowed when nothing is escaped.
pub fn as_text(value: &RawValue) -> Option<Cow<'_, str>> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str::<String>(value.get()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Whether a value is a JSON object.
pub fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// Whether a value is `null`.
pub fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The elements of a value that is a JSON array.
pub fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// A JSON string value.
pub fn raw_text(text: &str) -> Box<RawValue> {
    to_raw(text)
}

/// A JSON integer value.
pub fn raw_number(number: i64) -> Box<RawValue> {
    to_raw(&number)
}

/// Serialises a value whose `Serialize` cannot fail (strings, integers, objects with text keys).
pub(crate) fn to_raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    // The callers' types have no failing case; `null` stands in for the impossible one without a panic.
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Appends a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(raw_text(text).get().as_bytes());
    }
}

#[cfg(test)]
mod tests;
