//! Names and URIs that other gateways hold, so that no gateway's items take them over.
//!
//! Whoever asks for a name is served by the oldest row of that name that they see (`catalogue::snapshot`). So a newer
//! row is given a name of its own wherever everybody who sees it sees the holder too: it would never be reached under
//! the common one. And a row that comes to a name or to more people later than it was made must not win by its age
//! against what was there: it gets another name, or stays where it is, if anybody at all may see both.

use std::collections::{BTreeSet, HashSet};

use domain::{Error, Owned, Result, Visibility, gateway::Gateway, id::GatewayId};
use store::claims::{Claim, of_others};

use super::naming::public;
use crate::{catalogue::Kind, engine::Engine, ownership};

/// What a gateway cannot have.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Slugs of tools.
    pub(crate) tools: Foreign,
    /// Slugs of prompts.
    pub(crate) prompts: Foreign,
    /// URIs of resources that may not come to be seen by more people.
    pub(crate) uris: HashSet<String>,
    /// The upstreams' own names of tools of other gateways, for which a new tool must not pass.
    pub(crate) originals: Vec<Box<str>>,
}

/// Slugs that others hold.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    /// The slugs.
    pub(crate) slugs: BTreeSet<String>,
    /// Whether rows that have one of them already give it up.
    pub(crate) given_up: bool,
}

impl Taken {
    /// For a gateway that is new, or that was asked again.
    pub(crate) async fn for_new(engine: &Engine, gateway: &Gateway) -> Result<Self> {
        let holds = |holder: &Owned| !ownership::wider(&gateway.owned, holder);
        Ok(Self {
            tools: foreign(engine, Claim::ToolName, gateway, &holds).await?,
            prompts: foreign(engine, Claim::PromptName, gateway, &holds).await?,
            uris: HashSet::new(),
            originals: originals(engine, gateway),
        })
    }

    /// For a gateway that is changed. Where it keeps its name and is shown to nobody new, it keeps what it has.
    pub(crate) async fn for_changed(engine: &Engine, before: &Gateway, after: &Gateway) -> Result<Self> {
        let wider = ownership::wider(&after.owned, &before.owned);
        if before.slug == after.slug && !wider {
            return Self::for_new(engine, after).await;
        }
        let holds = |holder: &Owned| meet(&after.owned, holder);
        let mut tools = foreign(engine, Claim::ToolName, after, &holds).await?;
        let mut prompts = foreign(engine, Claim::PromptName, after, &holds).await?;
        (tools.given_up, prompts.given_up) = (true, true);
        let mut uris = HashSet::new();
        if wider {
            let held = of_others(engine.db(), Claim::ResourceUri, &after.id, "").await?;
            uris.extend(held.into_iter().filter(|(_, holder)| holds(holder)).map(|(uri, _)| uri));
        }
        Ok(Self { tools, prompts, uris, originals: originals(engine, after) })
    }
}

/// Read from the catalogue: whoever is switched off or held back is nobody to be mistaken for.
fn originals(engine: &Engine, gateway: &Gateway) -> Vec<Box<str>> {
    let snapshot = engine.catalogue().snapshot();
    let others = snapshot.list(None, Kind::Tool).iter();
    let others =
        others.filter(|item| item.peer.target.gateway != gateway.id && meet(&gateway.owned, &item.owned));
    others.map(|item| item.original.clone()).collect()
}

async fn foreign(
    engine: &Engine,
    claim: Claim,
    gateway: &Gateway,
    holds: &(impl Fn(&Owned) -> bool + Sync),
) -> Result<Foreign> {
    let prefix = public(&gateway.slug, &engine.settings().federation.name_separator, "");
    let held = of_others(engine.db(), claim, &gateway.id, &prefix).await?;
    let held = held.into_iter().filter(|(_, holder)| holds(holder));
    let slugs = held.filter_map(|(name, _)| name.strip_prefix(&prefix).map(str::to_owned)).collect();
    Ok(Foreign { slugs, given_up: false })
}

/// Refuses a name or URI for a row that comes to it, or to more people, now: `before` and `after` are whose and which
/// it was and is to be.
pub(crate) async fn refuse(
    engine: &Engine,
    claim: Claim,
    gateway: &GatewayId,
    before: (&str, &Owned),
    after: (&str, &Owned),
) -> Result<()> {
    if before.0 == after.0 && !ownership::wider(after.1, before.1) {
        return Ok(());
    }
    let held = of_others(engine.db(), claim, gateway, after.0).await?;
    if held.iter().any(|(name, holder)| name == after.0 && meet(after.1, holder)) {
        let kind = match claim {
            Claim::ToolName => "Tool",
            Claim::PromptName => "Prompt",
            Claim::ResourceUri => "Resource",
        };
        return Err(Error::AlreadyExists { kind: ownership::kind(after.1, kind), name: after.0.to_owned() });
    }
    Ok(())
}

/// Whether somebody may see both.
pub(crate) fn meet(one: &Owned, other: &Owned) -> bool {
    let both_private = one.visibility == Visibility::Private && other.visibility == Visibility::Private;
    // Administrators see the rows of every team.
    !both_private || one.owner_email == other.owner_email
}

#[cfg(test)]
mod tests {
    use domain::id::TeamId;

    use super::*;

    #[test]
    fn only_private_rows_of_two_people_never_meet() {
        let owned = |visibility, team: Option<&str>, owner: &str| Owned {
            visibility,
            team_id: team.map(TeamId::from_stored),
            owner_email: owner.to_owned(),
        };
        let private = |owner| owned(Visibility::Private, None, owner);
        assert!(!meet(&private("a"), &private("b")));
        assert!(meet(&private("a"), &private("a")));
        assert!(meet(&private("a"), &owned(Visibility::Public, None, "b")));
        assert!(meet(
            &owned(Visibility::Team, Some("red"), "a"),
            &owned(Visibility::Team, Some("blue"), "b")
        ));
    }
}
