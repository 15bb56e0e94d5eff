//! Whose a row is, decided here for every kind of registered thing.
//!
//! The owner is always the actor: no input names one. A wish for a visibility or a team is granted only inside
//! the credential's scope and where the permission covers the team. The invariant that the rest relies on: a row
//! never reaches people whom the row it is made from does not reach ([`wider`]).

use std::collections::{BTreeSet, HashMap};

use domain::{
    Caller, Error, Grant, Owned, Problem, Result, Timestamp, Visibility,
    id::TeamId,
    record::{Record, Tag},
};

use crate::{engine::Engine, policy::Permit};

/// What an input says of ownership.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// The visibility, where one is given.
    pub visibility: Option<Visibility>,
    /// The team, where one is given.
    pub team_id: Option<String>,
}

impl Wish {
    fn team(&self) -> Result<Option<TeamId>> {
        match self.team_id.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match TeamId::parse(text) {
                Some(team) => Ok(Some(team)),
                None => Err(Error::invalid("team_id", "must be the id of a team")),
            },
        }
    }
}

/// The ownership of a new row.
pub(crate) async fn of_new<P: Grant>(engine: &Engine, permit: &Permit<P>, wish: &Wish) -> Result<Owned> {
    let team_id = wish.team()?;
    let public_allowed = engine.settings().accounts.allow_public_visibility;
    let visibility = wish.visibility.unwrap_or(match (public_allowed, &team_id) {
        (true, _) => Visibility::Public,
        (false, Some(_)) => Visibility::Team,
        (false, None) => Visibility::Private,
    });
    let owned = Owned { visibility, team_id, owner_email: permit.actor().email.clone() };
    check(engine, permit, &owned).await?;
    Ok(owned)
}

/// The ownership of a row after a change. The owner stays who it was.
pub(crate) async fn of_changed<P: Grant>(
    engine: &Engine,
    permit: &Permit<P>,
    current: &Owned,
    wish: &Wish,
) -> Result<Owned> {
    let owned = Owned {
        visibility: wish.visibility.unwrap_or(current.visibility),
        team_id: wish.team()?.or_else(|| current.team_id.clone()),
        owner_email: current.owner_email.clone(),
    };
    if owned != *current {
        check(engine, permit, &owned).await?;
    }
    Ok(owned)
}

async fn check<P: Grant>(engine: &Engine, permit: &Permit<P>, owned: &Owned) -> Result<()> {
    let problems = problems(owned, engine.settings().accounts.allow_public_visibility);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    permit.check_make("row", owned)?;
    if let Some(team) = &owned.team_id
        && store::teams::get(engine.db(), team).await?.is_none()
    {
        return Err(Error::invalid("team_id", "there is no such team"));
    }
    Ok(())
}

fn problems(owned: &Owned, public_allowed: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, message: &str| {
        problems.push(Problem { field: field.to_owned(), message: message.to_owned() });
    };
    if owned.visibility == Visibility::Team && owned.team_id.is_none() {
        problem("team_id", "is required where the visibility is team");
    }
    if owned.visibility == Visibility::Public && !public_allowed {
        problem("visibility", "public is switched off here (ALLOW_PUBLIC_VISIBILITY); use team or private");
    }
    problems
}

/// Whether `row` may reach somebody whom `source` does not reach.
pub(crate) fn wider(row: &Owned, source: &Owned) -> bool {
    match (row.visibility, source.visibility) {
        (_, Visibility::Public) => false,
        (Visibility::Team, Visibility::Team) => row.team_id != source.team_id,
        // A private row of somebody in the team reaches nobody new.
        (Visibility::Private, Visibility::Team) => row.team_id.is_some() && row.team_id != source.team_id,
        (Visibility::Private, Visibility::Private) => row.owner_email != source.owner_email,
        (Visibility::Public, Visibility::Team | Visibility::Private)
        | (Visibility::Team, Visibility::Private) => true,
    }
}

/// Refuses an item that would reach people whom its gateway does not reach.
pub(crate) fn within(item: &Owned, gateway: &Owned) -> Result<()> {
    if wider(item, gateway) {
        let message = format!("may not reach further than its gateway, which is {}", gateway.visibility);
        return Err(Error::invalid("visibility", message));
    }
    Ok(())
}

/// A kind with its visibility, as duplicates are reported: `Public Tool`.
pub(crate) fn kind(owned: &Owned, kind: &str) -> String {
    let word = match owned.visibility {
        Visibility::Public => "Public",
        Visibility::Team => "Team-level",
        Visibility::Private => "Private",
    };
    format!("{word} {kind}")
}

/// A problem for each given text that is longer than its limit in characters.
pub(crate) fn long_texts(texts: &[(&str, Option<&str>, usize)]) -> Vec<Problem> {
    let long = texts.iter().filter(|(_, text, limit)| text.is_some_and(|text| text.chars().count() > *limit));
    let problem = |(field, _, limit): &(&str, Option<&str>, usize)| Problem {
        field: (*field).to_owned(),
        message: format!("must be at most {limit} characters"),
    };
    long.map(problem).collect()
}

/// The tags after a change; what cannot be a tag is added to `problems`.
pub(crate) fn tags_after(before: &[Tag], given: Option<&[String]>, problems: &mut Vec<Problem>) -> Vec<Tag> {
    let Some(given) = given else { return before.to_vec() };
    domain::name::tags(given.iter().map(String::as_str), "tags").unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    })
}

/// The names of the teams that rows belong to. The rows are ones that the actor sees, and so are their teams.
pub async fn team_names<'a, P>(
    engine: &Engine,
    _permit: &Permit<P>,
    rows: impl IntoIterator<Item = &'a Owned>,
) -> Result<HashMap<TeamId, String>> {
    let ids: BTreeSet<&TeamId> = rows.into_iter().filter_map(|row| row.team_id.as_ref()).collect();
    let mut names = HashMap::new();
    for id in ids {
        if let Some(team) = store::teams::get(engine.db(), id).await? {
            names.insert(id.clone(), team.name);
        }
    }
    Ok(names)
}

/// `NotFound` was answered already; this is the visible row that is not the actor's to change.
pub(crate) fn may_change<P: Grant>(permit: &Permit<P>, owned: &Owned) -> Result<()> {
    permit.check_change("row", owned)
}

/// The record of a row that is made now.
pub(crate) fn made(now: Timestamp, by: &str, caller: &Caller) -> Record {
    Record {
        created_at: now,
        updated_at: now,
        created_by: by.to_owned(),
        created_from_ip: caller.ip.map(|ip| ip.to_string()),
        created_via: caller.via.to_owned(),
        created_user_agent: caller.user_agent.as_deref().map(str::to_owned),
        modified_by: None,
        modified_from_ip: None,
        modified_via: None,
        modified_user_agent: None,
        version: 1,
    }
}

/// Notes in the record that the row is changed now. The version is the store's business.
pub(crate) fn changed(record: &mut Record, now: Timestamp, by: &str, caller: &Caller) {
    record.updated_at = now;
    record.modified_by = Some(by.to_owned());
    record.modified_from_ip = caller.ip.map(|ip| ip.to_string());
    record.modified_via = Some(caller.via.to_owned());
    record.modified_user_agent = caller.user_agent.as_deref().map(str::to_owned);
}

/// Who stands in the records of background jobs.
pub(crate) fn job_caller(via: &'static str) -> Caller {
    Caller { via, ..Caller::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(visibility: Visibility, team: Option<&str>, owner: &str) -> Owned {
        Owned { visibility, team_id: team.map(TeamId::from_stored), owner_email: owner.to_owned() }
    }

    #[test]
    fn a_row_is_wider_where_it_reaches_somebody_new() {
        let public = owned(Visibility::Public, None, "a");
        let red = owned(Visibility::Team, Some("red"), "a");
        let blue = owned(Visibility::Team, Some("blue"), "a");
        let mine = owned(Visibility::Private, None, "a");
        let theirs = owned(Visibility::Private, None, "b");
        for narrow in [&public, &red, &mine, &theirs] {
            assert!(!wider(narrow, &public));
        }
        for (row, source) in
            [(&public, &red), (&public, &mine), (&red, &blue), (&red, &mine), (&theirs, &mine)]
        {
            assert!(wider(row, source), "{row:?} is wider than {source:?}");
        }
        assert!(!wider(&mine, &red) && !wider(&mine, &mine) && !wider(&red, &red));
    }

    #[test]
    fn every_problem_of_an_ownership_is_reported() {
        assert_eq!(problems(&owned(Visibility::Team, None, "a"), true).len(), 1);
        assert_eq!(problems(&owned(Visibility::Public, None, "a"), false).len(), 1);
        assert!(problems(&owned(Visibility::Private, None, "a"), false).is_empty());
    }
}
