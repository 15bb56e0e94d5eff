//! What the verifier accepts and refuses, in tokens made by hand.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

const NOW: i64 = 1_800_000_000;

fn settings() -> AuthSettings {
    let vars = [("JWT_SECRET_KEY", "k".repeat(40)), ("AUTH_ENCRYPTION_SECRET", "e".repeat(40))];
    let mut env = domain::Env::new(vars.map(|(name, value)| (name.to_owned(), value)));
    AuthSettings::read(&mut env).unwrap()
}

fn keys() -> TokenKeys {
    TokenKeys::new(&settings(), Environment::Development).unwrap()
}

fn signed(header: &str, payload: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, "k".repeat(40).as_bytes());
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn verify(header: &str, payload: &str) -> Result<Claims> {
    keys().verify(&signed(header, payload), Timestamp::from_seconds(NOW))
}

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn payload(extra: &str) -> String {
    format!(
        r#"{{"sub":"a@b.c","iss":"mcpgateway","aud":"mcpgateway-api","exp":{},"jti":"1"{extra}}}"#,
        NOW + 60
    )
}

#[test]
fn a_good_token_gives_its_claims() {
    let claims =
        verify(HS256, &payload(r#","teams":[{"id":"t1"},"t2"],"scopes":{"permissions":["tools.read"]}"#))
            .unwrap();
    assert_eq!(claims.teams, Teams::List(vec!["t1".to_owned(), "t2".to_owned()]));
    assert_eq!(claims.scopes.unwrap().permissions, ["tools.read"]);
}

#[test]
fn absent_null_and_empty_teams_differ() {
    assert_eq!(verify(HS256, &payload("")).unwrap().teams, Teams::Absent);
    assert_eq!(verify(HS256, &payload(r#","teams":null"#)).unwrap().teams, Teams::Null);
    assert_eq!(verify(HS256, &payload(r#","teams":[]"#)).unwrap().teams, Teams::List(vec![]));
}

#[test]
fn wrong_types_and_other_algorithms_are_refused() {
    for wrong in [
        r#","scopes":["tools.read"]"#,
        r#","scopes":{"permissions":"tools.read"}"#,
        r#","teams":"t1""#,
        r#","teams":[1]"#,
        r#","token_use":7"#,
        r#","user":"a@b.c""#,
        r#","is_admin":"true""#,
    ] {
        assert!(verify(HS256, &payload(wrong)).is_err(), "{wrong}");
    }
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"HS256","jku":"https://evil.example/k"}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
    ] {
        assert!(verify(header, &payload("")).is_err(), "{header}");
    }
}

#[test]
fn expiry_issuer_audience_id_and_environment_are_checked() {
    let token = |iss: &str, aud: &str, exp: i64, rest: &str| {
        format!(r#"{{"sub":"a@b.c","iss":"{iss}","aud":{aud},"exp":{exp}{rest}}}"#)
    };
    let jti = r#","jti":"1""#;
    let good = r#""mcpgateway-api""#;
    assert!(verify(HS256, &token("mcpgateway", r#"["x","mcpgateway-api"]"#, NOW + 1, jti)).is_ok());
    assert!(verify(HS256, &token("mcpgateway", good, NOW, jti)).is_err(), "expired this very second");
    assert!(verify(HS256, &token("other", good, NOW + 1, jti)).is_err());
    assert!(verify(HS256, &token("mcpgateway", r#""other""#, NOW + 1, jti)).is_err());
    assert!(verify(HS256, &token("mcpgateway", good, NOW + 1, "")).is_err(), "no jti");
    assert!(verify(HS256, &token("mcpgateway", good, NOW + 1, r#","jti":"1","nbf":1900000000"#)).is_err());
    assert!(verify(HS256, &token("mcpgateway", good, NOW + 1, r#","jti":"1","env":"production""#)).is_err());
    assert!(
        verify(HS256, r#"{"sub":"a@b.c","iss":"mcpgateway","aud":"mcpgateway-api","jti":"1"}"#).is_err(),
        "no exp"
    );
}

#[test]
fn a_minted_token_verifies_and_a_changed_one_does_not() {
    let clock = Clock::manual(Timestamp::from_seconds(NOW));
    let claims = Claims { sub: "u".to_owned(), exp: Some(NOW + 5), ..Claims::default() };
    let token = keys().mint(claims, &clock).unwrap();
    let back = keys().verify(token.expose(), clock.now()).unwrap();
    assert_eq!((back.sub.as_str(), back.env.as_deref()), ("u", Some("development")));
    let mut changed = token.expose().clone();
    changed.pop();
    assert!(keys().verify(&changed, clock.now()).is_err());
}
