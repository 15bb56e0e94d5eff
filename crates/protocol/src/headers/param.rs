//! Arguments mirrored into `Mcp-Param-*` headers, as a tool's schema asks with `x-mcp-header`.
//!
//! A schema is read once, when a catalogue is built; calls use the resulting list. An annotation that cannot be
//! honoured makes the whole tool unusable (the caller drops it and says why), because a server that relies on the
//! header would reject every call.

mod schema;

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use serde_json::value::RawValue;

use super::{decode, encode, single};
use crate::{
    json::{self, RawObject},
    ladder::Refusal,
};

pub use schema::declared;

/// The largest integer that every JSON parser keeps exact.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// One argument that is mirrored into a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    /// The name after `Mcp-Param-`, as the schema spells it.
    pub name: String,
    /// The header in lower case.
    pub header: HeaderName,
    /// The members that lead from the arguments to the value.
    pub path: Vec<String>,
    /// The type the schema gives the value.
    pub kind: ParamKind,
}

/// The types that can be mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Mirrored as it is.
    Text,
    /// Mirrored in decimal, compared by value.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// The `Mcp-Param-*` headers of a call with a schema that was not read before; an invalid schema gives none.
pub fn param_headers(schema: &RawValue, arguments: Option<&RawValue>) -> Vec<(String, String)> {
    declared(schema).map(|declared| param_values(&declared, arguments)).unwrap_or_default()
}

/// The `Mcp-Param-*` headers of a call. Absent and `null` arguments, and values that are no scalars, have none.
pub fn param_values(declared: &[ParamHeader], arguments: Option<&RawValue>) -> Vec<(String, String)> {
    let values = declared.iter().filter_map(|param| {
        let value = find(arguments?, &param.path)?;
        Some((format!("Mcp-Param-{}", param.name), encode(&scalar(&value)?)))
    });
    values.collect()
}

/// Whether every declared header says what the arguments say. Undeclared `Mcp-Param-*` headers are ignored.
pub fn check_params(
    declared: &[ParamHeader],
    headers: &HeaderMap,
    arguments: Option<&RawValue>,
) -> Result<(), Refusal> {
    for param in declared {
        let mismatch = |why: &str| Refusal::HeaderMismatch(format!("Mcp-Param-{} {why}", param.name));
        let value = arguments.and_then(|arguments| find(arguments, &param.path));
        let body = value.as_deref().and_then(scalar);
        match (single(headers, &param.header)?, body) {
            (None, None) => {}
            (None, Some(_)) => return Err(mismatch("is missing")),
            // An array or object where the schema wants a scalar: the tool itself reports the wrong argument.
            (Some(_), None) if value.is_some() => {}
            (Some(_), None) => return Err(mismatch("has no counterpart in the arguments")),
            (Some(header), Some(body)) => {
                let header = decode(header).map_err(mismatch)?;
                if !same(param.kind, &header, &body) {
                    return Err(mismatch("differs from the argument"));
                }
            }
        }
    }
    Ok(())
}

/// The value at a path; `null` counts as absent, and so does a path through something that is no object.
fn find(arguments: &RawValue, path: &[String]) -> Option<Box<RawValue>> {
    let (first, rest) = path.split_first()?;
    let object = RawObject::parse(arguments).ok()?;
    let value = object.get(first).filter(|value| !json::is_null(value))?;
    if rest.is_empty() { Some(value.to_owned()) } else { find(value, rest) }
}

/// The text of a scalar: integers in plain decimal where they are exact, other numbers as they are written.
fn scalar(value: &RawValue) -> Option<Cow<'_, str>> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => json::as_text(value),
        Some(b't' | b'f') => Some(Cow::Borrowed(text)),
        Some(b'-' | b'0'..=b'9') => Some(match integer(text) {
            // `42.0` and `4.2e1` are the integer 42; the range makes the conversion exact.
            Some(number) if text.contains(['.', 'e', 'E']) => Cow::Owned(format!("{number:.0}")),
            _ => Cow::Borrowed(text),
        }),
        _ => None,
    }
}

/// The value of a number text that is an exactly representable integer.
fn integer(text: &str) -> Option<f64> {
    // `parse` also takes "inf", "nan" and "+1", which are no JSON numbers.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        || text.starts_with('+')
    {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    // Adding zero turns -0 into 0, which reads the same in a header.
    (number.abs() <= SAFE_INTEGER && number.fract() == 0.0).then_some(number + 0.0)
}

fn same(kind: ParamKind, header: &str, body: &str) -> bool {
    match kind {
        ParamKind::Text | ParamKind::Boolean => header == body,
        ParamKind::Integer => match (integer(header), integer(body)) {
            #[expect(clippy::float_cmp, reason = "both are exact integers")]
            (Some(header), Some(body)) => header == body,
            // Not an integer at all: the tool reports the wrong argument, but the header must still mirror it.
            _ => header == body,
        },
    }
}

#[cfg(test)]
mod tests;
