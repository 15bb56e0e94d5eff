//! Who was permitted what and who was not, where `PERMISSION_AUDIT_ENABLED` is on: one line a decision in the journal.
//!
//! Notes the decisions at the doors: what a route demands, and what an MCP method demands. Rows that are hidden from
//! somebody are none of these, since nobody asked for them by right. ContextForge writes a table of its own; the lines
//! here stand in the audit chain, where none can be changed or taken out unseen.

use std::{net::IpAddr, sync::Arc};

use domain::{Actor, Caller, Permission, Timestamp};

use crate::{
    engine::Engine,
    journal::{Journal, Record},
    policy::{Question, decide, denials::Refusal, methods},
};

/// One decision.
#[derive(Debug, Clone)]
pub struct Checked {
    at: Timestamp,
    actor: Box<str>,
    permission: Option<Permission>,
    granted: bool,
    reason: &'static str,
    place: Box<str>,
    ip: Option<IpAddr>,
    request_id: Arc<str>,
}

impl Record for Checked {
    const ACTION: &'static str = "permission.batch";
    const KIND: &'static str = "permission";
    const LINES: &'static str = "checks";
    const COLUMNS: &'static str = "at_us\tactor\tpermission\tgranted\treason\tplace\tip\trequest_id";

    fn line(&self) -> String {
        let Self { at, actor, permission, granted, reason, place, ip, request_id } = self;
        let permission = permission.map_or("-", Permission::as_str);
        let ip = ip.map_or_else(|| "-".to_owned(), |ip| ip.to_string());
        format!("{}\t{actor}\t{permission}\t{granted}\t{reason}\t{place}\t{ip}\t{request_id}", at.0)
    }

    fn journal(engine: &Engine) -> &Journal<Self> {
        engine.permission_journal()
    }
}

/// Whether decisions are noted.
pub fn is_on(engine: &Engine) -> bool {
    engine.settings().teams.permission_audit
}

/// Notes that somebody was let in somewhere.
pub fn granted(engine: &Engine, actor: &Actor, permission: Permission, (caller, place): (&Caller, String)) {
    if is_on(engine) {
        note(engine, actor, permission, (caller, place));
    }
}

/// Notes what an MCP method demands and its caller has. What they have not is noted with the refusal.
pub fn called(engine: &Engine, actor: &Actor, caller: &Caller, method: &str) {
    if !is_on(engine) {
        return;
    }
    let Some(method) = methods::method(method) else { return };
    let mut demanded: Vec<Permission> = method.about.iter().map(|(_, permission)| *permission).collect();
    demanded.dedup();
    for permission in demanded {
        if decide(actor, &Question::of(permission)).is_ok() {
            note(engine, actor, permission, (caller, method.name.to_owned()));
        }
    }
}

/// Notes a refusal.
pub(crate) fn refused(engine: &Engine, refusal: &Refusal) {
    if !is_on(engine) {
        return;
    }
    engine.permission_journal().note(Checked {
        at: refusal.at,
        actor: refusal.email.as_deref().unwrap_or("-").into(),
        permission: refusal.needs,
        granted: false,
        reason: refusal.reason,
        place: format!("{} {}", refusal.method, refusal.path).into(),
        ip: refusal.ip,
        request_id: Arc::clone(&refusal.request_id),
    });
}

fn note(engine: &Engine, actor: &Actor, permission: Permission, (caller, place): (&Caller, String)) {
    engine.permission_journal().note(Checked {
        at: engine.clock().now(),
        actor: actor.email.as_str().into(),
        permission: Some(permission),
        granted: true,
        reason: "allowed",
        place: place.into(),
        ip: caller.ip,
        request_id: Arc::clone(&caller.request_id),
    });
}
