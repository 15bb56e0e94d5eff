use domain::{Secret, id::UserId};
use serde_json::json;

use super::*;
use crate::authn::token::TokenUser;

const EMAIL: &str = "ann@example.com";

fn user(is_admin: bool) -> User {
    User {
        id: UserId::random(),
        email: EMAIL.to_owned(),
        full_name: None,
        password_hash: Secret::new(String::new()),
        is_admin,
        is_active: true,
        password_change_required: false,
        password_changed_at: Timestamp(0),
        email_verified_at: None,
        failed_login_attempts: 0,
        locked_until: None,
        last_login: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn claims(token_use: Option<&str>, flagged: bool, teams: Teams) -> Claims {
    let user = TokenUser { email: EMAIL.to_owned(), full_name: None, is_admin: flagged, auth_provider: None };
    Claims { token_use: token_use.map(str::to_owned), user: Some(user), teams, ..Claims::default() }
}

/// What the table says, in a word.
fn said(scope: Result<Scope>) -> String {
    match scope {
        Ok(Scope::PublicOnly) => "public".to_owned(),
        Ok(Scope::Unrestricted { .. }) => "everything".to_owned(),
        Ok(Scope::Teams { teams, .. }) => teams.len().to_string(),
        Err(Error::Decided(_)) => "left".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_table_of_the_contract() {
    let (mine, other) = (TeamId::random(), TeamId::random());
    let list = |ids: &[&TeamId]| Teams::List(ids.iter().map(|id| id.as_str().to_owned()).collect());
    let memberships = [mine.clone(), TeamId::random()];
    let rows = [
        // teams, API: administrator and others, session: administrator and others
        (Teams::Absent, ["public", "public", "everything", "2"]),
        (Teams::Null, ["everything", "public", "everything", "2"]),
        (list(&[]), ["public", "public", "everything", "2"]),
        (list(&[&mine]), ["1", "1", "1", "1"]),
        (list(&[&mine, &mine]), ["1", "1", "1", "1"]),
        (list(&[&mine, &other]), ["left", "left", "2", "1"]),
        (list(&[&other]), ["left", "left", "1", "public"]),
    ];
    for (teams, expected) in rows {
        for ((token_use, admin), expected) in
            [(None, true), (Some("api"), false), (Some("session"), true), (Some("session"), false)]
                .into_iter()
                .zip(expected)
        {
            let found = scope_of(&claims(token_use, admin, teams.clone()), &user(admin), &memberships);
            assert_eq!(said(found), expected, "{teams:?} {token_use:?} {admin}");
        }
    }
}

#[test]
fn the_flag_and_the_account_have_to_agree() {
    let everything = |flagged, admin| said(scope_of(&claims(None, flagged, Teams::Null), &user(admin), &[]));
    assert_eq!(everything(true, true), "everything");
    assert_eq!(
        (everything(true, false), everything(false, true)),
        ("public".to_owned(), "public".to_owned())
    );
}

#[test]
fn what_is_no_list_of_teams_is_refused() {
    for ids in [vec![" t1 ".to_owned()], vec![String::new()], vec![TeamId::random().into(); MOST_TEAMS + 1]] {
        let found = scope_of(&claims(None, true, Teams::List(ids)), &user(true), &[]);
        assert!(matches!(found, Err(Error::Unauthenticated(_))));
    }
}

fn row(permissions: &[&str], server: Option<&ServerId>) -> ApiToken {
    ApiToken {
        id: domain::id::TokenId::random(),
        email: EMAIL.to_owned(),
        team_id: None,
        name: "ci".to_owned(),
        description: None,
        token_hash: hexadecimal(&[7; 32]),
        limits: domain::api_token::TokenLimits {
            permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
            server_id: server.cloned(),
            usage_limits: json!({ "requests_per_hour": 3 }).as_object().cloned().unwrap(),
            ..Default::default()
        },
        tags: Vec::new(),
        created_by: EMAIL.to_owned(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        expires_at: Timestamp(100),
        last_used: None,
        is_active: true,
        revoked: None,
    }
}

fn scopes(permissions: &[&str], server: Option<&ServerId>) -> TokenScopes {
    TokenScopes {
        permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
        server_id: server.map(|id| id.as_str().to_owned()),
        ..TokenScopes::default()
    }
}

#[test]
fn a_row_narrows_and_never_widens() {
    use domain::Permission::{ToolsExecute, ToolsRead};
    let server = ServerId::random();
    let mut limits = Limits::of(&scopes(&["tools.read"], None)).unwrap();
    limits.narrow(&row(&["tools.read", "tools.execute"], Some(&server))).unwrap();
    assert!(limits.cap.has(ToolsRead) && !limits.cap.has(ToolsExecute));
    assert_eq!(limits.server.as_ref(), Some(&server));
    assert_eq!(limits.restrictions.usage.hourly, Some(3));
    let mut limits = Limits::of(&scopes(&[], Some(&server))).unwrap();
    limits.narrow(&row(&["tools.read"], None)).unwrap();
    assert!(!limits.cap.has(ToolsExecute) && limits.server.is_some(), "the token's own server stays");
    assert!(limits.narrow(&row(&[], Some(&server))).is_ok(), "the row may say the same");
    assert!(limits.narrow(&row(&[], Some(&ServerId::random()))).is_err(), "no server is both");
}

#[test]
fn a_row_counts_for_its_own_token_while_it_counts() {
    let ok =
        |row: &ApiToken, hash: u8, now| check_row(row, &user(false), &[hash; 32], Timestamp(now)).is_ok();
    let good = row(&[], None);
    assert!(ok(&good, 7, 99));
    assert!(!ok(&good, 8, 99) && !ok(&good, 7, 100));
    assert!(!ok(&ApiToken { is_active: false, ..good.clone() }, 7, 1));
    assert!(!ok(&ApiToken { email: "bob@example.com".to_owned(), ..good }, 7, 1));
}

#[test]
fn as_many_teams_as_are_allowed_are_read() {
    let team = TeamId::random();
    let ids = |count| Teams::List(vec![team.as_str().to_owned(); count]);
    let read = named(&ids(MOST_TEAMS)).unwrap();
    assert!(read.len() == 1 && read[0] == team, "each once");
    assert!(named(&ids(MOST_TEAMS + 1)).is_err());
}

#[test]
fn a_hash_is_written_in_hexadecimal() {
    let mut hash = [0; 32];
    (hash[0], hash[1], hash[31]) = (0x1f, 0xa0, 0x09);
    assert_eq!(hexadecimal(&hash), format!("1fa0{}09", "0".repeat(58)));
}

#[test]
fn nobody_is_as_public_as_can_be() {
    let nobody = anonymous();
    assert_eq!((nobody.email.as_str(), nobody.is_admin), (crate::authn::ANONYMOUS, false));
    assert_eq!(nobody.scope, Scope::PublicOnly);
    let mut names = nobody.granted.names();
    names.sort_unstable();
    let expected =
        ["prompts.read", "resources.read", "servers.read", "servers.use", "tools.execute", "tools.read"];
    assert_eq!(names, expected);
}
