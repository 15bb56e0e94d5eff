//! Every finding has its sentence, and all of them stand in `sentences.txt`, where they can be read in one go.

use std::{collections::BTreeMap, fmt::Write as _};

use domain::{Owned, PermissionSet, Timestamp, Visibility, id::ServerId};

use super::*;
use crate::policy::Act;

const TEAM: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SERVERS: [&str; 2] = ["11111111111111111111111111111111", "22222222222222222222222222222222"];

fn actor(scope: Scope) -> Actor {
    Actor {
        email: "bob@example.com".to_owned(),
        is_admin: false,
        granted: PermissionSet::NONE,
        in_team: BTreeMap::new(),
        cap: PermissionSet::from_names(["tools.read"]),
        scope,
        server: Some(ServerId::from_stored(SERVERS[0])),
        token_id: None,
        expires_at: Some(Timestamp::from_seconds(1_800_000_000)),
    }
}

fn row(team: Option<&str>) -> Owned {
    let team_id = team.map(TeamId::from_stored);
    Owned { visibility: Visibility::Team, team_id, owner_email: "ann@example.com".to_owned() }
}

fn teams() -> Scope {
    Scope::Teams { email: "bob@example.com".to_owned(), teams: vec![] }
}

fn written(step: &TraceStep) -> String {
    let change = step.change.as_deref().unwrap_or("-");
    format!("{} {:?}\n  {}\n  {change}\n", step.step, step.outcome, step.why)
}

fn every_reason() -> Vec<Reason> {
    use Permission::{ToolsRead, ToolsUpdate};
    use Reason as R;
    let restrictions = [Restriction::Network, Restriction::Time, Restriction::Usage, Restriction::Membership]
        .map(R::Restricted);
    let others = [
        R::Anonymous,
        R::SignedIn,
        R::NotRestricted,
        R::NotBound,
        R::AlreadyInside,
        R::OpenDoor,
        R::OnItsServer,
        R::OffItsServer,
        R::NothingNeeded,
        R::Administrator,
        R::Role,
        R::TeamRole,
        R::NoRole(ToolsUpdate),
        R::NotCapped,
        R::InsideCap,
        R::OutsideCap(ToolsRead),
        R::NotWhole,
        R::NoRow,
        R::PublicRow,
        R::TeamOfScope,
        R::EveryTeam,
        R::OwnPrivateRow,
        R::PublicOnlyScope,
        R::TeamOutsideScope,
        R::OwnButPublicOnly,
        R::PrivateOfAnother,
        R::MayMake,
        R::MakesPublicOnly,
        R::MakesInOtherTeam,
        R::NoTeamAsked,
        R::CoversTeam,
        R::NotInThisTeam,
        R::MakesWithoutTeamRole,
        R::NoOwnerAsked,
        R::Owner,
        R::CoversRow,
        R::NotTheOwner,
    ];
    restrictions.into_iter().chain(others).collect()
}

#[test]
fn every_finding_has_its_sentence() {
    let (team_row, no_team) = (row(Some(TEAM)), row(None));
    let mut text = String::new();
    let question = Question::of(Permission::ToolsUpdate).about("tool", Act::Change, &team_row);
    let bob = actor(teams());
    for reason in every_reason() {
        let step = told(reason, &bob, &question);
        assert_eq!((step.step, step.outcome), (reason.step(), reason.outcome()));
        assert_eq!(step.change.is_some(), step.outcome == Outcome::Denied, "{reason:?}");
        let said = (reason.label(), reason.text(), reason.hides());
        writeln!(text, "{reason:?}: {} {:?} {}", said.0, said.1, said.2).unwrap();
        text += &written(&step);
    }
    // What depends on more than the finding.
    text += "\nVariants\n";
    let elsewhere = ServerId::from_stored(SERVERS[1]);
    let at_server = Question { door: Door::Server(&elsewhere), ..Question::default() };
    let mut led = actor(teams());
    led.in_team.insert(TeamId::from_stored(TEAM), PermissionSet::from_names(["tools.update"]));
    let mut endless = actor(Scope::PublicOnly);
    (endless.expires_at, endless.cap) = (None, PermissionSet::NONE);
    let mut wide = actor(teams());
    wide.cap = PermissionSet::ALL;
    let without_team = Question::of(Permission::ToolsUpdate).about("tool", Act::Make, &no_team);
    let two = Question { entry: Some(Permission::ServersUse), ..Question::of(Permission::ToolsExecute) };
    let nothing = Question::default();
    for (reason, actor, question) in [
        (Reason::OffItsServer, &bob, &at_server),
        (Reason::NoRole(Permission::ToolsUpdate), &led, &question),
        (Reason::NoRole(Permission::ToolsUpdate), &endless, &question),
        (Reason::SignedIn, &endless, &nothing),
        (Reason::OutsideCap(Permission::ToolsRead), &endless, &nothing),
        (Reason::OutsideCap(Permission::ToolsRead), &wide, &nothing),
        (Reason::Role, &bob, &two),
        (Reason::PublicRow, &bob, &nothing),
        (Reason::CoversTeam, &bob, &nothing),
        (Reason::CoversTeam, &bob, &without_team),
        (Reason::MakesWithoutTeamRole, &bob, &without_team),
        (Reason::TeamOfScope, &bob, &without_team),
        (Reason::NotTheOwner, &bob, &nothing),
    ] {
        write!(text, "{reason:?}\n{}", written(&told(reason, actor, question))).unwrap();
    }
    assert_eq!(text, include_str!("sentences.txt"), "what is said now:\n{text}");
}

#[test]
fn a_trace_has_every_step_and_a_refusal_its_words() {
    let bob = actor(teams());
    let row = row(Some(TEAM));
    let question = Question::of(Permission::ToolsUpdate).about("tool", Act::Change, &row);
    let steps: Vec<_> = trace(&bob, &question).into_iter().map(|step| step.step).collect();
    let expected = [
        "credential",
        "restriction",
        "server_binding",
        "role",
        "token_cap",
        "visibility",
        "team",
        "ownership",
    ];
    assert_eq!(steps, expected);
    let Err(Error::Decided(denial)) = check(&bob, &question) else { panic!("it was allowed") };
    assert_eq!(
        (denial.email.as_str(), denial.text, denial.reason),
        ("bob@example.com", "Access denied", "role")
    );
    assert_eq!((denial.needs, denial.trace.len()), (Some(Permission::ToolsUpdate), 8));
    // What was asked for last, where nothing is missing by name.
    let bound = Question { door: Door::Elsewhere, entry: Some(Permission::ServersUse), ..question };
    let Err(Error::Decided(denial)) = check(&bob, &bound) else { panic!("it was allowed") };
    assert_eq!((denial.reason, denial.needs), ("server_binding", Some(Permission::ToolsUpdate)));
    assert!(check(&bob, &Question::default()).is_ok());
    // The one that is missing, and not the one that was asked for last.
    let two = Question { entry: Some(Permission::PromptsRead), ..question };
    let Err(Error::Decided(denial)) = check(&bob, &two) else { panic!("it was allowed") };
    assert_eq!((denial.reason, denial.needs), ("role", Some(Permission::PromptsRead)));
    let mut capped = actor(teams());
    (capped.granted, capped.server) = (PermissionSet::ALL, None);
    let Err(Error::Decided(denial)) = check(&capped, &two) else { panic!("it was allowed") };
    assert_eq!((denial.reason, denial.needs), ("token_cap", Some(Permission::PromptsRead)));
}

#[test]
fn rules_and_those_who_left_are_refused_in_words() {
    let bob = actor(teams());
    let Error::Decided(denial) = refuse(&bob, "why", "change") else { panic!("another error") };
    let step = &denial.trace[0];
    assert_eq!(
        (denial.text, denial.reason, denial.email.as_str()),
        ("Access denied", "rule", "bob@example.com")
    );
    assert_eq!((&*step.why, step.change.as_deref(), step.outcome), ("why", Some("change"), Outcome::Denied));
    let Error::Decided(denial) = refuse_saying("words", &bob, "why", "change") else {
        panic!("another error")
    };
    assert_eq!((denial.text, denial.trace.len()), ("words", 1));
    let Error::Decided(denial) = outsider("ann@example.com") else { panic!("another error") };
    assert_eq!((denial.email.as_str(), denial.reason), ("ann@example.com", "membership"));
    assert!(denial.text.contains("no longer a member") && denial.trace[0].change.is_some());
}

#[test]
fn long_lists_are_cut() {
    assert_eq!(few(&[]), "no known permission");
    assert_eq!(few(&["a", "b"]), "a, b");
    assert_eq!(few(&["a"; 8]), ["a"; 8].join(", "));
    assert_eq!(few(&["a"; 10]), format!("{} and 2 more", ["a"; 8].join(", ")));
}
