//! "View as": what a person or a token sees, for `admin.security_audit`, by the decisions that serve their requests.
//!
//! Private rows are their owner's alone: whoever looks as somebody else is told their number and nothing else. The
//! same goes for rows of teams that the one who looks does not reach.

use std::sync::Arc;

use domain::{
    Caller, Outcome, Owned, Permission, Result, TraceStep, Visibility, permission::grant::AdminSecurityAudit,
};
use serde_json::json;

use super::{
    Act, Permit, Question, Subject, decide, explain,
    subject::{self, Known, Standing},
};
use crate::{
    Engine, audit,
    audit::Deed,
    catalogue::{Kind, Snapshot},
    listing,
};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Tools, prompts, resources or templates.
    Items(Kind),
    /// Virtual servers.
    Servers,
}

impl Shelf {
    const fn word(self) -> &'static str {
        match self {
            Self::Items(kind) => super::methods::word(kind),
            Self::Servers => "virtual server",
        }
    }

    fn permission(self) -> Permission {
        match self {
            Self::Items(kind) => listing::permission(kind),
            Self::Servers => Permission::ServersRead,
        }
    }
}

/// A row that is seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Its name; of resources the URI.
    pub name: String,
    /// Whose it is.
    pub owned: Owned,
}

/// What somebody sees.
#[derive(Debug)]
pub struct View {
    /// Who.
    pub email: Option<String>,
    /// One page of the rows, by name.
    pub rows: Vec<Seen>,
    /// How many rows there are on all pages.
    pub total: usize,
    /// How many private rows they see besides.
    pub private: usize,
    /// How many more they see in teams that the one who looks does not reach.
    pub beyond: usize,
    /// Why they see nothing at all, where that is so.
    pub refused: Option<TraceStep>,
}

/// What the subject sees of a kind, from `offset` on. Audited.
#[crate::boxed]
pub async fn view_as(
    engine: &Engine,
    permit: &Permit<AdminSecurityAudit>,
    caller: &Caller,
    (subject, shelf): (&Subject, Shelf),
    (offset, limit): (usize, usize),
) -> Result<View> {
    let known = subject::look_up(engine, permit.actor(), subject, None).await?;
    note(engine, permit, caller, (&known, shelf)).await?;
    let mut view = View { email: known.email, rows: vec![], total: 0, private: 0, beyond: 0, refused: None };
    let actor = match known.standing {
        Standing::Good(actor, _) => actor,
        Standing::Refused(step) => return Ok(View { refused: Some(step), ..view }),
    };
    let question = Question::of(shelf.permission());
    view.refused = explain::trace(&actor, &question).into_iter().find(|step| step.outcome == Outcome::Denied);
    let sees = |row: &Owned| decide(&actor, &question.about(shelf.word(), Act::Use, row)).is_ok();
    let snapshot = engine.catalogue().snapshot();
    for seen in rows(&snapshot, shelf).into_iter().filter(|seen| sees(&seen.owned)) {
        // Whoever looks is shown what is theirs to know, whatever roles they have themselves.
        if permit.scope().sees(&seen.owned) {
            if view.total >= offset && view.rows.len() < limit {
                view.rows.push(seen);
            }
            view.total += 1;
        } else if seen.owned.visibility == Visibility::Private {
            view.private += 1;
        } else {
            view.beyond += 1;
        }
    }
    Ok(view)
}

fn rows(snapshot: &Arc<Snapshot>, shelf: Shelf) -> Vec<Seen> {
    match shelf {
        Shelf::Items(kind) => {
            let items = snapshot.list(None, kind).iter();
            let seen = |item: &Arc<crate::catalogue::Item>| Seen {
                id: item.id.to_string(),
                name: item.name.to_string(),
                owned: item.owned.clone(),
            };
            items.map(seen).collect()
        }
        Shelf::Servers => {
            let servers = snapshot.servers().map(|server| Seen {
                id: server.id.to_string(),
                name: server.name.clone(),
                owned: server.owned.clone(),
            });
            let mut servers: Vec<Seen> = servers.collect();
            servers.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
            servers
        }
    }
}

async fn note(
    engine: &Engine,
    permit: &Permit<AdminSecurityAudit>,
    caller: &Caller,
    (known, shelf): (&Known, Shelf),
) -> Result<()> {
    let details = json!({ "user_email": known.email, "kind": shelf.word() });
    let deed = Deed::done("access.view_as", "user", known.email.as_deref().unwrap_or("")).with(details);
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    tx.commit().await
}
