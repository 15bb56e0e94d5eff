//! What is chosen for a virtual server: it exists for whoever chooses it, is not shown further than it may be, and
//! has a name of its own there.

use std::{
    collections::{BTreeMap, HashSet},
    hash::Hash,
};

use domain::{
    Actor, Error, Owned, Permission, Problem, Result, Scope,
    item::{Prompt, Resource, Tool},
    server::{Prefix, Server},
};

use super::input::{Choice, Ids};
use crate::{engine::Engine, ownership, policy};

/// The rows of a choice.
pub(super) type Chosen = Choice<Tool, Prompt, Resource>;

/// The rows of a choice, all of which the scope must see.
pub(super) async fn look_up(engine: &Engine, scope: &Scope, ids: &Ids) -> Result<Chosen> {
    let chosen = rows(engine, scope, ids).await?;
    refuse_unknown("Tool", &ids.tools, chosen.tools.iter().map(|row| &row.id))?;
    refuse_unknown("Prompt", &ids.prompts, chosen.prompts.iter().map(|row| &row.id))?;
    refuse_unknown("Resource", &ids.resources, chosen.resources.iter().map(|row| &row.id))?;
    Ok(chosen)
}

/// The same for a change. Items that are in the server already may be ones that the actor does not see; they stay
/// without being named.
pub(super) async fn look_up_changed(
    engine: &Engine,
    scope: &Scope,
    ids: &Ids,
    before: &Server,
) -> Result<Chosen> {
    let chosen = rows(engine, scope, ids).await?;
    let tools = chosen.tools.iter().map(|row| &row.id).chain(&before.tools);
    refuse_unknown("Tool", &ids.tools, tools)?;
    let prompts = chosen.prompts.iter().map(|row| &row.id).chain(&before.prompts);
    refuse_unknown("Prompt", &ids.prompts, prompts)?;
    let resources = chosen.resources.iter().map(|row| &row.id).chain(&before.resources);
    refuse_unknown("Resource", &ids.resources, resources)?;
    Ok(chosen)
}

/// Those of the items that the scope sees.
pub(super) async fn rows(engine: &Engine, scope: &Scope, ids: &Ids) -> Result<Chosen> {
    Ok(Chosen {
        tools: store::tools::by_ids(engine.db(), scope, &ids.tools).await?,
        prompts: store::prompts::by_ids(engine.db(), scope, &ids.prompts).await?,
        resources: store::resources::by_ids(engine.db(), scope, &ids.resources).await?,
    })
}

/// Those of the items that the actor may read.
pub(super) async fn readable(engine: &Engine, actor: &Actor, ids: &Ids) -> Result<Chosen> {
    let db = engine.db();
    let rows = |permission| actor.may(permission).then(|| policy::rows(actor, permission));
    let (tools, prompts, resources) =
        (rows(Permission::ToolsRead), rows(Permission::PromptsRead), rows(Permission::ResourcesRead));
    let mut found = Chosen::default();
    if let Some(scope) = tools {
        found.tools = store::tools::by_ids(db, &scope, &ids.tools).await?;
    }
    if let Some(scope) = prompts {
        found.prompts = store::prompts::by_ids(db, &scope, &ids.prompts).await?;
    }
    if let Some(scope) = resources {
        found.resources = store::resources::by_ids(db, &scope, &ids.resources).await?;
    }
    Ok(found)
}

fn refuse_unknown<'a, T: ToString + Eq + Hash + 'a>(
    kind: &str,
    ids: &[T],
    known: impl Iterator<Item = &'a T>,
) -> Result<()> {
    let known: HashSet<&T> = known.collect();
    let unknown: Vec<&T> = ids.iter().filter(|id| !known.contains(id)).collect();
    match unknown.as_slice() {
        [] => Ok(()),
        [one] => Err(Error::Refused(format!("{kind} with id {} does not exist.", one.to_string()))),
        many => {
            let shown = many.iter().take(Problem::SHOWN).map(|id| format!("'{}'", id.to_string()));
            let list: Vec<String> = shown.chain(Problem::more(many.len())).collect();
            Err(Error::Refused(format!("{kind}s with ids {{{}}} do not exist.", list.join(", "))))
        }
    }
}

/// Refuses items that the server would show to people who may not know of them.
pub(super) fn refuse_wider(chosen: &Chosen, server: &Owned) -> Result<()> {
    let tools = chosen.tools.iter().map(|tool| ("Tool", &tool.name, &tool.owned));
    let prompts = chosen.prompts.iter().map(|prompt| ("Prompt", &prompt.name, &prompt.owned));
    let resources = chosen.resources.iter().map(|resource| ("Resource", &resource.uri, &resource.owned));
    for (kind, name, owned) in tools.chain(prompts).chain(resources) {
        if ownership::wider(server, owned) {
            let text = format!(
                "{kind} {name} has visibility {} and cannot be part of a server that reaches further ({}).",
                owned.visibility, server.visibility
            );
            return Err(Error::Refused(text));
        }
    }
    Ok(())
}

/// Refuses names that would mean two things where names are the upstreams' own.
pub(super) fn refuse_collisions(chosen: &Chosen, prefix: Prefix) -> Result<()> {
    if prefix == Prefix::Gateway {
        return Ok(());
    }
    let tools = same_names(chosen.tools.iter().map(|tool| (&tool.original_name, &tool.name)));
    let prompts = same_names(chosen.prompts.iter().map(|prompt| (&prompt.original_name, &prompt.name)));
    let problems: Vec<Problem> = tools
        .into_iter()
        .chain(prompts)
        .map(|(original, names)| Problem {
            field: "prefix".to_owned(),
            message: format!(
                "without prefixes {} would all be called {original:?}; use gateway",
                names.join(", ")
            ),
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

fn same_names<'a>(
    names: impl Iterator<Item = (&'a String, &'a String)>,
) -> impl Iterator<Item = (&'a str, Vec<&'a str>)> {
    let mut by_original: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (original, name) in names {
        by_original.entry(original).or_default().push(name);
    }
    by_original.into_iter().filter(|(_, names)| names.len() > 1)
}

#[cfg(test)]
mod tests {
    use domain::Visibility;

    use super::*;
    use crate::{gateways::tests::gateway, servers::tests::tool};

    #[test]
    fn names_without_prefix_must_be_unique() {
        let two = [tool("echo", "a-echo", Visibility::Public), tool("echo", "b-echo", Visibility::Public)];
        let chosen = Chosen { tools: two.to_vec(), ..Chosen::default() };
        assert!(refuse_collisions(&chosen, Prefix::Gateway).is_ok());
        let Err(Error::Invalid(problems)) = refuse_collisions(&chosen, Prefix::None) else {
            panic!("refused")
        };
        assert!(problems[0].message.contains("a-echo, b-echo"));
    }

    #[test]
    fn private_tools_stay_out_of_public_servers() {
        let chosen = Chosen { tools: vec![tool("echo", "a-echo", Visibility::Private)], ..Chosen::default() };
        let private = gateway().owned;
        assert!(refuse_wider(&chosen, &private).is_ok());
        let public = Owned { visibility: Visibility::Public, ..private };
        assert!(
            matches!(refuse_wider(&chosen, &public), Err(Error::Refused(text)) if text.contains("a-echo"))
        );
    }

    #[test]
    fn unknown_items_are_named_as_contextforge_names_them() {
        let text = |ids: &[&str]| match refuse_unknown("Tool", ids, std::iter::empty()) {
            Err(Error::Refused(text)) => text,
            _ => String::new(),
        };
        assert_eq!(text(&["a"]), "Tool with id a does not exist.");
        assert_eq!(text(&["a", "b"]), "Tools with ids {'a', 'b'} do not exist.");
        assert!(text(&["a"; 30]).ends_with("'a', and 10 more} do not exist."), "{}", text(&["a"; 30]));
    }
}
