//! Request ids: an integer or a string, echoed with exactly the text they came with.

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
};

use serde_json::value::RawValue;

use crate::json;

/// The id of a request. Two ids are equal when they mean the same, however a string is escaped; `1` is not `"1"`.
#[derive(Clone)]
pub struct Id(Box<RawValue>);

impl Id {
    /// Reads an id; says what is wrong with another value.
    pub fn read(value: &RawValue) -> Result<Self, &'static str> {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'"') if json::as_text(value).is_some() => Ok(Self(value.to_owned())),
            Some(b'"') => Err("id is not a valid string"),
            Some(b'-' | b'0'..=b'9') if !text.contains(['.', 'e', 'E']) => Ok(Self(value.to_owned())),
            Some(b'-' | b'0'..=b'9') => Err("id must be an integer or a string, not a fraction"),
            Some(b'n') => Err("id must not be null"),
            _ => Err("id must be an integer or a string"),
        }
    }

    /// The JSON text of the id.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// The id as an integer of ours; `None` for strings and for integers out of range.
    pub fn as_number(&self) -> Option<i64> {
        self.0.get().parse().ok()
    }

    /// The decoded text of a string id.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        json::as_text(&self.0)
    }

    /// A string with escapes compares by what it means; everything else by its own text.
    fn meaning(&self) -> (bool, Cow<'_, str>) {
        self.as_text().map_or_else(|| (false, Cow::Borrowed(self.0.get())), |text| (true, text))
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self(json::raw_number(number))
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(json::raw_text(text))
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get() || self.meaning() == other.meaning()
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}
