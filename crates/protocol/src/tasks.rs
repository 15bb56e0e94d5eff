//! Calls that outlive their request: tasks as the extension of the modern era has them, and as revision 2025-11-25 does.
//!
//! Both are read and translated here; who owns a task is decided elsewhere. Invariant: the id of a task is the only
//! thing that is changed of what an upstream says in its client's own form.

use serde_json::value::RawValue;

use crate::{
    json::{self, JsonError, RawObject, raw_text},
    jsonrpc::{Outcome, RpcError},
    meta::MetaEdit,
};

/// The name of the extension.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The revision that has tasks of its own.
pub const REVISION: &str = "2025-11-25";

/// What names its task in messages of that revision.
const RELATED: &str = "io.modelcontextprotocol/related-task";

/// How one side of a hop knows tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As the modern extension: the server decides, and the outcome is read with `tasks/get`.
    Extension,
    /// As in revision 2025-11-25: the client asks for it, and the outcome is read with `tasks/result`.
    Revision,
}

impl Form {
    /// Whether this is one of its methods. Lists of tasks are not served: an upstream cannot tell whose they are.
    pub fn has(self, method: &str) -> bool {
        match self {
            Self::Extension => matches!(method, "tasks/get" | "tasks/update" | "tasks/cancel"),
            Self::Revision => matches!(method, "tasks/get" | "tasks/result" | "tasks/cancel"),
        }
    }
}

/// Whether capabilities, of either side, declare the extension.
pub fn declared(capabilities: &RawValue) -> bool {
    member(capabilities, "extensions").is_some_and(|extensions| inner(&extensions, EXTENSION).is_some())
}

/// How a server with these capabilities knows tasks.
pub fn offered(capabilities: &RawValue, modern: bool) -> Option<Form> {
    if modern {
        return declared(capabilities).then_some(Form::Extension);
    }
    let tasks = member(capabilities, "tasks")?;
    let tools = inner(&inner(&tasks, "requests")?, "tools")?;
    tools.contains("call").then_some(Form::Revision)
}

/// Whether a tool of that revision can only be called as a task.
pub fn is_required(definition: &RawValue) -> bool {
    let execution = member(definition, "execution");
    execution.is_some_and(|execution| execution.text("taskSupport").is_some_and(|says| says == "required"))
}

/// What a client has to declare that cannot be answered without a task.
pub fn missing() -> Box<RawValue> {
    let mut extensions = RawObject::new();
    extensions.set(EXTENSION, RawObject::new().to_raw());
    let mut required = RawObject::new();
    required.set("extensions", extensions.to_raw());
    required.to_raw()
}

/// The id in the result of a call that became a task.
pub fn created_id(result: &RawValue, form: Form) -> Option<String> {
    if !result.get().contains("taskId") {
        return None;
    }
    let object = RawObject::parse(result).ok()?;
    match form {
        Form::Extension => {
            let is_task = object.text("resultType").is_some_and(|kind| kind == "task");
            object.text("taskId").filter(|_| is_task).map(Into::into)
        }
        Form::Revision => inner(&object, "task")?.text("taskId").map(Into::into),
    }
}

/// The same result with another id.
pub fn with_created_id(result: &RawValue, form: Form, id: &str) -> Result<Box<RawValue>, JsonError> {
    let mut object = RawObject::parse(result)?;
    match form {
        Form::Extension => object.set_text("taskId", id),
        Form::Revision => {
            let task = object.get("task").map(ToOwned::to_owned);
            let mut task = task.as_deref().map_or_else(|| Ok(RawObject::new()), RawObject::parse)?;
            task.set_text("taskId", id);
            let task = task.to_raw();
            object.set("task", task);
        }
    }
    related(&mut object, Some(id))?;
    Ok(object.to_raw())
}

/// An answer about a task with another id, where it names one.
pub fn with_id(result: &RawValue, id: &str) -> Result<Box<RawValue>, JsonError> {
    let mut object = RawObject::parse(result)?;
    if object.contains("taskId") {
        object.set_text("taskId", id);
    }
    related(&mut object, Some(id))?;
    Ok(object.to_raw())
}

/// `CreateTaskResult` of the revision as the extension has it.
pub fn created(result: &RawValue) -> Result<Box<RawValue>, JsonError> {
    let object = RawObject::parse(result)?;
    let task = object.get("task").ok_or(JsonError::NotAnObject)?;
    let mut flat = translated(task)?;
    flat.set_text("resultType", "task");
    Ok(flat.to_raw())
}

/// The status of a task in the revision.
pub fn status(task: &RawValue) -> Option<String> {
    RawObject::parse(task).ok()?.text("status").map(Into::into)
}

/// Whether the outcome of a task with this status can be read.
pub fn has_outcome(status: &str) -> bool {
    matches!(status, "completed" | "failed")
}

/// The answer to `tasks/get` in the extension, from the task of the revision and its outcome, where it has one. A tool
/// that failed is a failed task in the revision; in the extension only an error of the protocol is.
pub fn got(task: &RawValue, outcome: Option<Outcome>) -> Result<Box<RawValue>, JsonError> {
    let mut flat = translated(task)?;
    flat.set_text("resultType", "complete");
    match outcome {
        None => {}
        Some(Ok(result)) => {
            let mut object = RawObject::parse(&*result)?;
            related(&mut object, None)?;
            let result = object.to_raw();
            flat.set_text("status", "completed");
            flat.set("result", result);
        }
        Some(Err(error)) => {
            flat.set_text("status", "failed");
            flat.set("error", error_object(&error));
        }
    }
    Ok(flat.to_raw())
}

/// Members of the revision by their names in the extension.
fn translated(task: &RawValue) -> Result<RawObject<'_>, JsonError> {
    let given = RawObject::parse(task)?;
    let mut flat = RawObject::new();
    for name in ["taskId", "status", "statusMessage", "createdAt", "lastUpdatedAt"] {
        if let Some(value) = given.borrowed(name) {
            flat.set(name, value);
        }
    }
    if !flat.contains("lastUpdatedAt")
        && let Some(created) = given.borrowed("createdAt")
    {
        flat.set("lastUpdatedAt", created);
    }
    match given.borrowed("ttl") {
        Some(ttl) => flat.set("ttlMs", ttl),
        None => flat.set("ttlMs", RawValue::NULL),
    }
    if let Some(interval) = given.borrowed("pollInterval") {
        flat.set("pollIntervalMs", interval);
    }
    Ok(flat)
}

fn error_object(error: &RpcError) -> Box<RawValue> {
    let mut object = RawObject::new();
    object.set("code", json::raw_number(error.code));
    object.set("message", raw_text(&error.message));
    if let Some(data) = &error.data {
        object.set("data", data.clone());
    }
    object.to_raw()
}

/// Gives the note of the task that a message belongs to another id, or takes it out; where there is none, none is added.
/// The task that a request of a server's says it belongs to.
pub fn related_to(params: Option<&RawValue>) -> Option<String> {
    let object = RawObject::parse(params?).ok()?;
    let about = RawObject::parse(object.get("_meta")?).ok()?;
    let related = RawObject::parse(about.get(RELATED)?).ok()?;
    related.text("taskId").map(std::borrow::Cow::into_owned)
}

fn related(object: &mut RawObject<'_>, id: Option<&str>) -> Result<(), JsonError> {
    let about = object.get("_meta").filter(|about| json::is_object(about)).map(ToOwned::to_owned);
    let Some(about) = about else { return Ok(()) };
    if !RawObject::parse(&*about)?.contains(RELATED) {
        return Ok(());
    }
    let edit = match id {
        None => MetaEdit::new().remove(RELATED),
        Some(id) => {
            let mut named = RawObject::new();
            named.set_text("taskId", id);
            MetaEdit::new().set(RELATED, named.to_raw())
        }
    };
    edit.apply(object)
}

fn member<'a>(object: &'a RawValue, name: &str) -> Option<RawObject<'a>> {
    inner(&RawObject::parse(object).ok()?, name)
}

fn inner<'a>(object: &RawObject<'a>, name: &str) -> Option<RawObject<'a>> {
    object.borrowed(name).and_then(|value| RawObject::parse(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_a_server_offers_depends_on_its_era() {
        let both = raw(
            r#"{"tasks":{"requests":{"tools":{"call":{}}}},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
        );
        assert_eq!(offered(&both, true), Some(Form::Extension));
        assert_eq!(offered(&both, false), Some(Form::Revision));
        for none in
            ["{}", r#"{"tasks":{}}"#, r#"{"tasks":{"requests":{"tools":{}}}}"#, r#"{"extensions":{}}"#]
        {
            assert_eq!((offered(&raw(none), true), offered(&raw(none), false)), (None, None), "{none}");
        }
        assert!(declared(&missing()));
        assert!(is_required(&raw(r#"{"execution":{"taskSupport":"required"}}"#)));
        assert!(!is_required(&raw(r#"{"execution":{"taskSupport":"optional"}}"#)));
    }

    #[test]
    fn ids_are_replaced_and_nothing_else() {
        let modern = raw(r#"{"resultType":"task","taskId":"a","status":"working","x":1e400}"#);
        assert_eq!(created_id(&modern, Form::Extension).as_deref(), Some("a"));
        assert_eq!(
            with_created_id(&modern, Form::Extension, "b").unwrap().get(),
            r#"{"resultType":"task","taskId":"b","status":"working","x":1e400}"#
        );
        assert_eq!(created_id(&raw(r#"{"resultType":"complete","taskId":"a"}"#), Form::Extension), None);
        let legacy = raw(r#"{"task":{"taskId":"a","ttl":5},"_meta":{"v":1}}"#);
        assert_eq!(created_id(&legacy, Form::Revision).as_deref(), Some("a"));
        assert_eq!(
            with_created_id(&legacy, Form::Revision, "b").unwrap().get(),
            r#"{"task":{"taskId":"b","ttl":5},"_meta":{"v":1}}"#
        );
        let payload =
            raw(r#"{"content":[],"_meta":{"v":1,"io.modelcontextprotocol/related-task":{"taskId":"a"}}}"#);
        assert_eq!(
            with_id(&payload, "b").unwrap().get(),
            r#"{"content":[],"_meta":{"v":1,"io.modelcontextprotocol/related-task":{"taskId":"b"}}}"#
        );
    }

    #[test]
    fn a_task_of_the_revision_is_told_in_the_words_of_the_extension() {
        let task = r#"{"taskId":"a","status":"working","createdAt":"t","ttl":60000,"pollInterval":500}"#;
        assert_eq!(
            created(&raw(&format!(r#"{{"task":{task}}}"#))).unwrap().get(),
            r#"{"taskId":"a","status":"working","createdAt":"t","lastUpdatedAt":"t","ttlMs":60000,"pollIntervalMs":500,"resultType":"task"}"#
        );
        let failed = raw(r#"{"taskId":"a","status":"failed"}"#);
        let result = raw(
            r#"{"content":[],"isError":true,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"a"}}}"#,
        );
        assert_eq!(
            got(&failed, Some(Ok(result))).unwrap().get(),
            r#"{"taskId":"a","status":"completed","ttlMs":null,"resultType":"complete","result":{"content":[],"isError":true}}"#
        );
        assert_eq!(
            got(&failed, Some(Err(RpcError::new(-32603, "broke")))).unwrap().get(),
            r#"{"taskId":"a","status":"failed","ttlMs":null,"resultType":"complete","error":{"code":-32603,"message":"broke"}}"#
        );
    }
}
