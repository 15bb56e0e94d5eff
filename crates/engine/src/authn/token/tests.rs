//! What the verifier accepts and refuses, in tokens made by hand.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

pub(super) const NOW: i64 = 1_800_000_000;

fn settings(more: &[(&str, &str)]) -> AuthSettings {
    let vars = [("JWT_SECRET_KEY", "k".repeat(40)), ("AUTH_ENCRYPTION_SECRET", "e".repeat(40))];
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let mut env =
        domain::Env::new(vars.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)));
    AuthSettings::read(&mut env).unwrap()
}

pub(super) fn keys_with(more: &[(&str, &str)]) -> TokenKeys {
    TokenKeys::new(&settings(more), Environment::Development).unwrap()
}

fn keys() -> TokenKeys {
    keys_with(&[])
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
    let claims = verify(
        HS256,
        &payload(r#","teams":[{"id":"t1"},{"id":"t2"}],"scopes":{"permissions":["tools.read"]}"#),
    )
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
fn wrong_types_and_doubled_names_are_refused() {
    for wrong in [
        r#","scopes":["tools.read"]"#,
        r#","scopes":{"permissions":"tools.read"}"#,
        r#","scopes":{"permissions":[],"permissions":["tools.read"]}"#,
        r#","scopes":{"time_restrictions":{"a":[{"b":1,"b":2}]}}"#,
        r#","teams":"t1""#,
        r#","teams":{"t1":1}"#,
        r#","teams":[1]"#,
        r#","teams":[null]"#,
        r#","teams":[["t1"]]"#,
        r#","teams":["t1",{"id":"t2"}]"#,
        r#","teams":[{"name":"t1"}]"#,
        r#","token_use":7"#,
        r#","user":"a@b.c""#,
        r#","user":["a@b.c"]"#,
        r#","is_admin":"true""#,
        r#","sub":"b@b.c""#,
        r#","other":1,"other":1"#,
        r#","iat":"1""#,
        r#","iat":1.5"#,
        r#","nbf":"1""#,
        r#","nbf":[1]"#,
    ] {
        assert!(verify(HS256, &payload(wrong)).is_err(), "{wrong}");
    }
    for exp in ["\"1900000000\"", "1900000000.0", "1e400", "1.9e9", "-1", "[1900000000]", "null", "true"] {
        let claims =
            format!(r#"{{"sub":"a@b.c","iss":"mcpgateway","aud":"mcpgateway-api","exp":{exp},"jti":"1"}}"#);
        assert!(verify(HS256, &claims).is_err(), "{exp}");
    }
    for claims in ["", "null", "1", "\"x\"", r#"["a@b.c"]"#, "{}", "{\"sub\":\"a\"}x", "\u{feff}{}"] {
        assert!(verify(HS256, claims).is_err(), "{claims}");
    }
}

#[test]
fn headers_that_say_more_than_they_may_are_refused() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","jku":"https://evil.example/k"}"#,
        r#"{"alg":"HS256","x5u":"https://evil.example/k"}"#,
        r#"{"alg":"HS256","x5c":["AAAA"]}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
        r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","b64":true}"#,
        r#"{"alg":"HS256","zip":"DEF"}"#,
        r#"{"alg":"HS256","jku":null}"#,
        r#"{"alg":"HS256","typ":"JWE"}"#,
        r#"{"alg":"HS256","typ":7}"#,
        r#"{"alg":"HS256","kid":7}"#,
        r#"{"alg":"HS256","kid":"another"}"#,
        r#"{"alg":"HS256","kid":"../../dev/null"}"#,
        r#"["HS256"]"#,
    ] {
        assert!(verify(header, &payload("")).is_err(), "{header}");
    }
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":"jwt","x5t":"AAAA","cty":"json"}"#,
    ] {
        assert!(verify(header, &payload("")).is_ok(), "{header}");
    }
}

#[test]
fn the_compact_form_is_exact() {
    let token = signed(HS256, &payload(""));
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let now = Timestamp::from_seconds(NOW);
    assert!(keys().verify(&token, now).is_ok());
    for wrong in [
        format!("{token}="),
        format!("{token}."),
        format!("{token}.x"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}?.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!(".{claims}.{signature}"),
        "..".to_owned(),
        String::new(),
    ] {
        assert!(keys().verify(&wrong, now).is_err(), "{wrong}");
    }
    let long = signed(HS256, &payload(&format!(r#","pad":"{}""#, "x".repeat(8192))));
    assert!(keys().verify(&long, now).is_err(), "longer than 8 KB");
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
    assert!(verify(HS256, &token("mcpgateway", r#"["other","mcpgateway"]"#, NOW + 1, jti)).is_err());
    assert!(verify(HS256, &token("mcpgateway", "[]", NOW + 1, jti)).is_err());
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

#[test]
fn clocks_of_issuers_may_be_a_little_ahead() {
    let at = |claim: &str, seconds: i64| verify(HS256, &payload(&format!(r#","{claim}":{}"#, NOW + seconds)));
    for claim in ["iat", "nbf"] {
        assert!(at(claim, -60).is_ok());
        assert!(at(claim, 5).is_ok());
        assert!(at(claim, 6).is_err(), "{claim}");
    }
}

#[test]
fn tokens_without_an_environment_count_unless_they_must_have_one() {
    let with = |value: &str, iss: &str| {
        let keys = keys_with(&[("REQUIRE_TOKEN_ENVIRONMENT", value), ("JWT_ISSUER_VERIFICATION", "false")]);
        let claims =
            format!(r#"{{"sub":"a","iss":"{iss}","aud":"mcpgateway-api","exp":{},"jti":"1"}}"#, NOW + 9);
        keys.verify(&signed(HS256, &claims), Timestamp::from_seconds(NOW)).is_ok()
    };
    assert!(with("off", "mcpgateway") && with("off", "https://idp.example"));
    assert!(!with("gateway", "mcpgateway") && with("gateway", "https://idp.example"));
    assert!(!with("all", "mcpgateway") && !with("all", "https://idp.example"));
}

#[test]
fn tokens_of_the_python_gateway_count() {
    // As `create_jwt_token` and the login of ContextForge 1.0.x write them.
    for claims in [
        format!(
            r#"{{"username":"a@b.c","sub":"a@b.c","iat":{NOW},"iss":"mcpgateway","aud":"mcpgateway-api","jti":"x","env":"development","exp":{}}}"#,
            NOW + 9
        ),
        format!(
            r#"{{"sub":"0d0ae5b5-3c5e-4ad2-8ee4-1f9a4c0cd2bb","iss":"mcpgateway","aud":"mcpgateway-api","iat":{NOW},"exp":{},"jti":"x","token_use":"session","auth_provider":"local","last_activity":{NOW},"scopes":{{"server_id":null,"permissions":["*"],"ip_restrictions":[],"time_restrictions":{{}}}},"env":"development"}}"#,
            NOW + 9
        ),
    ] {
        assert!(verify(r#"{"alg":"HS256","typ":"JWT"}"#, &claims).is_ok(), "{claims}");
    }
}

#[test]
fn ids_of_tokens_are_random() {
    let (one, other) = (new_token_id(), new_token_id());
    assert_ne!(one, other);
    assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
}

#[test]
fn who_has_no_private_key_signs_nothing() {
    assert!(keys().can_sign());
    let folder = tempfile::tempdir().unwrap();
    let algorithm = keys::Algorithm::named("ES256").unwrap();
    let key = keys::generate::key(algorithm, 0).unwrap();
    let path = folder.path().join("public.pem");
    std::fs::write(&path, key.public.unwrap()).unwrap();
    let keys = keys_with(&[("JWT_ALGORITHM", "ES256"), ("JWT_PUBLIC_KEY_PATH", path.to_str().unwrap())]);
    assert!(!keys.can_sign());
    let claims = Claims { sub: "u".to_owned(), ..Claims::default() };
    assert!(matches!(keys.mint(claims, &Clock::manual(Timestamp(0))), Err(Error::Unavailable(_))));
}

#[test]
fn absent_teams_are_not_written_and_null_is() {
    let written = |teams: Teams| {
        let claims = Claims { sub: "u".to_owned(), exp: Some(NOW + 5), teams, ..Claims::default() };
        let token = keys().mint(claims, &Clock::manual(Timestamp::from_seconds(NOW))).unwrap();
        let payload = URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&payload).unwrap().get("teams").cloned()
    };
    assert_eq!(written(Teams::Absent), None);
    assert_eq!(written(Teams::Null), Some(serde_json::Value::Null));
    assert_eq!(written(Teams::List(vec!["t".to_owned()])), Some(serde_json::json!(["t"])));
}

#[test]
fn a_token_has_at_most_eight_kilobytes() {
    let of_length = |wanted: usize| {
        // Base64 has no text of some lengths; with one more letter in the header, another length has one.
        let headers =
            [HS256, r#"{"alg":"HS256","typ":"JWT","cty":""}"#, r#"{"alg":"HS256","typ":"JWT","cty":"a"}"#];
        let tokens = headers.iter().flat_map(|header| {
            (5_500..6_100).map(|pad| signed(header, &payload(&format!(r#","pad":"{}""#, "x".repeat(pad)))))
        });
        tokens.into_iter().find(|token| token.len() == wanted).unwrap()
    };
    let now = Timestamp::from_seconds(NOW);
    assert!(keys().verify(&of_length(8192), now).is_ok());
    assert!(keys().verify(&of_length(8193), now).is_err());
}

#[test]
fn what_must_be_there_is_a_setting() {
    let good = [
        ("sub", r#""a""#.to_owned()),
        ("iss", r#""mcpgateway""#.to_owned()),
        ("aud", r#""mcpgateway-api""#.to_owned()),
        ("exp", (NOW + 9).to_string()),
        ("jti", r#""1""#.to_owned()),
        ("env", r#""development""#.to_owned()),
    ];
    let with = |settings: &[(&str, &str)], name: &str, value: Option<&str>| {
        let claims = good.iter().filter(|(key, _)| value.is_some() || *key != name);
        let claims = claims.map(|(key, given)| {
            let value = value.filter(|_| *key == name).unwrap_or(given);
            format!("\"{key}\":{value}")
        });
        let claims = format!("{{{}}}", claims.collect::<Vec<_>>().join(","));
        keys_with(settings).verify(&signed(HS256, &claims), Timestamp::from_seconds(NOW)).is_ok()
    };
    for (setting, name, wrong) in [
        ("REQUIRE_TOKEN_EXPIRATION", "exp", None),
        ("REQUIRE_JTI", "jti", None),
        ("JWT_AUDIENCE_VERIFICATION", "aud", None),
        ("JWT_AUDIENCE_VERIFICATION", "aud", Some(r#""other""#)),
        ("JWT_ISSUER_VERIFICATION", "iss", None),
        ("JWT_ISSUER_VERIFICATION", "iss", Some(r#""other""#)),
        ("VALIDATE_TOKEN_ENVIRONMENT", "env", Some(r#""production""#)),
    ] {
        assert!(!with(&[], name, wrong), "{name} {wrong:?}");
        assert!(with(&[(setting, "false")], name, wrong), "{setting} {name} {wrong:?}");
        assert!(with(&[], "none", None), "the rest is good");
    }
    assert!(
        !with(&[("REQUIRE_TOKEN_EXPIRATION", "false")], "exp", Some(&(NOW - 1).to_string())),
        "it has one"
    );
}
