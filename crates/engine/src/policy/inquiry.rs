//! "Why?": the decision about one request, with every step, for whoever may ask.
//!
//! What is not for the one who asks stays hidden here as everywhere: a row that they may not know of is looked for
//! and not found, whoever the question is about. The answer to "may Ann use her private tool?" is "unknown" for
//! everybody but Ann, as it is for a tool that never was.

mod find;

use std::{net::IpAddr, sync::Arc};

use domain::{Actor, Caller, Error, Outcome, Permission, Result, TraceStep, id::ServerId};
use serde_json::json;

use super::{
    Act, Door, Question, Subject, explain,
    methods::{self, method},
    subject::{self, Known, Standing},
};
use crate::{Engine, audit, audit::Deed, catalogue::Kind};

/// What kind of thing a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A tool, by its id or its name.
    Tool,
    /// A prompt, by its id or its name.
    Prompt,
    /// A resource, by its id or its URI.
    Resource,
    /// A virtual server, by its id or its name.
    Server,
    /// A gateway, by its id, name or slug.
    Gateway,
}

impl Thing {
    /// The word for people and for JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Server => "server",
            Self::Gateway => "gateway",
        }
    }

    /// What using it over MCP demands; a gateway is only read.
    const fn permission(self) -> Permission {
        match self {
            Self::Tool => Permission::ToolsExecute,
            Self::Prompt => Permission::PromptsRead,
            Self::Resource => Permission::ResourcesRead,
            Self::Server => methods::ENTRY,
            Self::Gateway => Permission::GatewaysRead,
        }
    }

    /// Any of these is enough to be told of it: whoever may use a thing finds out that it is there.
    const fn reading(self) -> &'static [Permission] {
        match self {
            Self::Tool => &[Permission::ToolsRead, Permission::ToolsExecute],
            Self::Prompt => &[Permission::PromptsRead],
            Self::Resource => &[Permission::ResourcesRead],
            Self::Server => &[Permission::ServersRead, methods::ENTRY],
            Self::Gateway => &[Permission::GatewaysRead],
        }
    }
}

/// A question.
#[derive(Debug)]
pub struct Inquiry {
    /// Whose decision.
    pub subject: Subject,
    /// About what, by id or name.
    pub about: Option<(Thing, String)>,
    /// Through which virtual server, by id or name.
    pub server: Option<String>,
    /// The permission in question, where it is not that of a call over MCP.
    pub permission: Option<Permission>,
    /// The MCP method, where it is not the one that uses the thing.
    pub method: Option<String>,
    /// Where the request comes from.
    pub ip: Option<IpAddr>,
}

/// The answer.
#[derive(Debug)]
pub struct Explanation {
    /// Whose decision, where the credential proves somebody.
    pub email: Option<String>,
    /// `Passed`, `Denied`, or `Unknown` where part of it is not for whoever asks.
    pub decision: Outcome,
    /// The permissions that were asked for.
    pub needs: Vec<Permission>,
    /// The thing, where it was found: its id and its name.
    pub found: Option<(String, String)>,
    /// Every step, in order.
    pub trace: Vec<TraceStep>,
}

/// Explains a decision. Questions about somebody else are for `admin.security_audit`, and are audited.
#[crate::boxed]
pub async fn explain(
    engine: &Engine,
    asking: &Arc<Actor>,
    caller: &Caller,
    inquiry: &Inquiry,
) -> Result<Explanation> {
    let (entry, permission) = needs(inquiry)?;
    let known = subject::look_up(engine, asking, &inquiry.subject, inquiry.ip).await?;
    if !known.own {
        note(engine, asking, caller, &known).await?;
    }
    let needs: Vec<Permission> = entry.into_iter().chain(permission).collect();
    let (actor, restriction) = match &known.standing {
        Standing::Good(actor, restriction) => (actor, *restriction),
        Standing::Refused(step) => {
            let trace = vec![step.clone()];
            return Ok(Explanation {
                email: known.email,
                decision: Outcome::Denied,
                needs,
                found: None,
                trace,
            });
        }
    };
    let found = find::everything(engine, (asking, actor, known.own), inquiry).await?;
    let act = permission.map_or(Act::Use, act);
    let mut question = Question { restriction, entry, permission, act, ..Question::default() };
    question.door = match &found.server {
        Some(id) => Door::Server(id),
        None => Door::Elsewhere,
    };
    if let (Some((thing, _)), Some((_, _, owned))) = (&inquiry.about, &found.object) {
        question = question.about(thing.word(), act, owned);
    }
    let trace = ordered(explain::trace(actor, &question), found.steps);
    let object = found.object.map(|(id, name, _)| (id, name));
    Ok(Explanation { email: known.email, decision: decision(&trace), needs, found: object, trace })
}

/// What the door and the request demand.
fn needs(inquiry: &Inquiry) -> Result<(Option<Permission>, Option<Permission>)> {
    if let Some(permission) = inquiry.permission {
        return Ok((None, Some(permission)));
    }
    let thing = inquiry.about.as_ref().map(|(thing, _)| *thing);
    if let Some(name) = &inquiry.method {
        let method =
            method(name).ok_or_else(|| Error::invalid("method", "is no MCP method of this gateway"))?;
        let fits = |kind: Kind| match kind {
            Kind::Tool => Thing::Tool,
            Kind::Prompt => Thing::Prompt,
            Kind::Resource | Kind::Template => Thing::Resource,
        };
        let about = method.about.iter().find(|(kind, _)| thing.is_none_or(|thing| fits(*kind) == thing));
        return match (about, method.about.is_empty()) {
            (None, false) => Err(Error::invalid("method", "is not for this kind of thing")),
            (about, _) => Ok((Some(methods::ENTRY), about.map(|(_, permission)| *permission))),
        };
    }
    match thing {
        None => Err(Error::invalid("permission", "or a method or a thing to ask about is required")),
        Some(thing @ (Thing::Gateway | Thing::Server)) => Ok((None, Some(thing.permission()))),
        Some(thing) => Ok((Some(methods::ENTRY), Some(thing.permission()))),
    }
}

/// What a permission is used for.
fn act(permission: Permission) -> Act {
    let name = permission.as_str();
    if [".update", ".delete", ".manage"].iter().any(|end| name.ends_with(end)) {
        Act::Change
    } else {
        Act::Use
    }
}

/// The steps of finding stand before those about what was found.
fn ordered(decided: Vec<TraceStep>, finding: Vec<TraceStep>) -> Vec<TraceStep> {
    let mut trace = Vec::with_capacity(decided.len() + finding.len());
    let mut finding = Some(finding);
    for step in decided {
        if step.step == "visibility" {
            trace.extend(finding.take().into_iter().flatten());
        }
        trace.push(step);
    }
    trace
}

fn decision(trace: &[TraceStep]) -> Outcome {
    let any = |outcome| trace.iter().any(|step| step.outcome == outcome);
    match (any(Outcome::Denied), any(Outcome::Unknown)) {
        (true, _) => Outcome::Denied,
        (false, true) => Outcome::Unknown,
        (false, false) => Outcome::Passed,
    }
}

async fn note(engine: &Engine, asking: &Actor, caller: &Caller, known: &Known) -> Result<()> {
    let details = json!({ "user_email": known.email });
    let deed = Deed::done("access.explain", "user", known.email.as_deref().unwrap_or("")).with(details);
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, &asking.email, caller, deed).await?;
    tx.commit().await
}

/// A row as it is told: id, name and whose it is.
type Row = (String, String, domain::Owned);
/// The id of a virtual server.
type At = Option<ServerId>;
