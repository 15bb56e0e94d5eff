//! The catalogue of API tokens, what ends credentials, and how tokens are used.

use domain::{
    Error, Timestamp,
    api_token::{ApiToken, TokenLimits, TokenRevocation, TokenUsage},
    id::{ServerId, TeamId, TokenId},
};
use serde_json::json;

use super::{ANN, BOB, databases, user};
use crate::{
    Db, api_tokens,
    api_tokens::Filter,
    token_usage, tokens,
    tokens::{Changes, PersonMark, Revocation, TokenMark},
    users,
};

/// A token without an empty field.
fn token(email: &str, name: &str, at: i64) -> ApiToken {
    ApiToken {
        id: TokenId::random(),
        email: email.to_owned(),
        team_id: Some(TeamId::from_stored("red")),
        name: name.to_owned(),
        description: Some("d".to_owned()),
        token_hash: "0f".repeat(32),
        limits: TokenLimits {
            server_id: Some(ServerId::random()),
            permissions: vec!["tools.read".to_owned()],
            ip_restrictions: vec!["10.0.0.0/8".to_owned()],
            time_restrictions: json!({ "weekdays_only": true }).as_object().cloned().unwrap(),
            usage_limits: json!({ "requests_per_hour": 5 }).as_object().cloned().unwrap(),
        },
        tags: vec!["ci".to_owned()],
        created_by: BOB.to_owned(),
        created_at: Timestamp(at),
        updated_at: Timestamp(at),
        expires_at: Timestamp(at + 100),
        last_used: None,
        is_active: true,
        revoked: None,
    }
}

/// A database with two people.
async fn with_people(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    users::insert(&mut tx, &user(ANN, false)).await.unwrap();
    users::insert(&mut tx, &user(BOB, false)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn insert(db: &Db, token: &ApiToken) -> Result<(), Error> {
    let mut tx = db.begin().await.unwrap();
    api_tokens::insert(&mut tx, token).await?;
    tx.commit().await
}

#[tokio::test]
async fn tokens_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        with_people(&db).await;
        let mut one = token(ANN, "ci", 1);
        insert(&db, &one).await.unwrap();
        assert_eq!(api_tokens::get(&db, one.id.as_str()).await.unwrap().unwrap(), one);
        one.name = "other".to_owned();
        one.limits = TokenLimits::default();
        one.is_active = false;
        one.revoked =
            Some(TokenRevocation { at: Timestamp(9), by: BOB.to_owned(), reason: Some("lost".to_owned()) });
        let mut tx = db.begin().await.unwrap();
        api_tokens::update(&mut tx, &one).await.unwrap();
        api_tokens::note_used(&mut tx, one.id.as_str(), Timestamp(7)).await.unwrap();
        api_tokens::note_used(&mut tx, one.id.as_str(), Timestamp(6)).await.unwrap();
        one.last_used = Some(Timestamp(7));
        assert_eq!(api_tokens::get_in(&mut tx, &one.id).await.unwrap().unwrap(), one);
        tx.commit().await.unwrap();
        assert_eq!(api_tokens::get(&db, "nope").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_name_is_taken_while_its_token_lives() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        with_people(&db).await;
        let mut first = token(ANN, "ci", 1);
        insert(&db, &first).await.unwrap();
        assert!(matches!(insert(&db, &token(ANN, "ci", 2)).await, Err(Error::AlreadyExists { .. })));
        insert(&db, &token(BOB, "ci", 2)).await.unwrap();
        insert(&db, &ApiToken { team_id: None, ..token(ANN, "ci", 2) }).await.unwrap();
        first.revoked = Some(TokenRevocation { at: Timestamp(3), by: ANN.to_owned(), reason: None });
        let mut tx = db.begin().await.unwrap();
        api_tokens::update(&mut tx, &first).await.unwrap();
        tx.commit().await.unwrap();
        insert(&db, &token(ANN, "ci", 3)).await.unwrap();
        insert(&db, &token(ANN, "ci", 103)).await.unwrap();
    }
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        with_people(&db).await;
        for (n, at) in [(1, 10), (2, 20), (3, 30)] {
            insert(&db, &token(ANN, &format!("t{n}"), at)).await.unwrap();
        }
        insert(&db, &ApiToken { team_id: None, ..token(BOB, "b", 40) }).await.unwrap();
        insert(&db, &ApiToken { is_active: false, ..token(BOB, "off", 50) }).await.unwrap();
        let names = async |filter: Filter<'_>, page| -> Vec<String> {
            let rows = api_tokens::list(&db, &filter, page).await.unwrap();
            rows.into_iter().map(|token| token.name).collect()
        };
        let all = Filter::default();
        assert_eq!(names(all.clone(), (50, 0)).await, ["off", "b", "t3", "t2", "t1"]);
        assert_eq!(names(all.clone(), (2, 1)).await, ["b", "t3"]);
        assert_eq!(api_tokens::count(&db, &all).await.unwrap(), 5);
        let red = TeamId::from_stored("red");
        let of = Filter { email: Some(BOB), team: Some(&red), usable_at: None };
        assert_eq!(names(of, (50, 0)).await, ["off"]);
        let usable = Filter { usable_at: Some(Timestamp(115)), ..Filter::default() };
        assert_eq!(names(usable.clone(), (50, 0)).await, ["b", "t3", "t2"], "t1 is over and one is off");
        assert_eq!(api_tokens::count(&db, &usable).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn every_end_of_a_credential_is_found_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        with_people(&db).await;
        let seq = async || crate::sequences::read(&db, tokens::SEQUENCE).await.unwrap();
        let start = seq().await;
        let now = Timestamp(50);
        assert_eq!(tokens::changes(&db, start, now).await.unwrap(), Changes::default());
        let mut one = token(ANN, "ci", 1);
        insert(&db, &one).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for (jti, end) in [("a", Some(Timestamp(60))), ("over", Some(Timestamp(50))), ("b", None)] {
            let revocation = Revocation { jti, email: ANN, at: Timestamp(5), expires_at: end, reason: None };
            tokens::revoke(&mut tx, &revocation).await.unwrap();
        }
        one.is_active = false;
        api_tokens::update(&mut tx, &one).await.unwrap();
        tokens::touch(&mut tx, ANN).await.unwrap();
        let ann = users::by_email_in(&mut tx, ANN).await.unwrap().unwrap();
        let bob = users::by_email_in(&mut tx, BOB).await.unwrap().unwrap();
        users::update(&mut tx, &domain::person::User { is_active: false, ..bob }).await.unwrap();
        tx.commit().await.unwrap();
        let mut found = tokens::changes(&db, start, now).await.unwrap();
        found.revoked.sort();
        found.people.sort_by(|a, b| a.email.cmp(&b.email));
        assert_eq!(found.revoked, [("a".to_owned(), Some(Timestamp(60))), ("b".to_owned(), None)]);
        let mark = |email: &str, disabled, seq| PersonMark {
            email: email.to_owned(),
            valid_after: Timestamp(0),
            disabled,
            seq,
        };
        assert_eq!(found.people, [mark(ANN, false, start + 5), mark(BOB, true, start + 6)]);
        let jti = one.id.as_str().to_owned();
        assert_eq!(found.tokens, [TokenMark { jti, is_active: false, seq: start + 4 }]);
        assert_eq!(tokens::changes(&db, seq().await, now).await.unwrap(), Changes::default());
        let begin = tokens::ended(&db, now).await.unwrap();
        assert_eq!(begin.people, [mark(BOB, true, start + 6)], "only those of whom something ended");
        let mut tx = db.begin().await.unwrap();
        users::delete(&mut tx, &ann.id).await.unwrap();
        tx.commit().await.unwrap();
        let found = tokens::changes(&db, start + 6, now).await.unwrap();
        assert_eq!(found.people, [mark(ANN, true, start + 7)]);
        assert_eq!(api_tokens::get(&db, one.id.as_str()).await.unwrap(), None, "it goes with its owner");
    }
}

#[tokio::test]
async fn use_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let mut tx = db.begin().await.unwrap();
        let more = TokenUsage { served: 2, blocked: 1, micros: 30 };
        for hour in [24, 24, 25, 49] {
            token_usage::add(&mut tx, "t", hour, more).await.unwrap();
        }
        token_usage::add(&mut tx, "other", 24, more).await.unwrap();
        for (day, endpoint, count) in [(1, "GET /a", 3), (1, "GET /b", 5), (2, "GET /a", 4), (0, "GET /c", 9)]
        {
            token_usage::add_endpoint(&mut tx, "t", day, (endpoint, count)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let sum = token_usage::since(&db, "t", 25).await.unwrap();
        assert_eq!(sum, TokenUsage { served: 4, blocked: 2, micros: 60 });
        assert_eq!(token_usage::since(&db, "t", 50).await.unwrap(), TokenUsage::default());
        let top = token_usage::top_endpoints(&db, "t", 1, 1).await.unwrap();
        assert_eq!(top, [("GET /a".to_owned(), 7)]);
        let mut tx = db.begin().await.unwrap();
        token_usage::forget(&mut tx, 25).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(token_usage::since(&db, "t", 0).await.unwrap().served, 4);
        assert_eq!(token_usage::top_endpoints(&db, "t", 0, 9).await.unwrap().len(), 2);
    }
}
