//! Reading `x-mcp-header` annotations out of an input schema.
//!
//! The walk follows schema keywords only, so data that merely contains the word (`default`, `enum`, a property of
//! that name) is left alone. Depth is bounded by the JSON parser that accepted the schema.

use http::HeaderName;
use serde_json::value::RawValue;

use super::{ParamHeader, ParamKind};
use crate::{
    headers::PARAM_PREFIX,
    json::{self, RawObject},
    ladder::excerpt,
};

const ANNOTATION: &str = "x-mcp-header";
/// Keywords whose value is a schema (or, for some, an array of schemas).
const SCHEMAS: [&str; 16] = [
    "items",
    "prefixItems",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
    "additionalItems",
    "not",
    "if",
    "then",
    "else",
    "oneOf",
    "anyOf",
    "allOf",
];
/// Keywords whose value is an object of schemas.
const SCHEMA_MAPS: [&str; 4] = ["patternProperties", "dependentSchemas", "$defs", "definitions"];

/// The arguments a schema wants mirrored, in the order of the schema; or why the tool must not be used.
pub fn declared(schema: &RawValue) -> Result<Vec<ParamHeader>, String> {
    let mut found = Vec::new();
    // Nearly no schema has an annotation; an escaped spelling would contain a backslash.
    if schema.get().contains(ANNOTATION) || schema.get().contains("\\u") {
        walk(schema, Some(&mut Vec::new()), &mut found)?;
    }
    Ok(found)
}

/// Visits one schema. `path` is `None` where no chain of `properties` leads to it.
fn walk(
    schema: &RawValue,
    path: Option<&mut Vec<String>>,
    found: &mut Vec<ParamHeader>,
) -> Result<(), String> {
    if !json::is_object(schema) {
        return Ok(());
    }
    let object = RawObject::parse(schema).map_err(|error| format!("the schema cannot be read: {error}"))?;
    if let Some(annotation) = object.get(ANNOTATION) {
        let reachable = path.as_deref().filter(|path| !path.is_empty());
        let Some(path) = reachable else {
            return Err(format!("{ANNOTATION} stands where no property leads to it"));
        };
        annotate(annotation, &object, path, found)?;
    }
    for keyword in SCHEMAS {
        let Some(value) = object.get(keyword) else { continue };
        match json::elements(value) {
            Some(schemas) => schemas.into_iter().try_for_each(|schema| walk(schema, None, found))?,
            None => walk(value, None, found)?,
        }
    }
    for keyword in SCHEMA_MAPS {
        for (_, schema) in members(&object, keyword)?.iter() {
            walk(schema, None, found)?;
        }
    }
    let properties = members(&object, "properties")?;
    let Some(path) = path else {
        return properties.iter().try_for_each(|(_, schema)| walk(schema, None, found));
    };
    for (name, schema) in properties.iter() {
        path.push(name.to_owned());
        walk(schema, Some(path), found)?;
        path.pop();
    }
    Ok(())
}

fn members<'o>(object: &'o RawObject<'_>, keyword: &str) -> Result<RawObject<'o>, String> {
    match object.get(keyword) {
        Some(value) if json::is_object(value) => {
            RawObject::parse(value).map_err(|error| format!("{keyword} cannot be read: {error}"))
        }
        _ => Ok(RawObject::new()),
    }
}

/// Checks one annotation and adds it.
fn annotate(
    annotation: &RawValue,
    schema: &RawObject<'_>,
    path: &[String],
    found: &mut Vec<ParamHeader>,
) -> Result<(), String> {
    let property = excerpt(&path.join("."));
    let name =
        json::as_text(annotation).ok_or_else(|| format!("{ANNOTATION} of {property} is not a string"))?;
    if !is_token(&name) {
        return Err(format!("{ANNOTATION} of {property} is not a header name: \"{}\"", excerpt(&name)));
    }
    let kind = match schema.text("type").as_deref() {
        Some("string") => ParamKind::Text,
        Some("integer") => ParamKind::Integer,
        Some("boolean") => ParamKind::Boolean,
        _ => return Err(format!("{ANNOTATION} of {property} needs the type string, integer or boolean")),
    };
    let header = HeaderName::try_from(format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase()))
        .map_err(|_| format!("{ANNOTATION} of {property} is too long"))?;
    if found.iter().any(|other| other.header == header) {
        return Err(format!("{ANNOTATION} \"{}\" is declared twice", excerpt(&name)));
    }
    found.push(ParamHeader { name: name.into_owned(), header, path: path.to_vec(), kind });
    Ok(())
}

/// `1*tchar` of RFC 9110.
fn is_token(name: &str) -> bool {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(tchar)
}
