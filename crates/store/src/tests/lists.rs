//! Lists show what the scope sees, page by page; the SQL is held against the rule of the domain.

use domain::{
    Owned, Scope, Visibility,
    id::{TeamId, ToolId},
    item::Tool,
};
use proptest::prelude::*;

use super::{ANN, BOB, databases, gateway, owned, prompt, public, resource, tool};
use crate::{Cursor, Db, Query, gateways, prompts, resources, tools};

fn everything() -> Scope {
    Scope::Unrestricted { email: ANN.to_owned() }
}

async fn store(db: &Db, tools: &[Tool]) {
    let peer = gateway("One", public());
    let mut tx = db.begin().await.unwrap();
    gateways::insert(&mut tx, &peer, None).await.unwrap();
    let moved: Vec<_> =
        tools.iter().map(|tool| Tool { gateway_id: peer.id.clone(), ..tool.clone() }).collect();
    tools::upsert(&mut tx, &moved).await.unwrap();
    tx.commit().await.unwrap();
}

fn ids(tools: &[Tool]) -> Vec<ToolId> {
    tools.iter().map(|tool| tool.id.clone()).collect()
}

/// A handful of teams and people, so that chance meets itself.
fn teams() -> [TeamId; 3] {
    ["a", "b", "c"].map(|letter| TeamId::from_stored(letter.repeat(32)))
}

fn any_owned() -> impl Strategy<Value = Owned> {
    let visibility = prop::sample::select(vec![Visibility::Public, Visibility::Team, Visibility::Private]);
    let owner = prop::sample::select(vec![ANN, BOB, "Ann@example.com", ""]);
    (visibility, prop::option::of(prop::sample::select(teams().to_vec())), owner)
        .prop_map(|(visibility, team, owner)| owned(visibility, team.as_ref(), owner))
}

fn any_scope() -> impl Strategy<Value = Scope> {
    let email = || prop::sample::select(vec![ANN, BOB, "", "nobody@example.com"]).prop_map(str::to_owned);
    prop_oneof![
        Just(Scope::PublicOnly),
        (email(), prop::sample::subsequence(teams().to_vec(), 0..=3))
            .prop_map(|(email, teams)| Scope::Teams { email, teams }),
        email().prop_map(|email| Scope::Unrestricted { email }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// The SQL condition and the rule in the domain say the same.
    #[test]
    fn a_list_shows_what_the_scope_sees(
        rows in prop::collection::vec(any_owned(), 0..40),
        scopes in prop::collection::vec(any_scope(), 8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            for db in databases(folder.path()).await {
                let peer = gateway("One", public());
                let tools: Vec<_> = (0..).zip(&rows)
                    .map(|(at, owned)| tool(&peer, &format!("t{at}"), at, owned.clone()))
                    .collect();
                store(&db, &tools).await;
                for scope in &scopes {
                    let seen: Vec<_> = tools.iter().filter(|tool| scope.sees(&tool.owned)).cloned().collect();
                    let listed = tools::list(&db, scope, &Query::default()).await.unwrap();
                    let newest_first: Vec<_> = ids(&seen).into_iter().rev().collect();
                    assert_eq!(ids(&listed), newest_first, "{scope:?}");
                    let found = tools::by_ids(&db, scope, &ids(&tools)).await.unwrap();
                    assert_eq!(ids(&found), ids(&seen), "{scope:?}");
                }
                db.close().await;
            }
        });
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("One", public());
        // Several rows of the same microsecond.
        let rows: Vec<_> = (0..7).map(|n| tool(&peer, &format!("t{n}"), n / 3, public())).collect();
        store(&db, &rows).await;
        let all = tools::list(&db, &everything(), &Query::default()).await.unwrap();
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let query = Query { after: after.clone(), limit: Some(3), ..Query::default() };
            let page = tools::list(&db, &everything(), &query).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(Cursor { created_at: last.record.created_at, id: last.id.as_str().to_owned() });
            paged.extend(page);
        }
        assert_eq!(paged, all);
        assert_eq!(all.len(), 7);
    }
}

#[tokio::test]
async fn filters_narrow() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let team = TeamId::random();
        let peer = gateway("One", public());
        let mut rows = vec![tool(&peer, "t0", 0, public()), tool(&peer, "t1", 1, public())];
        rows[1].owned = owned(Visibility::Team, Some(&team), BOB);
        rows.push(Tool { enabled: false, tags: vec![], ..tool(&peer, "t2", 2, public()) });
        // A label that looks like the stored form of an id.
        let trap = domain::record::Tag { id: "q1".to_owned(), label: r#"x","id":"zz","label"#.to_owned() };
        rows.push(Tool { tags: vec![trap], ..tool(&peer, "t3", 3, public()) });
        store(&db, &rows).await;
        let of = tools::all(&db).await.unwrap()[0].gateway_id.as_str().to_owned();
        let tagged = |tags: &[&str]| Query {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            include_inactive: true,
            ..Query::default()
        };
        let of_gateways = |ids: &[&str]| Query {
            gateways: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Query::default()
        };
        for (query, expected) in [
            (Query::default(), vec![3, 1, 0]),
            (Query { include_inactive: true, ..Query::default() }, vec![3, 2, 1, 0]),
            (Query { team_id: Some(team.clone()), ..Query::default() }, vec![1]),
            (Query { visibility: Some(Visibility::Public), ..Query::default() }, vec![3, 0]),
            (of_gateways(&["nobody", &of]), vec![3, 1, 0]),
            (of_gateways(&["nobody", "null"]), vec![]),
            (tagged(&["a-b"]), vec![1, 0]),
            (tagged(&["A_B"]), vec![1, 0]),
            (tagged(&["nothing", "x1"]), vec![1, 0]),
            (tagged(&["q1"]), vec![3]),
            (tagged(&["zz"]), vec![]),
            (tagged(&["%"]), vec![]),
            (tagged(&["a%b"]), vec![]),
            (tagged(&["a"]), vec![]),
            (tagged(&["' OR 1=1 --"]), vec![]),
        ] {
            let listed = tools::list(&db, &everything(), &query).await.unwrap();
            let wanted: Vec<_> = expected.iter().map(|n: &usize| rows[*n].id.clone()).collect();
            assert_eq!(ids(&listed), wanted, "{query:?}");
        }
    }
}

#[tokio::test]
async fn resources_and_templates_are_listed_apart() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("One", public());
        let (file, template) = (resource(&peer, "res://a", false), resource(&peer, "res://{a}", true));
        let mut tx = db.begin().await.unwrap();
        gateways::insert(&mut tx, &peer, None).await.unwrap();
        resources::upsert(&mut tx, &[file.clone(), template.clone()]).await.unwrap();
        prompts::upsert(&mut tx, &[prompt(&peer, "greet", 1)]).await.unwrap();
        tx.commit().await.unwrap();
        let list = |templates| {
            let db = db.clone();
            async move { resources::list(&db, &Scope::PublicOnly, templates, &Query::default()).await.unwrap() }
        };
        assert_eq!((list(false).await, list(true).await), (vec![file], vec![template]));
        assert_eq!(prompts::list(&db, &Scope::PublicOnly, &Query::default()).await.unwrap().len(), 1);
        assert_eq!(resources::of_gateway(&db, &peer.id).await.unwrap().len(), 2);
    }
}

/// The catalogue is loaded with one statement, however much there is.
#[tokio::test]
async fn ten_thousand_tools_are_written_and_loaded_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("One", public());
        let rows: Vec<_> = (0..10_000).map(|n| tool(&peer, &format!("t{n}"), n, public())).collect();
        store(&db, &rows).await;
        let loaded = tools::all(&db).await.unwrap();
        assert_eq!(ids(&loaded), ids(&rows));
        let some: Vec<_> = ids(&rows).into_iter().step_by(7).collect();
        let found = tools::by_ids(&db, &Scope::PublicOnly, &some).await.unwrap();
        assert_eq!(ids(&found), some);
    }
}
