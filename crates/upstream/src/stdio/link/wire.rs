//! What goes over the line: parameters for the era of the hop, and the gateway's own descriptions of itself.

use std::sync::OnceLock;

use domain::{Error, Result};
use protocol::{
    json::{self, RawObject, raw_number},
    meta::{self, MetaEdit},
    rounds, version,
};
use serde_json::value::RawValue;

use crate::call::{CallContext, empty_object};

/// The gateway as an `Implementation`.
pub(super) fn gateway_info() -> &'static RawValue {
    static INFO: OnceLock<Box<RawValue>> = OnceLock::new();
    INFO.get_or_init(|| {
        let mut info = RawObject::new();
        info.set_text("name", "contextforge");
        info.set_text("version", env!("CARGO_PKG_VERSION"));
        info.to_raw()
    })
}

/// The parameters of a caller's request, with what the hop needs in `_meta`. The request's id serves as its
/// progress token too, because both are the gateway's own.
pub(super) fn params(
    given: &RawValue,
    context: &CallContext,
    modern: bool,
    id: i64,
) -> Result<Box<RawValue>> {
    let mut edit = MetaEdit::next_hop();
    if modern {
        let info = context.client_info.as_deref().unwrap_or_else(|| gateway_info());
        edit = hop(edit, &context.capabilities, info);
        if let Some(level) = &context.log_level {
            edit = edit.set_text(meta::LOG_LEVEL, level);
        }
        if let Some(parent) = &context.traceparent {
            edit = edit.set_text(meta::TRACEPARENT, parent);
        }
    }
    if context.progress {
        edit = edit.set(meta::PROGRESS_TOKEN, raw_number(id));
    }
    // A server that has no rounds must not see what belongs to them.
    let object = if modern { RawObject::parse(given) } else { rounds::without_input(given) };
    let edited = object.and_then(|mut object| edit.apply(&mut object).map(|()| object.to_raw()));
    edited.map_err(|error| Error::Refused(format!("Invalid params: {error}")))
}

/// The parameters of a modern request of the gateway's own.
pub(super) fn own(params: Option<&RawValue>) -> Result<Box<RawValue>> {
    let edit = hop(MetaEdit::new(), &empty_object(), gateway_info());
    meta::with_meta(params, &edit).map_err(Error::internal)
}

fn hop(edit: MetaEdit, capabilities: &RawValue, info: &RawValue) -> MetaEdit {
    edit.set_text(meta::PROTOCOL_VERSION, version::MODERN)
        .set(meta::CLIENT_CAPABILITIES, capabilities.to_owned())
        .set(meta::CLIENT_INFO, info.to_owned())
}

/// The token of a progress notification, if it is one of ours, and its parameters without the token: the caller
/// knows its own.
pub(super) fn progress(params: &RawValue) -> Option<(i64, Box<RawValue>)> {
    let mut object = RawObject::parse(params).ok()?;
    let token = object.remove(meta::PROGRESS_TOKEN)?;
    // Some servers turn tokens into texts.
    let number = json::as_text(&token).map_or_else(|| token.get().parse(), |text| text.parse()).ok()?;
    Some((number, object.to_raw()))
}
