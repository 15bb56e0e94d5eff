//! Ways into a team, lists of teams, what a team leaves behind, and roles that inherit.

use domain::{
    PermissionSet, Timestamp, Visibility,
    id::{RoleId, TeamId},
    person::{Invitation, JoinRequest, JoinStatus, Membership, Role, RoleScope, Team, TeamRole},
};

use super::{ANN, BOB, databases, gateway, owned, server, tool, user};
use crate::{
    Cursor, Db, gateways, invitations, join_requests, roles,
    roles::RoleRow,
    servers, teams,
    teams::{Page, Which},
    tools, users,
};

fn team(slug: &str, at: i64, visibility: &str) -> Team {
    Team {
        id: TeamId::random(),
        name: slug.to_uppercase(),
        slug: slug.to_owned(),
        description: None,
        created_by: ANN.to_owned(),
        is_personal: false,
        visibility: visibility.to_owned(),
        max_members: None,
        created_at: Timestamp(at),
        updated_at: Timestamp(at),
        is_active: true,
    }
}

async fn with_people(db: &Db, all: &[&Team]) {
    let mut tx = db.begin().await.unwrap();
    for email in [ANN, BOB] {
        users::insert(&mut tx, &user(email, false)).await.unwrap();
    }
    for team in all {
        teams::insert(&mut tx, team).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn join(db: &Db, team: &Team, email: &str, at: i64) {
    let mut tx = db.begin().await.unwrap();
    let member = Membership {
        team_id: team.id.clone(),
        email: email.to_owned(),
        role: TeamRole::Member,
        joined_at: Timestamp(at),
        invited_by: None,
    };
    teams::add_member(&mut tx, &member).await.unwrap();
    tx.commit().await.unwrap();
}

fn invitation(team: &Team, email: &str, hash: &str) -> Invitation {
    Invitation {
        id: hash.to_owned(),
        team_id: team.id.clone(),
        email: email.to_owned(),
        role: TeamRole::Owner,
        invited_by: ANN.to_owned(),
        invited_at: Timestamp(5),
        expires_at: Timestamp(10),
        token_hash: hash.to_owned(),
        is_active: true,
    }
}

#[tokio::test]
async fn teams_are_listed_page_by_page_and_by_what_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let (red, blue, green) =
            (team("red", 1, "public"), team("blue", 2, "private"), team("green", 2, "public"));
        with_people(&db, &[&red, &blue, &green]).await;
        join(&db, &red, ANN, 1).await;
        join(&db, &red, BOB, 1).await;
        let slugs = async |which: Which<'_>, page: &Page| -> Vec<(String, i64)> {
            let found = teams::list(&db, which, page).await.unwrap();
            found.into_iter().map(|(team, members)| (team.slug, members)).collect()
        };
        let all = slugs(Which::All, &Page::default()).await;
        assert_eq!(all.len(), 3);
        assert_eq!(all[2], ("red".to_owned(), 2));
        let first = teams::list(&db, Which::All, &Page { limit: Some(1), ..Page::default() }).await.unwrap();
        let after = Cursor { created_at: first[0].0.created_at, id: first[0].0.id.as_str().to_owned() };
        let rest = slugs(Which::All, &Page { after: Some(after), ..Page::default() }).await;
        assert_eq!(rest, all[1..]);
        assert_eq!(slugs(Which::All, &Page { skip: 2, ..Page::default() }).await, all[2..]);
        assert_eq!(slugs(Which::Of(&[]), &Page::default()).await, []);
        assert_eq!(
            slugs(Which::Of(std::slice::from_ref(&blue.id)), &Page::default()).await,
            [("blue".to_owned(), 0)]
        );
        assert_eq!(slugs(Which::OpenTo(ANN), &Page::default()).await, [("green".to_owned(), 0)]);
        assert_eq!(teams::count(&db, Which::OpenTo("nobody@example.com")).await.unwrap(), 2);
        let members =
            teams::members_page(&db, &red.id, &Page { limit: Some(1), ..Page::default() }).await.unwrap();
        assert_eq!(members[0].email, ANN);
        let after = Cursor { created_at: members[0].joined_at, id: members[0].email.clone() };
        let rest =
            teams::members_page(&db, &red.id, &Page { after: Some(after), ..Page::default() }).await.unwrap();
        assert_eq!((rest.len(), rest[0].email.as_str()), (1, BOB));
        let mut tx = db.begin().await.unwrap();
        assert_eq!(teams::count_of_person_in(&mut tx, ANN).await.unwrap(), 1);
        assert_eq!(teams::get_in(&mut tx, &red.id).await.unwrap().unwrap().slug, "red");
    }
}

#[tokio::test]
async fn invitations_are_open_until_they_are_closed_or_over() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let red = team("red", 1, "private");
        with_people(&db, &[&red]).await;
        let (one, two) = (invitation(&red, BOB, "h1"), invitation(&red, "new@example.com", "h2"));
        let mut tx = db.begin().await.unwrap();
        invitations::insert(&mut tx, &one).await.unwrap();
        invitations::insert(&mut tx, &two).await.unwrap();
        assert_eq!(invitations::by_hash_in(&mut tx, "h1").await.unwrap(), Some(one.clone()));
        assert_eq!(invitations::by_hash_in(&mut tx, "h3").await.unwrap(), None);
        assert_eq!(invitations::count_open_in(&mut tx, &red.id, Timestamp(9)).await.unwrap(), 2);
        assert_eq!(invitations::count_open_in(&mut tx, &red.id, Timestamp(10)).await.unwrap(), 0);
        assert_eq!(
            invitations::open_in(&mut tx, &red.id, BOB, Timestamp(9)).await.unwrap(),
            Some(one.clone())
        );
        assert!(invitations::close(&mut tx, "h1").await.unwrap());
        assert!(!invitations::close(&mut tx, "h1").await.unwrap(), "once");
        assert_eq!(invitations::open_in(&mut tx, &red.id, BOB, Timestamp(9)).await.unwrap(), None);
        tx.commit().await.unwrap();
        assert_eq!(invitations::of_team(&db, &red.id, 0, 9).await.unwrap(), [two]);
        assert!(invitations::of_team(&db, &red.id, 1, 9).await.unwrap().is_empty());
        let mut tx = db.begin().await.unwrap();
        assert_eq!(invitations::close_by(&mut tx, &red.id, BOB).await.unwrap(), 0);
        assert_eq!(invitations::close_by(&mut tx, &red.id, ANN).await.unwrap(), 1);
        assert_eq!(invitations::forget_before(&mut tx, &red.id, Timestamp(10)).await.unwrap(), 0);
        assert_eq!(invitations::forget_before(&mut tx, &red.id, Timestamp(11)).await.unwrap(), 2);
        tx.commit().await.unwrap();
        assert!(invitations::get(&db, "h1").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_person_asks_once_and_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let red = team("red", 1, "public");
        with_people(&db, &[&red]).await;
        let asked = |id: &str| JoinRequest {
            id: id.to_owned(),
            team_id: red.id.clone(),
            email: BOB.to_owned(),
            message: Some("m".to_owned()),
            status: JoinStatus::Pending,
            requested_at: Timestamp(3),
            expires_at: Timestamp(10),
            reviewed_at: None,
            reviewed_by: None,
        };
        let mut tx = db.begin().await.unwrap();
        join_requests::replace(&mut tx, &asked("one")).await.unwrap();
        join_requests::replace(&mut tx, &asked("two")).await.unwrap();
        assert_eq!(join_requests::get_in(&mut tx, &red.id, "one").await.unwrap(), None);
        assert_eq!(join_requests::of_person_in(&mut tx, &red.id, BOB).await.unwrap(), Some(asked("two")));
        tx.commit().await.unwrap();
        let open = join_requests::open_of_team(&db, &red.id, Timestamp(9), (0, 9)).await.unwrap();
        assert_eq!(open, [asked("two")]);
        assert_eq!(join_requests::open_of_person(&db, BOB, Timestamp(9), (0, 9)).await.unwrap(), open);
        assert!(join_requests::open_of_team(&db, &red.id, Timestamp(10), (0, 9)).await.unwrap().is_empty());
        let mut tx = db.begin().await.unwrap();
        join_requests::review(&mut tx, &open[0], JoinStatus::Rejected, (ANN, Timestamp(8))).await.unwrap();
        tx.commit().await.unwrap();
        assert!(join_requests::open_of_person(&db, BOB, Timestamp(9), (0, 9)).await.unwrap().is_empty());
        let mut tx = db.begin().await.unwrap();
        let answered = join_requests::get_in(&mut tx, &red.id, "two").await.unwrap().unwrap();
        assert_eq!((answered.status, answered.reviewed_by.as_deref()), (JoinStatus::Rejected, Some(ANN)));
        assert!(join_requests::remove(&mut tx, &red.id, BOB).await.unwrap());
        assert!(!join_requests::remove(&mut tx, &red.id, BOB).await.unwrap());
    }
}

#[tokio::test]
async fn a_team_that_goes_keeps_nobody_from_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let red = team("red", 1, "private");
        with_people(&db, &[&red]).await;
        let of = |visibility| owned(visibility, Some(&red.id), ANN);
        let peer = gateway("One", of(Visibility::Public));
        let shared = tool(&peer, "a", 1, of(Visibility::Team));
        let hidden = server("s", of(Visibility::Private), vec![]);
        let mut tx = db.begin().await.unwrap();
        gateways::insert(&mut tx, &peer, None).await.unwrap();
        tools::upsert(&mut tx, std::slice::from_ref(&shared)).await.unwrap();
        servers::insert(&mut tx, &hidden).await.unwrap();
        assert_eq!(teams::shared_in(&mut tx, &red.id).await.unwrap(), [("tools", 1)]);
        assert_eq!(teams::release(&mut tx, &red.id).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let left = servers::get(&db, &hidden.id).await.unwrap().unwrap().owned;
        assert_eq!(left, owned(Visibility::Private, None, ANN), "still its owner's only");
        assert_eq!(tools::get(&db, &shared.id).await.unwrap().unwrap().owned, shared.owned);
    }
}

#[tokio::test]
async fn roles_know_their_parents_and_go_with_their_assignments() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let row = |name: &str, parent: Option<&RoleRow>| RoleRow {
            role: Role {
                id: RoleId::random(),
                name: name.to_owned(),
                description: None,
                scope: RoleScope::Global,
                permissions: PermissionSet::from_names(["tools.read"]),
                inherits_from: parent.map(|row| row.role.id.clone()),
                is_system: false,
                is_active: parent.is_none(),
            },
            permissions: vec!["tools.read".to_owned()],
            created_by: ANN.to_owned(),
            created_at: Timestamp(1),
            updated_at: Timestamp(1),
        };
        let parent = row("parent", None);
        let child = row("child", Some(&parent));
        let mut tx = db.begin().await.unwrap();
        users::insert(&mut tx, &user(ANN, false)).await.unwrap();
        roles::insert(&mut tx, &parent).await.unwrap();
        roles::insert(&mut tx, &child).await.unwrap();
        let given = roles::Assignment {
            id: "a".to_owned(),
            email: ANN.to_owned(),
            role_id: child.role.id.clone(),
            scope: RoleScope::Global,
            scope_id: None,
            granted_by: ANN.to_owned(),
            granted_at: Timestamp(2),
            expires_at: Some(Timestamp(9)),
        };
        roles::assign(&mut tx, &given).await.unwrap();
        let names: Vec<_> =
            roles::all_in(&mut tx).await.unwrap().into_iter().map(|row| row.role.name).collect();
        assert_eq!(names, ["child", "parent"]);
        tx.commit().await.unwrap();
        let back = roles::get(&db, &child.role.id).await.unwrap().unwrap().role;
        assert_eq!((back.inherits_from, back.is_active), (Some(parent.role.id.clone()), false));
        let mut tx = db.begin().await.unwrap();
        assert!(roles::insert(&mut tx, &row("child", None)).await.is_err(), "the name is taken");
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        assert!(roles::delete(&mut tx, &parent.role.id).await.is_err(), "another role stands on it");
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(roles::delete(&mut tx, &child.role.id).await.unwrap(), 1);
        assert_eq!(roles::delete(&mut tx, &parent.role.id).await.unwrap(), 0);
        tx.commit().await.unwrap();
        assert!(roles::of_person(&db, ANN).await.unwrap().is_empty());
    }
}
