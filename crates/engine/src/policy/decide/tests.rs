//! What each step finds, where the comparison with the model sees no more than the answer.

use std::collections::BTreeMap;

use domain::{Permission, id::ServerId};

use super::*;
use crate::policy::Restriction;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const RED: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BLUE: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn team_id(id: &str) -> TeamId {
    TeamId::from_stored(id)
}

fn bob(scope: Scope) -> Actor {
    Actor {
        email: BOB.to_owned(),
        is_admin: false,
        granted: PermissionSet::NONE,
        in_team: BTreeMap::new(),
        cap: PermissionSet::ALL,
        scope,
        server: None,
        token_id: None,
        expires_at: None,
    }
}

fn scope_of_red() -> Scope {
    Scope::Teams { email: BOB.to_owned(), teams: vec![team_id(RED)] }
}

fn row(visibility: Visibility, team: Option<&str>, owner: &str) -> Owned {
    Owned { visibility, team_id: team.map(team_id), owner_email: owner.to_owned() }
}

/// What the named step finds.
fn found(actor: &Actor, question: &Question<'_>, step: &str) -> Reason {
    findings(actor, question).find(|reason| reason.step() == step).unwrap()
}

#[test]
fn anonymous_callers_are_told_from_people() {
    let mut actor = bob(Scope::PublicOnly);
    assert_eq!(found(&actor, &Question::default(), "credential"), Reason::SignedIn);
    actor.email = crate::authn::ANONYMOUS.to_owned();
    assert_eq!(found(&actor, &Question::default(), "credential"), Reason::Anonymous);
}

#[test]
fn a_restriction_that_stands_against_it_decides() {
    let actor = bob(scope_of_red());
    assert!(decide(&actor, &Question::default()).is_ok());
    let question = Question { restriction: Some(Restriction::Time), ..Question::default() };
    assert_eq!(decide(&actor, &question), Err(Reason::Restricted(Restriction::Time)));
}

#[test]
fn a_capped_token_has_what_is_in_its_cap_and_no_route_without_a_permission() {
    let reads = Question::of(Permission::ToolsRead);
    let whole = Question { whole_token: true, ..Question::default() };
    let mut actor = bob(scope_of_red());
    assert_eq!(found(&actor, &reads, "token_cap"), Reason::NotCapped);
    assert_eq!(found(&actor, &whole, "token_cap"), Reason::NotCapped);
    actor.cap = PermissionSet::from_names(["tools.read"]);
    assert_eq!(found(&actor, &reads, "token_cap"), Reason::InsideCap);
    assert_eq!(found(&actor, &Question::default(), "token_cap"), Reason::InsideCap);
    assert_eq!(decide(&actor, &whole), Err(Reason::NotWhole));
    let updates = Question::of(Permission::ToolsUpdate);
    assert_eq!(found(&actor, &updates, "token_cap"), Reason::OutsideCap(Permission::ToolsUpdate));
    // What the door demands comes first.
    let both = Question { entry: Some(Permission::PromptsRead), ..updates };
    assert_eq!(found(&actor, &both, "token_cap"), Reason::OutsideCap(Permission::PromptsRead));
}

#[test]
fn the_server_of_a_bound_token_is_compared() {
    let (one, other) = (ServerId::from_stored(RED), ServerId::from_stored(BLUE));
    let mut actor = bob(scope_of_red());
    let at = |door| Question::entering(door);
    assert_eq!(found(&actor, &at(Door::Server(&other)), "server_binding"), Reason::NotBound);
    actor.server = Some(one.clone());
    for (door, expected) in [
        (Door::Inside, Reason::AlreadyInside),
        (Door::Open, Reason::OpenDoor),
        (Door::Server(&one), Reason::OnItsServer),
        (Door::Server(&other), Reason::OffItsServer),
        (Door::Elsewhere, Reason::OffItsServer),
    ] {
        assert_eq!(found(&actor, &at(door), "server_binding"), expected, "{door:?}");
    }
}

#[test]
fn roles_are_found_where_they_are() {
    let question = Question::of(Permission::ToolsRead);
    let role = |actor: &Actor| found(actor, &question, "role");
    let mut actor = bob(scope_of_red());
    assert_eq!(role(&actor), Reason::NoRole(Permission::ToolsRead));
    assert_eq!(found(&actor, &Question::default(), "role"), Reason::NothingNeeded);
    actor.in_team.insert(team_id(BLUE), PermissionSet::from_names(["tools.read"]));
    assert_eq!(role(&actor), Reason::NoRole(Permission::ToolsRead), "beyond the scope");
    actor.in_team.insert(team_id(RED), PermissionSet::from_names(["tools.read"]));
    assert_eq!(role(&actor), Reason::TeamRole);
    actor.granted = PermissionSet::from_names(["tools.read"]);
    assert_eq!(role(&actor), Reason::Role);
    let both = Question { entry: Some(Permission::PromptsRead), ..question };
    assert_eq!(found(&actor, &both, "role"), Reason::NoRole(Permission::PromptsRead), "both are needed");
    actor.is_admin = true;
    assert_eq!(role(&actor), Reason::Administrator);
}

#[test]
fn each_way_in_which_a_row_is_seen_or_hidden_is_told_apart() {
    use Visibility::{Private, Public, Team};
    let everything = Scope::Unrestricted { email: BOB.to_owned() };
    for (scope, owned, expected) in [
        (Scope::PublicOnly, row(Public, None, ANN), Reason::PublicRow),
        (everything.clone(), row(Public, Some(BLUE), ANN), Reason::PublicRow),
        (everything.clone(), row(Team, Some(BLUE), ANN), Reason::EveryTeam),
        (everything.clone(), row(Private, None, ANN), Reason::PrivateOfAnother),
        (everything, row(Private, None, BOB), Reason::OwnPrivateRow),
        (scope_of_red(), row(Team, Some(RED), ANN), Reason::TeamOfScope),
        (scope_of_red(), row(Team, Some(BLUE), BOB), Reason::TeamOutsideScope),
        (scope_of_red(), row(Private, Some(RED), BOB), Reason::OwnPrivateRow),
        (scope_of_red(), row(Private, Some(RED), ANN), Reason::PrivateOfAnother),
        (Scope::PublicOnly, row(Team, Some(RED), BOB), Reason::PublicOnlyScope),
        (Scope::PublicOnly, row(Private, None, BOB), Reason::OwnButPublicOnly),
        (Scope::PublicOnly, row(Private, None, ANN), Reason::PrivateOfAnother),
    ] {
        let actor = bob(scope);
        let question = Question::default().about("tool", Act::Use, &owned);
        assert_eq!(found(&actor, &question, "visibility"), expected, "{owned:?} {:?}", actor.scope);
        assert_eq!(expected.hides(), expected.outcome() == Outcome::Denied, "what is not seen is not there");
    }
    assert_eq!(found(&bob(scope_of_red()), &Question::default(), "visibility"), Reason::NoRow);
}

#[test]
fn what_is_made_stays_within_the_scope_and_the_roles() {
    use Visibility::{Private, Public, Team};
    let made = |actor: &Actor, owned: &Owned| {
        let question = Question::of(Permission::ToolsCreate).about("tool", Act::Make, owned);
        (found(actor, &question, "visibility"), found(actor, &question, "team"))
    };
    let mut actor = bob(scope_of_red());
    actor.in_team.insert(team_id(RED), PermissionSet::from_names(["tools.create"]));
    let (may, covers, not) = (Reason::MayMake, Reason::CoversTeam, Reason::MakesWithoutTeamRole);
    assert_eq!(made(&actor, &row(Team, Some(RED), BOB)), (may, covers));
    assert_eq!(made(&actor, &row(Public, Some(RED), BOB)), (may, covers));
    assert_eq!(made(&actor, &row(Private, None, BOB)), (may, not), "a role in a team covers its team");
    assert_eq!(made(&actor, &row(Team, Some(BLUE), BOB)), (Reason::MakesInOtherTeam, not));
    let mut nobody = bob(Scope::PublicOnly);
    nobody.granted = PermissionSet::from_names(["tools.create"]);
    assert_eq!(made(&nobody, &row(Public, None, BOB)), (may, covers));
    assert_eq!(made(&nobody, &row(Private, None, BOB)).0, Reason::MakesPublicOnly);
    assert_eq!(made(&nobody, &row(Public, Some(RED), BOB)).0, Reason::MakesInOtherTeam);
}

#[test]
fn rows_are_changed_by_owners_and_by_those_who_run_the_team() {
    use Visibility::{Public, Team};
    let changed = |actor: &Actor, owned: &Owned, kind: &'static str| {
        let question = Question::of(Permission::ToolsUpdate).about(kind, Act::Change, owned);
        found(actor, &question, "ownership")
    };
    let (anns, bobs) = (row(Team, Some(RED), ANN), row(Team, Some(RED), BOB));
    let mut actor = bob(scope_of_red());
    assert_eq!(changed(&actor, &bobs, "tool"), Reason::Owner);
    assert_eq!(changed(&actor, &anns, "tool"), Reason::NotTheOwner);
    actor.in_team.insert(team_id(RED), PermissionSet::from_names(["tools.update"]));
    assert_eq!(changed(&actor, &anns, "tool"), Reason::NotTheOwner, "a developer changes what is theirs");
    assert_eq!(changed(&actor, &anns, crate::policy::TEAM), Reason::CoversRow, "a team is nobody's row");
    let runs = PermissionSet::from_names(["tools.update", "teams.manage_members"]);
    actor.in_team.insert(team_id(RED), runs);
    assert_eq!(changed(&actor, &anns, "tool"), Reason::CoversRow);
    assert_eq!(changed(&actor, &row(Public, None, ANN), "tool"), Reason::NotTheOwner);
    let question = Question::of(Permission::ToolsUpdate).about("tool", Act::Use, &anns);
    assert_eq!(found(&actor, &question, "ownership"), Reason::NoOwnerAsked);
    assert_eq!(found(&actor, &Question::default(), "ownership"), Reason::NoOwnerAsked);
}

#[test]
fn a_role_in_one_team_does_not_reach_into_another() {
    use Visibility::{Private, Public, Team};
    let scope = Scope::Teams { email: BOB.to_owned(), teams: vec![team_id(RED), team_id(BLUE)] };
    let mut actor = bob(scope);
    actor.in_team.insert(team_id(RED), PermissionSet::from_names(["tools.read"]));
    let used = |owned: &Owned, act| {
        found(&actor, &Question::of(Permission::ToolsRead).about("tool", act, owned), "team")
    };
    assert_eq!(used(&row(Team, Some(RED), ANN), Act::Use), Reason::CoversTeam);
    assert_eq!(used(&row(Team, Some(BLUE), ANN), Act::Use), Reason::NotInThisTeam);
    assert_eq!(used(&row(Public, Some(BLUE), ANN), Act::Use), Reason::NoTeamAsked);
    assert_eq!(used(&row(Private, Some(BLUE), BOB), Act::Use), Reason::NoTeamAsked);
    assert_eq!(used(&row(Team, Some(BLUE), ANN), Act::Change), Reason::NoTeamAsked);
    assert_eq!(found(&actor, &Question::of(Permission::ToolsRead), "team"), Reason::NoTeamAsked);
}
