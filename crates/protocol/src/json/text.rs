//! What can be parsed as an object, and what can be stored as a member.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{JsonError, MAX_DEPTH, deeper_than};

/// A JSON text to split. Bytes and strings are checked for depth; a `RawValue` came out of a checked text.
pub trait JsonText<'a> {
    /// The text, if it may be handed to the parser.
    fn checked(self) -> Result<&'a str, JsonError>;
}

impl<'a> JsonText<'a> for &'a str {
    fn checked(self) -> Result<&'a str, JsonError> {
        if deeper_than(self.as_bytes(), MAX_DEPTH) { Err(JsonError::TooDeep) } else { Ok(self) }
    }
}

impl<'a> JsonText<'a> for &'a [u8] {
    fn checked(self) -> Result<&'a str, JsonError> {
        let text = std::str::from_utf8(self).map_err(|error| {
            JsonError::Malformed(format!("invalid UTF-8 at byte {}", error.valid_up_to()))
        })?;
        text.checked()
    }
}

impl<'a> JsonText<'a> for &'a Vec<u8> {
    fn checked(self) -> Result<&'a str, JsonError> {
        self.as_slice().checked()
    }
}

impl<'a> JsonText<'a> for &'a Bytes {
    fn checked(self) -> Result<&'a str, JsonError> {
        self.as_ref().checked()
    }
}

impl<'a, const N: usize> JsonText<'a> for &'a [u8; N] {
    fn checked(self) -> Result<&'a str, JsonError> {
        self.as_slice().checked()
    }
}

impl<'a> JsonText<'a> for &'a String {
    fn checked(self) -> Result<&'a str, JsonError> {
        self.as_str().checked()
    }
}

impl<'a> JsonText<'a> for &'a RawValue {
    fn checked(self) -> Result<&'a str, JsonError> {
        Ok(self.get())
    }
}

impl<'a> JsonText<'a> for &'a Box<RawValue> {
    fn checked(self) -> Result<&'a str, JsonError> {
        Ok(self.get())
    }
}

/// A value that can become a member of an object without being decoded.
pub trait RawMember<'a> {
    /// The value as it is stored.
    fn into_member(self) -> Cow<'a, RawValue>;
}

impl<'a> RawMember<'a> for Box<RawValue> {
    fn into_member(self) -> Cow<'a, RawValue> {
        Cow::Owned(self)
    }
}

impl<'a> RawMember<'a> for &'a RawValue {
    fn into_member(self) -> Cow<'a, RawValue> {
        Cow::Borrowed(self)
    }
}

impl<'a> RawMember<'a> for Cow<'a, RawValue> {
    fn into_member(self) -> Cow<'a, RawValue> {
        self
    }
}
