//! `_meta`: what a modern client says about itself, and shallow edits on the way to an upstream.
//!
//! Only the keys named here are read; every other key and every value keeps its bytes.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    json::{self, JsonError, RawObject, raw_text},
    ladder::{Refusal, excerpt},
    params::Params,
    version,
};

/// The revision of a modern request.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// What the client can do.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Name and version of the client program.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The least severe log message the client wants.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Name and version of the server program, in results.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The `subscriptions/listen` request a notification belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The token under which the sender wants progress.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// The keys that describe one hop and are written anew for the next.
pub const HOP_KEYS: [&str; 5] =
    [PROTOCOL_VERSION, CLIENT_CAPABILITIES, CLIENT_INFO, LOG_LEVEL, PROGRESS_TOKEN];

/// The keys that must be spelled exactly.
pub(crate) const READ: [&str; 5] = HOP_KEYS;

/// The levels of `logLevel`, least severe first.
pub const LOG_LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// What a modern client says about itself in each request.
#[derive(Debug, Clone)]
pub struct ClientContext {
    /// The revision; always a supported modern one.
    pub version: &'static str,
    /// `ClientCapabilities`, undecoded.
    pub capabilities: Box<RawValue>,
    /// `Implementation`, undecoded.
    pub client_info: Option<Box<RawValue>>,
    /// One of [`LOG_LEVELS`].
    pub log_level: Option<String>,
    /// A string or number, undecoded.
    pub progress_token: Option<Box<RawValue>>,
}

impl ClientContext {
    /// Reads the context of a modern request. Missing keys are reported before an unsupported revision.
    pub fn read(params: &Params<'_>) -> Result<Self, Refusal> {
        let version = text(params, PROTOCOL_VERSION)?.ok_or_else(|| missing(PROTOCOL_VERSION))?;
        let capabilities =
            object(params, CLIENT_CAPABILITIES)?.ok_or_else(|| missing(CLIENT_CAPABILITIES))?;
        let client_info = object(params, CLIENT_INFO)?;
        let log_level = text(params, LOG_LEVEL)?;
        if log_level.as_ref().is_some_and(|level| !LOG_LEVELS.contains(&level.as_ref())) {
            return Err(wrong(LOG_LEVEL, "a log level"));
        }
        if version != version::MODERN {
            return Err(Refusal::UnsupportedVersion(excerpt(&version)));
        }
        Ok(Self {
            version: version::MODERN,
            capabilities: capabilities.to_owned(),
            client_info: client_info.map(ToOwned::to_owned),
            log_level: log_level.map(Cow::into_owned),
            progress_token: progress_token(params)?,
        })
    }
}

/// The progress token of a request of either era, if it is a string or a number.
pub fn progress_token(params: &Params<'_>) -> Result<Option<Box<RawValue>>, Refusal> {
    let Some(token) = params.progress_token() else { return Ok(None) };
    match token.get().as_bytes().first() {
        Some(b'"' | b'-' | b'0'..=b'9') => Ok(Some(token.to_owned())),
        _ => Err(wrong(PROGRESS_TOKEN, "a string or a number")),
    }
}

fn text<'p>(params: &'p Params<'_>, key: &str) -> Result<Option<Cow<'p, str>>, Refusal> {
    let Some(value) = params.meta_value(key) else { return Ok(None) };
    json::as_text(value).map(Some).ok_or_else(|| wrong(key, "a string"))
}

fn object<'p>(params: &'p Params<'_>, key: &str) -> Result<Option<&'p RawValue>, Refusal> {
    match params.meta_value(key) {
        Some(value) if !json::is_object(value) => Err(wrong(key, "an object")),
        value => Ok(value),
    }
}

fn missing(key: &str) -> Refusal {
    Refusal::InvalidMeta(format!("params._meta[\"{key}\"] is missing"))
}

fn wrong(key: &str, kind: &str) -> Refusal {
    Refusal::InvalidMeta(format!("params._meta[\"{key}\"] must be {kind}"))
}

/// Keys to take out of `_meta` and keys to put in.
#[derive(Debug, Clone, Default)]
pub struct MetaEdit {
    remove: Vec<Cow<'static, str>>,
    set: Vec<(Cow<'static, str>, Box<RawValue>)>,
}

impl MetaEdit {
    /// An edit that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An edit that takes out everything the sender said about its own hop.
    pub fn next_hop() -> Self {
        HOP_KEYS.into_iter().fold(Self::default(), Self::remove)
    }

    /// Takes a key out.
    #[must_use]
    pub fn remove(mut self, key: impl Into<Cow<'static, str>>) -> Self {
        self.remove.push(key.into());
        self
    }

    /// Puts a key in, replacing its value where it stands.
    #[must_use]
    pub fn set(mut self, key: impl Into<Cow<'static, str>>, value: Box<RawValue>) -> Self {
        self.set.push((key.into(), value));
        self
    }

    /// Puts a string in.
    #[must_use]
    pub fn set_text(self, key: impl Into<Cow<'static, str>>, value: &str) -> Self {
        self.set(key, raw_text(value))
    }

    /// Applies the edit to a split object in place. An object whose `_meta` ends up empty has none.
    pub fn apply(&self, object: &mut RawObject<'_>) -> Result<(), JsonError> {
        // A value that was edited before lives in the object itself and has to be copied out of it.
        let copied = match object.borrowed("_meta") {
            Some(_) => None,
            None => object.get("_meta").map(ToOwned::to_owned),
        };
        let mut meta = match object.borrowed("_meta").or(copied.as_deref()) {
            Some(old) if !json::is_null(old) => RawObject::parse(old)?,
            _ => RawObject::new(),
        };
        for key in &self.remove {
            if !self.set.iter().any(|(other, _)| other == key) {
                meta.remove(key);
            }
        }
        for (key, value) in &self.set {
            meta.set(key.as_ref(), value.as_ref());
        }
        if meta.is_empty() {
            object.remove("_meta");
        } else {
            object.set("_meta", meta.to_raw());
        }
        Ok(())
    }
}

/// The parameters with an edited `_meta`; absent parameters are an empty object.
pub fn with_meta(params: Option<&RawValue>, edit: &MetaEdit) -> Result<Box<RawValue>, JsonError> {
    let mut object = match params {
        Some(params) => RawObject::parse(params)?,
        None => RawObject::new(),
    };
    edit.apply(&mut object)?;
    Ok(object.to_raw())
}

#[cfg(test)]
mod tests;
