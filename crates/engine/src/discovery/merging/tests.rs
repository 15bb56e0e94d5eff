use super::*;
use crate::gateways::tests::gateway;

fn found(name: &str, description: &str) -> FoundNamed {
    FoundNamed {
        name: name.to_owned(),
        title: None,
        description: Some(description.to_owned()),
        definition: format!(r#"{{"name":"{name}","description":"{description}"}}"#),
    }
}

#[test]
fn new_tools_belong_to_whom_their_gateway_belongs() {
    let gateway = gateway();
    let record = gateway.record.clone();
    let origin = Origin { gateway: &gateway, separator: "-", record: &record, taken: &Taken::default() };
    let changes = tools(origin, Vec::new(), &[found("get_time", "d")]);
    let tool = &changes.add[0];
    assert_eq!(
        (tool.name.as_str(), tool.display_name.as_deref()),
        ("time-server-get-time", Some("Get Time"))
    );
    assert_eq!(tool.owned, gateway.owned);
    assert!(changes.update.is_empty() && changes.remove.is_empty());
}

#[test]
fn a_survivor_keeps_what_people_changed_and_follows_the_rest() {
    let gateway = gateway();
    let record = gateway.record.clone();
    let origin = Origin { gateway: &gateway, separator: "-", record: &record, taken: &Taken::default() };
    let mut stored = tools(origin, Vec::new(), &[found("a", "one"), found("b", "two")]).add;
    stored[0].custom_name = "Alpha".to_owned();
    stored[0].custom_slug = "alpha".to_owned();
    stored[0].name = "time-server-alpha".to_owned();
    stored[0].description = Some("mine".to_owned());
    stored[0].enabled = false;
    let changes = tools(origin, stored.clone(), &[found("a", "ONE"), found("b", "TWO")]);
    assert_eq!(changes.update.len(), 2);
    let (a, b) = (&changes.update[0], &changes.update[1]);
    assert_eq!(
        (&a.id, a.name.as_str(), a.description.as_deref(), a.enabled),
        (&stored[0].id, "time-server-alpha", Some("mine"), false)
    );
    assert!(a.definition.contains("ONE"));
    assert_eq!(b.description.as_deref(), Some("TWO"));
}

#[test]
fn what_is_no_longer_listed_goes_and_the_rest_is_left_alone() {
    let gateway = gateway();
    let record = gateway.record.clone();
    let origin = Origin { gateway: &gateway, separator: "-", record: &record, taken: &Taken::default() };
    let stored = tools(origin, Vec::new(), &[found("a", "one"), found("b", "two")]).add;
    let changes = tools(origin, stored, &[found("b", "two")]);
    assert_eq!(changes.remove.len(), 1);
    assert_eq!(changes.remove[0].original_name, "a");
    assert!(changes.update.is_empty() && changes.add.is_empty());
}

#[test]
fn a_new_name_of_the_gateway_renames_what_it_offers() {
    let before = gateway();
    let record = before.record.clone();
    let origin = Origin { gateway: &before, separator: "-", record: &record, taken: &Taken::default() };
    let stored = tools(origin, Vec::new(), &[found("a", "one")]).add;
    let after = Gateway { slug: "clock".to_owned(), ..before.clone() };
    let (changes, _) = renamed(
        Origin { gateway: &after, separator: "-", record: &record, taken: &Taken::default() },
        stored.clone(),
        Vec::new(),
    );
    assert_eq!(changes.update[0].name, "clock-a");
    let (same, _) = renamed(origin, stored, Vec::new());
    assert!(same.update.is_empty());
}

#[test]
fn prompts_and_resources_merge_alike() {
    let gateway = gateway();
    let record = gateway.record.clone();
    let origin = Origin { gateway: &gateway, separator: "-", record: &record, taken: &Taken::default() };
    let stored = prompts(origin, Vec::new(), &[found("greet", "d")]).add;
    assert_eq!(stored[0].name, "time-server-greet");
    assert_eq!(prompts(origin, stored, &[]).remove.len(), 1);
    let resource = FoundResource {
        uri: "demo://a".to_owned(),
        template: false,
        name: "A".to_owned(),
        description: None,
        mime_type: None,
        size: None,
        definition: r#"{"uri":"demo://a","name":"A"}"#.to_owned(),
    };
    let mut stored = resources(origin, Vec::new(), std::slice::from_ref(&resource)).add;
    stored[0].description = Some("mine".to_owned());
    let renamed = FoundResource {
        name: "B".to_owned(),
        definition: r#"{"uri":"demo://a","name":"B"}"#.to_owned(),
        ..resource
    };
    let changes = resources(origin, stored, &[renamed]);
    assert_eq!(
        (changes.update[0].name.as_str(), changes.update[0].description.as_deref()),
        ("B", Some("mine"))
    );
}
