//! Registered things come back as they were stored, with unique names and without lost updates.

use domain::{
    Error, Timestamp, Visibility,
    gateway::{Gateway, ProtocolChoice, Transport, UpstreamAuth},
    id::{PromptId, TeamId, ToolId},
    server::Server,
};

use super::{BOB, databases, gateway, owned, prompt, public, record, resource, server, tool};
use crate::{Db, gateways, names, names::Names, prompts, resources, servers, tools};

/// What can be compared of rows that are not `PartialEq`; `Debug` shows every field.
fn text(row: &impl std::fmt::Debug) -> String {
    format!("{row:?}")
}

async fn store(db: &Db, peer: &Gateway) {
    let mut tx = db.begin().await.unwrap();
    gateways::insert(&mut tx, peer, None).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn rows_come_back_as_they_were_stored() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("Time Server", public());
        let (one, two) = (tool(&peer, "add", 5, public()), prompt(&peer, "greet", 5));
        let (file, template) = (resource(&peer, "res://a", false), resource(&peer, "res://a", true));
        let mut virt = server("virt", public(), vec![one.id.clone()]);
        virt.prompts = vec![two.id.clone()];
        virt.resources = vec![template.id.clone(), file.id.clone()];
        let mut tx = db.begin().await.unwrap();
        gateways::insert(&mut tx, &peer, Some("v1.sealed")).await.unwrap();
        tools::insert(&mut tx, &one).await.unwrap();
        prompts::insert(&mut tx, &two).await.unwrap();
        resources::insert(&mut tx, &file).await.unwrap();
        resources::insert(&mut tx, &template).await.unwrap();
        servers::insert(&mut tx, &virt).await.unwrap();
        tx.commit().await.unwrap();
        let back = gateways::get(&db, &peer.id).await.unwrap().unwrap();
        assert_eq!(back.sealed_auth.as_deref(), Some("v1.sealed"));
        let bare = Gateway { auth: UpstreamAuth::None, ..peer.clone() };
        assert_eq!(text(&back.gateway), text(&bare), "credentials stay sealed here");
        assert_eq!(tools::get(&db, &one.id).await.unwrap(), Some(one.clone()));
        assert_eq!(prompts::all(&db).await.unwrap(), [two]);
        assert_eq!(resources::get(&db, &template.id).await.unwrap(), Some(template));
        assert_eq!(text(&servers::get(&db, &virt.id).await.unwrap().unwrap()), text(&virt));
        assert_eq!(gateways::offers(&db).await.unwrap(), [(peer.id, 1, 1, 2)]);
        assert!(tools::get(&db, &ToolId::random()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn every_word_of_a_closed_set_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let transports = [Transport::StreamableHttp, Transport::Sse, Transport::Stdio, Transport::Builtin];
        let choices = [ProtocolChoice::Auto, ProtocolChoice::Legacy, ProtocolChoice::Modern];
        for (n, transport) in transports.into_iter().enumerate() {
            let protocol = choices[n % 3];
            let plain = Gateway { transport, protocol, dialect: None, ..gateway(&format!("g{n}"), public()) };
            store(&db, &plain).await;
            let back = gateways::get(&db, &plain.id).await.unwrap().unwrap().gateway;
            assert_eq!((back.transport, back.protocol, back.dialect), (transport, protocol, None));
        }
    }
}

#[tokio::test]
async fn lost_updates_are_noticed_and_who_made_a_row_stays() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("One", public());
        store(&db, &peer).await;
        let mut changed = Gateway { description: Some("new".to_owned()), record: record(99), ..peer.clone() };
        changed.record.modified_by = Some("carol@example.com".to_owned());
        let mut tx = db.begin().await.unwrap();
        gateways::update(&mut tx, &changed, Some("s"), 1).await.unwrap();
        let stale = gateways::update(&mut tx, &changed, None, 1).await;
        assert!(matches!(stale, Err(Error::Stale { .. })));
        let gone = gateways::update(&mut tx, &gateway("Two", public()), None, 1).await;
        assert!(matches!(gone, Err(Error::NotFound { .. })));
        tx.commit().await.unwrap();
        let back = gateways::get(&db, &peer.id).await.unwrap().unwrap();
        let record = &back.gateway.record;
        assert_eq!((record.version, record.created_at), (2, Timestamp(1)));
        assert_eq!(
            (record.updated_at, record.modified_by.as_deref()),
            (Timestamp(100), Some("carol@example.com"))
        );
        assert_eq!(
            (back.sealed_auth.as_deref(), back.gateway.description.as_deref()),
            (Some("s"), Some("new"))
        );
    }
}

/// Public names are everybody's, team names a team's, private names their owner's: for the constraint, and for the
/// question that is asked before.
#[tokio::test]
async fn names_are_unique_where_they_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let (red, blue) = (TeamId::random(), TeamId::random());
        let team = |id| owned(Visibility::Team, Some(id), BOB);
        let private = |email| owned(Visibility::Private, None, email);
        let taken = gateway("One", public());
        for free in [public(), team(&red), team(&blue), private(BOB), private("carol@example.com")] {
            assert!(!names::taken(&db, Names::Gateways, &free, "one", None).await.unwrap());
            store(&db, &Gateway { owned: free.clone(), ..gateway("One", public()) }).await;
            let mut tx = db.begin().await.unwrap();
            let again = Gateway { owned: free.clone(), ..taken.clone() };
            let Err(Error::AlreadyExists { kind, name }) = gateways::insert(&mut tx, &again, None).await
            else {
                panic!("{free:?} was taken twice")
            };
            assert!(kind.ends_with(" Gateway") && name == "One", "{kind} {name}");
            drop(tx);
            assert!(names::taken(&db, Names::Gateways, &free, "one", None).await.unwrap());
        }
        let rows = gateways::all(&db).await.unwrap();
        let own = rows[0].gateway.id.as_str();
        assert!(!names::taken(&db, Names::Gateways, &rows[0].gateway.owned, "one", Some(own)).await.unwrap());
        // A change of visibility moves the name along.
        let mut moved = rows.into_iter().find(|row| row.gateway.owned == team(&red)).unwrap().gateway;
        moved.owned = public();
        let mut tx = db.begin().await.unwrap();
        let clash = gateways::update(&mut tx, &moved, None, 1).await;
        assert!(matches!(clash, Err(Error::AlreadyExists { kind, .. }) if kind == "Public Gateway"));
        drop(tx);
        assert!(!names::taken(&db, Names::Servers, &public(), "virt", None).await.unwrap());
        let mut tx = db.begin().await.unwrap();
        servers::insert(&mut tx, &server("virt", public(), vec![])).await.unwrap();
        let twice = servers::insert(&mut tx, &server("virt", public(), vec![])).await;
        assert!(matches!(twice, Err(Error::AlreadyExists { kind, .. }) if kind == "Public Server"));
    }
}

#[tokio::test]
async fn removing_a_gateway_removes_what_came_from_it() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("One", public());
        let one = tool(&peer, "add", 5, public());
        let virt = server("virt", public(), vec![one.id.clone()]);
        store(&db, &peer).await;
        let mut tx = db.begin().await.unwrap();
        tools::insert(&mut tx, &one).await.unwrap();
        servers::insert(&mut tx, &virt).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert!(gateways::delete(&mut tx, &peer.id).await.unwrap());
        assert!(!gateways::delete(&mut tx, &peer.id).await.unwrap());
        tx.commit().await.unwrap();
        assert!(tools::all(&db).await.unwrap().is_empty());
        assert!(servers::get(&db, &virt.id).await.unwrap().unwrap().tools.is_empty());
    }
}

#[tokio::test]
async fn a_server_keeps_the_order_of_its_items() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("One", public());
        store(&db, &peer).await;
        let items: Vec<_> = (0..5).map(|n| tool(&peer, &format!("t{n}"), n, public())).collect();
        let id = |n: usize| items[n].id.clone();
        let mut tx = db.begin().await.unwrap();
        tools::upsert(&mut tx, &items).await.unwrap();
        let mut virt = server("virt", public(), vec![id(4), id(0), id(2), id(0)]);
        virt.prompts = vec![PromptId::random()];
        servers::insert(&mut tx, &virt).await.unwrap();
        tx.commit().await.unwrap();
        let back = servers::get(&db, &virt.id).await.unwrap().unwrap();
        assert_eq!(back.tools, [id(4), id(0), id(2)], "in order, without repetition");
        assert!(back.prompts.is_empty(), "what does not exist is left out");
        let changed = Server { tools: vec![id(3), id(1)], ..back };
        let mut tx = db.begin().await.unwrap();
        servers::update(&mut tx, &changed, 1).await.unwrap();
        tx.commit().await.unwrap();
        let all = servers::all(&db).await.unwrap();
        assert_eq!((&all[0].tools, all[0].record.version), (&vec![id(3), id(1)], 2));
    }
}

#[tokio::test]
async fn what_discovery_writes_is_not_an_edit() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("One", public());
        let one = tool(&peer, "add", 5, public());
        store(&db, &peer).await;
        let mut tx = db.begin().await.unwrap();
        tools::upsert(&mut tx, std::slice::from_ref(&one)).await.unwrap();
        gateways::set_unreachable(&mut tx, &peer.id, "connection refused").await.unwrap();
        tx.commit().await.unwrap();
        let lost = gateways::get(&db, &peer.id).await.unwrap().unwrap().gateway;
        assert_eq!((lost.reachable, lost.last_error.as_deref()), (false, Some("connection refused")));
        let marked = tools::get(&db, &one.id).await.unwrap().unwrap();
        assert_eq!((marked.reachable, marked.record.version), (false, 1));
        let found = Gateway {
            reachable: true,
            last_error: None,
            name: "ignored".to_owned(),
            last_seen: Some(Timestamp(70)),
            ..peer.clone()
        };
        let mut tx = db.begin().await.unwrap();
        gateways::set_discovered(&mut tx, &found).await.unwrap();
        tools::mark_reachable(&mut tx, &peer.id, true).await.unwrap();
        tools::upsert(&mut tx, &[domain::item::Tool { description: None, ..one.clone() }]).await.unwrap();
        tx.commit().await.unwrap();
        let back = gateways::get(&db, &peer.id).await.unwrap().unwrap().gateway;
        assert_eq!((back.reachable, back.last_seen, back.name.as_str()), (true, Some(Timestamp(70)), "One"));
        assert_eq!(back.record.version, 1);
        let again = tools::get(&db, &one.id).await.unwrap().unwrap();
        assert_eq!((again.description, again.record.version, again.reachable), (None, 2, true));
        let missing = gateway("gone", public());
        let mut tx = db.begin().await.unwrap();
        assert!(matches!(gateways::set_discovered(&mut tx, &missing).await, Err(Error::NotFound { .. })));
    }
}

/// PostgreSQL has no U+0000 in texts; one odd description must not keep an upstream out.
#[tokio::test]
async fn odd_texts_are_stored_alike_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let odd = Gateway {
            description: Some("a\0b '\"\\ é 日本 🦀 $1".to_owned()),
            ..gateway("One", public())
        };
        store(&db, &odd).await;
        let back = gateways::get(&db, &odd.id).await.unwrap().unwrap().gateway;
        assert_eq!(back.description.as_deref(), Some("a\u{fffd}b '\"\\ é 日本 🦀 $1"));
    }
}

#[tokio::test]
async fn pins_come_back_as_they_were_stored_and_are_listed_with_their_tools() {
    use domain::pin::{Definition, Pin, PinFinding, PinState};

    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let peer = gateway("Time Server", public());
        store(&db, &peer).await;
        let definition =
            |text: &str| Definition { text: text.to_owned(), fingerprint: format!("hash of {text}") };
        let pin = |name: &str, state| Pin {
            gateway_id: peer.id.clone(),
            original_name: name.to_owned(),
            state,
            approved: Some(definition("a")),
            offered: (state != PinState::Approved).then(|| definition("b")),
            rejected: Some("c".to_owned()),
            class: Some("additive".to_owned()),
            findings: vec![PinFinding {
                field: "/d".to_owned(),
                rule: "r".to_owned(),
                message: "m".to_owned(),
                holds: true,
            }],
            seen_at: Timestamp(7),
            decided_at: None,
            decided_by: Some(BOB.to_owned()),
        };
        let all: Vec<Pin> = (0..120).map(|n| pin(&format!("t{n:03}"), PinState::Approved)).collect();
        let tool = tool(&peer, "t001", 5, public());
        let mut tx = db.begin().await.unwrap();
        tools::insert(&mut tx, &tool).await.unwrap();
        crate::pins::save(&mut tx, &all).await.unwrap();
        crate::pins::save(&mut tx, &[pin("t001", PinState::Changed)]).await.unwrap();
        crate::pins::forget(&mut tx, &peer.id, &["t000".to_owned()]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(crate::pins::of_gateway(&db, &peer.id).await.unwrap().len(), 119);
        let scope = domain::Scope::PublicOnly;
        let listed = crate::pins::list(&db, &scope, &[PinState::Changed], (0, 10)).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].tool_id, &listed[0].pin), (&tool.id, &pin("t001", PinState::Changed)));
        assert!(crate::pins::list(&db, &scope, &[], (0, 10)).await.unwrap().is_empty());
        let one = crate::pins::get(&db, &peer.id, "t002").await.unwrap();
        assert_eq!(one, Some(pin("t002", PinState::Approved)));
    }
}
