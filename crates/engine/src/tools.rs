//! Tools as people see and change them. What upstreams make of them is `discovery`'s business.

pub mod pins;

use domain::{Caller, Error, Problem, Result, Scope, id::ToolId, item::Tool, name, permission::grant};
use serde_json::json;
use store::claims::Claim;

use crate::{
    Engine, Permit, audit, catalogue, content_security,
    content_security::Text,
    discovery::{naming, taken},
    gateways, ownership,
    ownership::Wish,
    policy,
    query::{Cursor, Query},
};

/// A change of a tool; absent members stay as they are. What the upstream says of it cannot be changed here.
#[derive(Debug, Clone, Default)]
pub struct ChangeTool {
    /// The name that people give it; the public name follows.
    pub custom_name: Option<String>,
    /// For people.
    pub display_name: Option<String>,
    /// For models.
    pub description: Option<String>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Who may know of it; never more people than know its gateway.
    pub wish: Wish,
}

/// The tools that the actor sees, newest first. Those that are held back are for whoever may change them.
#[crate::boxed]
pub async fn list(engine: &Engine, permit: &Permit<grant::ToolsRead>, query: &Query) -> Result<Vec<Tool>> {
    let Ok(changer) = policy::narrow::<grant::ToolsUpdate, _>(permit) else {
        return store::tools::list_served(engine.db(), &permit.rows(), query).await;
    };
    let wanted = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let (mut query, mut shown) = (query.clone(), Vec::new());
    // A page is filled up with later rows where some of its rows are not shown.
    loop {
        let rows = store::tools::list(engine.db(), &permit.rows(), &query).await?;
        let more = rows.len() >= wanted;
        query.after =
            rows.last().map(|row| Cursor { created_at: row.record.created_at, id: row.id.to_string() });
        shown.extend(rows.into_iter().filter(|row| !row.held || changer.may_change(&row.owned)));
        if !more || shown.len() >= wanted {
            shown.truncate(wanted);
            return Ok(shown);
        }
    }
}

/// One tool.
#[crate::boxed]
pub async fn get(engine: &Engine, permit: &Permit<grant::ToolsRead>, id: &str) -> Result<Tool> {
    let tool = visible(engine, &permit.rows(), id).await?;
    let may_change = || {
        policy::narrow::<grant::ToolsUpdate, _>(permit).is_ok_and(|changer| changer.may_change(&tool.owned))
    };
    if tool.held && !may_change() {
        return Err(Error::not_found("Tool", id));
    }
    Ok(tool)
}

/// Changes a tool.
#[crate::boxed]
pub async fn update(
    engine: &Engine,
    permit: &Permit<grant::ToolsUpdate>,
    caller: &Caller,
    id: &str,
    change: ChangeTool,
) -> Result<Tool> {
    let before = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &before.owned)?;
    let separator = &engine.settings().federation.name_separator;
    let (custom_slug, tags) = check(&before, &change, separator)?;
    let texts = [
        Text::metadata("custom_name", custom_name(&before, &change)),
        Text::metadata("display_name", change.display_name.as_deref()),
        Text::metadata("description", change.description.as_deref()),
    ];
    let texts = texts.into_iter().flatten().map(|text| Text { kind: content::Kind::Tool, ..text });
    let texts = texts.chain(Text::tags(change.tags.as_deref()));
    content_security::screen(engine, &permit.actor().email, caller, ("tool", id), texts).await?;
    let gateway = gateways::owner_of(engine, &before.gateway_id).await?;
    let owned = ownership::of_changed(engine, permit, &before.owned, &change.wish).await?;
    ownership::within(&owned, &gateway.owned)?;
    let mut after = Tool {
        name: naming::public(&gateway.slug, separator, &custom_slug),
        custom_slug,
        custom_name: custom_name(&before, &change).unwrap_or(&before.custom_name).to_owned(),
        display_name: change.display_name.or_else(|| before.display_name.clone()),
        description: change.description.or_else(|| before.description.clone()),
        tags,
        owned,
        ..before.clone()
    };
    if after == before {
        return Ok(before);
    }
    ownership::changed(&mut after.record, engine.clock().now(), &permit.actor().email, caller);

    let _turn = engine.federation().turn().await;
    let siblings = store::tools::of_gateway(engine.db(), &before.gateway_id).await?;
    if siblings.iter().any(|other| other.id != after.id && other.custom_slug == after.custom_slug) {
        return Err(Error::AlreadyExists { kind: ownership::kind(&after.owned, "Tool"), name: after.name });
    }
    let (old, new) = ((before.name.as_str(), &before.owned), (after.name.as_str(), &after.owned));
    taken::refuse(engine, Claim::ToolName, &before.gateway_id, old, new).await?;
    write(engine, permit, caller, &after, "tool.update").await?;
    after.record.version += 1;
    Ok(after)
}

/// Switches a tool on or off.
#[crate::boxed]
pub async fn set_enabled(
    engine: &Engine,
    permit: &Permit<grant::ToolsUpdate>,
    caller: &Caller,
    id: &str,
    enabled: bool,
) -> Result<Tool> {
    let mut tool = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &tool.owned)?;
    if tool.enabled == enabled {
        return Ok(tool);
    }
    tool.enabled = enabled;
    ownership::changed(&mut tool.record, engine.clock().now(), &permit.actor().email, caller);
    write(engine, permit, caller, &tool, if enabled { "tool.activate" } else { "tool.deactivate" }).await?;
    tool.record.version += 1;
    Ok(tool)
}

/// Removes a tool. While its upstream lists it, the next discovery brings it back; switch it off to be rid of it.
#[crate::boxed]
pub async fn delete(
    engine: &Engine,
    permit: &Permit<grant::ToolsDelete>,
    caller: &Caller,
    id: &str,
) -> Result<()> {
    let tool = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &tool.owned)?;
    let mut tx = engine.db().begin().await?;
    store::tools::delete(&mut tx, &tool.id).await?;
    let deed = audit::Deed::done("tool.delete", "tool", tool.id.as_str()).with(json!({ "name": tool.name }));
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

async fn write<P>(
    engine: &Engine,
    permit: &Permit<P>,
    caller: &Caller,
    tool: &Tool,
    action: &str,
) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    store::tools::update(&mut tx, tool, tool.record.version).await?;
    let details = json!({ "name": tool.name, "visibility": tool.owned.visibility });
    let deed = audit::Deed::done(action, "tool", tool.id.as_str()).with(details);
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

async fn visible(engine: &Engine, scope: &Scope, id: &str) -> Result<Tool> {
    let missing = || Error::not_found("Tool", id);
    let parsed = ToolId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(missing)?;
    let tool = store::tools::get(engine.db(), &parsed).await?;
    tool.filter(|tool| scope.sees(&tool.owned)).ok_or_else(missing)
}

/// The slug and the tags after the change, or everything that is wrong with it.
fn check(before: &Tool, change: &ChangeTool, separator: &str) -> Result<(String, Vec<domain::record::Tag>)> {
    let mut problems = Vec::new();
    let mut slug = before.custom_slug.clone();
    let renamed = custom_name(before, change).filter(|custom| *custom != before.custom_name);
    if let Some(custom) = renamed {
        slug = name::slug(custom, separator);
        if slug.is_empty() || custom.chars().count() > 255 || custom.chars().any(char::is_control) {
            let message = "must be at most 255 characters with a letter or a digit among them".to_owned();
            problems.push(Problem { field: "custom_name".to_owned(), message });
        }
    }
    problems.extend(ownership::long_texts(&[
        ("display_name", change.display_name.as_deref(), 255),
        ("description", change.description.as_deref(), 8192),
    ]));
    let tags = ownership::tags_after(&before.tags, change.tags.as_deref(), &mut problems);
    if problems.is_empty() { Ok((slug, tags)) } else { Err(Error::Invalid(problems)) }
}

/// The wanted name. Clients that send a whole reply back send the public name, which is no wish for another one.
fn custom_name<'a>(before: &Tool, change: &'a ChangeTool) -> Option<&'a str> {
    change.custom_name.as_deref().filter(|custom| *custom != before.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::tests::tool;

    #[test]
    fn a_custom_name_gives_a_new_slug_and_the_public_name_none() {
        let before = tool("get_time", "time-server-get-time", domain::Visibility::Public);
        let slug = |name: &str| {
            let change = ChangeTool { custom_name: Some(name.to_owned()), ..ChangeTool::default() };
            check(&before, &change, "-").map(|(slug, _)| slug)
        };
        assert_eq!(slug("What time?").unwrap(), "what-time");
        assert_eq!(slug("time-server-get-time").unwrap(), before.custom_slug);
        assert!(slug("???").is_err());
    }

    #[test]
    fn every_problem_of_a_change_is_reported() {
        let before = tool("a", "g-a", domain::Visibility::Public);
        let change = ChangeTool {
            custom_name: Some("?".to_owned()),
            display_name: Some("d".repeat(256)),
            description: Some("d".repeat(9000)),
            tags: Some(vec!["x".to_owned()]),
            wish: Wish::default(),
        };
        let Err(Error::Invalid(problems)) = check(&before, &change, "-") else { panic!("refused") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["custom_name", "display_name", "description", "tags"]);
    }
}
