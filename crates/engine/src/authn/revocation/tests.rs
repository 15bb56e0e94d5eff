use store::tokens::{PersonMark, TokenMark};

use super::{
    super::{credential::Use, token::Claims},
    *,
};

fn settings() -> AuthSettings {
    let secrets = ["JWT_SECRET_KEY", "AUTH_ENCRYPTION_SECRET"].map(|name| (name.to_owned(), "x".repeat(40)));
    AuthSettings::read(&mut domain::Env::new(secrets)).unwrap()
}

fn session(jti: &str, issued: i64) -> Credential {
    let claims = Claims {
        jti: Some(jti.to_owned()),
        iat: Some(issued),
        token_use: Some("session".to_owned()),
        ..Claims::default()
    };
    Credential::of(&claims, Some("ann@example.com"))
}

fn person(seq: i64, valid_after: i64, disabled: bool) -> Changes {
    let valid_after = Timestamp::from_seconds(valid_after);
    let mark = PersonMark { email: "ann@example.com".to_owned(), valid_after, disabled, seq };
    Changes { people: vec![mark], ..Changes::default() }
}

#[test]
fn a_revoked_token_ends_and_no_other() {
    let known = Revocations::new(&settings());
    let revoked = vec![("one".to_owned(), Some(Timestamp::from_seconds(100)))];
    known.learn(7, Changes { revoked, ..Changes::default() });
    assert!(known.check(&session("one", 1)).is_err() && known.check(&session("two", 1)).is_ok());
    assert_eq!(known.seq(), 7);
    known.forget_ended(Timestamp::from_seconds(99));
    assert!(known.check(&session("one", 1)).is_err(), "never early");
    known.forget_ended(Timestamp::from_seconds(100));
    assert!(known.check(&session("one", 1)).is_ok(), "its expiry refuses it now");
}

#[test]
fn people_end_all_of_theirs_or_those_issued_before() {
    let known = Revocations::new(&settings());
    known.learn(2, person(2, 50, false));
    assert!(known.check(&session("a", 49)).is_err() && known.check(&session("b", 50)).is_ok());
    let claims = Claims { sub: domain::id::UserId::random().as_str().to_owned(), ..Claims::default() };
    let api = Credential::of(&claims, Some("ann@example.com"));
    assert_eq!(api.kind, Use::Api);
    assert!(known.check(&api).is_ok(), "a token by id outlives a password");
    known.learn(3, person(3, 50, true));
    assert!(known.check(&session("b", 60)).is_err() && known.check(&api).is_err());
    known.learn(4, person(4, 50, false));
    assert!(known.check(&api).is_ok(), "switched on again");
    known.learn(4, person(3, 50, true));
    assert!(known.check(&api).is_ok(), "what is older changes nothing");
}

#[test]
fn a_change_of_the_token_is_told_by_its_number() {
    let known = Revocations::new(&settings());
    let mark = |seq, is_active| Changes {
        tokens: vec![TokenMark { jti: "one".to_owned(), is_active, seq }],
        ..Changes::default()
    };
    assert_eq!(known.check(&session("one", 1)).unwrap(), 0);
    known.learn(5, mark(5, true));
    assert_eq!(known.check(&session("one", 1)).unwrap(), 5);
    known.learn(6, mark(6, false));
    assert!(known.check(&session("one", 1)).is_err());
}

#[test]
fn a_hundred_thousand_revocations_are_small() {
    let known = Revocations::new(&settings());
    let revoked =
        (0..100_000).map(|n| (format!("6c0ffee0-0000-4000-8000-{n:012}"), Some(Timestamp(0)))).collect();
    known.learn(1, Changes { revoked, ..Changes::default() });
    let known = known.read();
    assert_eq!(known.revoked.len(), 100_000, "no two of them are the same");
    // One byte of control beside each slot, and up to twice the slots while the table grows.
    let bytes = known.revoked.capacity() * (size_of::<(Key, i64)>() + 1) * 8 / 7;
    assert!(bytes < 5 << 20, "{bytes}");
}

/// What the map allocates is one slot a bucket and a byte of control for each; a bucket in eight stays empty.
#[test]
fn a_hundred_thousand_revoked_tokens_are_small() {
    let known = Revocations::new(&settings());
    let end = Some(Timestamp::from_seconds(i64::MAX / 2_000_000));
    let revoked = (0..100_000).map(|n| (format!("revoked-{n}"), end)).collect();
    known.learn(1, Changes { revoked, ..Changes::default() });
    let buckets = known.read().revoked.capacity() * 8 / 7;
    let bytes = buckets * (size_of::<(Key, i64)>() + 1);
    assert!(known.read().revoked.len() == 100_000 && bytes <= 10 << 20, "{bytes} bytes");
    assert!(known.check(&session("revoked-77777", 1)).is_err());
    assert!(known.check(&session("revoked-100000", 1)).is_ok());
}
