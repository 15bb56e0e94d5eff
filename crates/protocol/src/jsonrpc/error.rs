//! The error member of a response.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use crate::json::{self, RawObject};

/// A JSON-RPC error; `data` stays as the peer wrote it.
#[derive(Debug, Clone)]
pub struct RpcError {
    /// The error code.
    pub code: i64,
    /// One sentence for a person.
    pub message: String,
    /// Whatever the code defines.
    pub data: Option<Box<RawValue>>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with data.
    #[must_use]
    pub fn with_data(mut self, data: Box<RawValue>) -> Self {
        self.data = Some(data);
        self
    }

    /// Reads the `error` member of a response; says what is wrong with another value.
    pub fn read(value: &RawValue) -> Result<Self, &'static str> {
        let object = RawObject::parse(value).map_err(|_| "error must be an object")?;
        let code = object.get("code").ok_or("error.code is missing")?;
        let code = code.get().parse().map_err(|_| "error.code must be an integer")?;
        let message = match object.get("message") {
            None => String::new(),
            Some(message) => json::as_text(message).ok_or("error.message must be a string")?.into_owned(),
        };
        let data = object.get("data").filter(|data| !json::is_null(data)).map(ToOwned::to_owned);
        Ok(Self { code, message, data })
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}

impl Serialize for RpcError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("message", &self.message)?;
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}

impl PartialEq for RpcError {
    fn eq(&self, other: &Self) -> bool {
        let data = |error: &Self| error.data.as_ref().map(|data| data.get().to_owned());
        self.code == other.code && self.message == other.message && data(self) == data(other)
    }
}
