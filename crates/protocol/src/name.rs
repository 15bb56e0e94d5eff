//! Renaming definitions and targets without touching anything else in them.

use serde_json::value::RawValue;

use crate::json::{JsonError, RawObject};

/// The definition of a tool or prompt with another `name`; every other member keeps its bytes and place.
pub fn rename(definition: &RawValue, name: &str) -> Result<Box<RawValue>, JsonError> {
    with_text(definition, "name", name)
}

/// An object with one member set to a string: `params.name`, `params.uri`, `params.taskId`.
pub fn with_text(object: &RawValue, member: &str, text: &str) -> Result<Box<RawValue>, JsonError> {
    let mut object = RawObject::parse(object)?;
    object.set_text(member, text);
    Ok(object.to_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_name_stays() {
        let tool: Box<RawValue> =
            serde_json::from_str(r#"{"title":"T","name":"a","x":1e400,"inputSchema":{ "type":"object" }}"#)
                .unwrap();
        let renamed = rename(&tool, "time-get\u{1F600}").unwrap();
        let expected = "{\"title\":\"T\",\"name\":\"time-get\u{1F600}\",\"x\":1e400,\"inputSchema\":{ \"type\":\"object\" }}";
        assert_eq!(renamed.get(), expected);
    }

    #[test]
    fn a_definition_that_is_no_object_is_refused() {
        let list: Box<RawValue> = serde_json::from_str("[1]").unwrap();
        assert_eq!(rename(&list, "x").unwrap_err(), JsonError::NotAnObject);
    }
}
