//! Tokens that nobody comes in with (the catalogue's cases of section 2).

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Signer, message, pair};
use crate::{
    app::{ADMIN, App},
    people::http_client::get,
    token,
};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A token with this header and these claims, signed with a key as HS256.
fn signed(key: &[u8], header: &str, claims: &str) -> String {
    let message = message(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// Whether the token is refused, in the words that say nothing.
async fn refused(app: &App, token: &str, why: &str) {
    let reply = app.get("/v1/tools", token).await;
    assert_eq!(reply.status.as_u16(), 401, "{why}: {:?}", reply.body);
    assert_eq!(reply.json(), json!({ "detail": "Invalid authentication credentials" }), "{why}");
}

#[tokio::test]
async fn headers_choose_nothing() {
    let app = App::start().await;
    let claims = token::claims(ADMIN).to_string();
    let with = |header: &str| signed(token::KEY.as_bytes(), header, &claims);
    app.get("/v1/tools", &with(HEADER)).await.expect(200);
    for alg in ["none", "None", "nOnE", "HS384", "HS512", "RS256", "ES256", "hs256", ""] {
        refused(&app, &with(&json!({ "alg": alg }).to_string()), alg).await;
        let unsigned = message(&json!({ "alg": alg }).to_string(), &claims) + ".";
        refused(&app, &unsigned, alg).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys.json", listener.local_addr().unwrap());
    for header in [
        json!({ "alg": "HS256", "jku": url }),
        json!({ "alg": "HS256", "x5u": url }),
        json!({ "alg": "HS256", "x5c": ["AAAA"] }),
        json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": URL_SAFE_NO_PAD.encode(token::KEY) } }),
        json!({ "alg": "HS256", "crit": ["b64"], "b64": false }),
        json!({ "alg": "HS256", "zip": "DEF" }),
        json!({ "alg": "HS256", "typ": "dpop+jwt" }),
        json!({ "alg": "HS256", "kid": "../../../../dev/null" }),
        json!({ "alg": "HS256", "kid": "' OR 1=1 --" }),
        json!({ "alg": "HS256", "kid": "k".repeat(2_000) }),
    ] {
        refused(&app, &with(&header.to_string()), &header.to_string()).await;
    }
    refused(&app, &with(r#"{"alg":"none","alg":"HS256"}"#), "a doubled name").await;
    // Nothing was fetched: nobody has connected, and the answers above have all come.
    let connected =
        tokio::select! { biased; _ = listener.accept() => true, () = std::future::ready(()) => false };
    assert!(!connected);
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (private, public) = pair(folder.path(), "rsa").await;
    let vars = [
        ("JWT_ALGORITHM", "RS256"),
        ("JWT_PRIVATE_KEY_PATH", private.to_str().unwrap()),
        ("JWT_PUBLIC_KEY_PATH", public.to_str().unwrap()),
    ];
    let app = App::with(&vars, &["--demo"]).await;
    let claims = token::claims(ADMIN);
    let good = Signer::new("RS256", &private).sign(&claims);
    app.get("/v1/tools", &good).await.expect(200);
    let text = std::fs::read(&public).unwrap();
    for key in [text.as_slice(), text.trim_ascii_end(), token::KEY.as_bytes()] {
        for header in [HEADER, r#"{"alg":"RS256","typ":"JWT"}"#] {
            refused(&app, &signed(key, header, &claims.to_string()), header).await;
        }
    }
    let other = tempfile::tempdir().unwrap();
    let (foreign, _) = pair(other.path(), "rsa").await;
    refused(&app, &Signer::new("RS256", &foreign).sign(&claims), "another key").await;
    let mut changed = good.clone();
    changed.replace_range(good.len() - 8..good.len() - 4, "AAAA");
    refused(&app, &changed, "a changed signature").await;
}

#[tokio::test]
async fn claims_have_the_right_types_and_one_name_each() {
    let app = App::start().await;
    let now = token::now();
    let with = |name: &str, value: &str| {
        // By hand: a JSON library would not write what these tests are about.
        let mut claims = token::claims(ADMIN);
        claims.as_object_mut().unwrap().remove(name);
        let text = claims.to_string();
        signed(token::KEY.as_bytes(), HEADER, &format!("{},\"{name}\":{value}}}", &text[..text.len() - 1]))
    };
    app.get("/v1/tools", &with("exp", &(now + 60).to_string())).await.expect(200);
    for (name, value) in [
        ("exp", format!("\"{}\"", now + 60)),
        ("exp", format!("{}.5", now + 60)),
        ("exp", "1e400".to_owned()),
        ("exp", "-1".to_owned()),
        ("exp", "[]".to_owned()),
        ("exp", "null".to_owned()),
        ("exp", (now - 1).to_string()),
        ("nbf", (now + 600).to_string()),
        ("nbf", format!("\"{now}\"")),
        ("iat", (now + 600).to_string()),
        ("iat", "\"now\"".to_owned()),
        ("jti", "null".to_owned()),
        ("jti", "\"\"".to_owned()),
        ("jti", "7".to_owned()),
        ("iss", "\"mcpgateway/\"".to_owned()),
        ("iss", "[\"mcpgateway\"]".to_owned()),
        ("aud", "\"mcpgateway-api2\"".to_owned()),
        ("aud", "\"MCPGATEWAY-API\"".to_owned()),
        ("aud", "[\"mcpgateway\",\"api\"]".to_owned()),
        ("aud", "{}".to_owned()),
        ("env", "\"production\"".to_owned()),
        ("env", "1".to_owned()),
        ("teams", "\"all\"".to_owned()),
        ("teams", "[\"a\",1]".to_owned()),
        ("teams", "[\"a\",{\"id\":\"b\"}]".to_owned()),
        ("teams", "{\"t1\":1}".to_owned()),
        ("scopes", "[]".to_owned()),
        ("scopes", "{\"permissions\":\"*\"}".to_owned()),
        ("user", "\"admin@example.com\"".to_owned()),
        ("sub", "\"a\",\"sub\":\"b\"".to_owned()),
        ("x", "1,\"x\":2".to_owned()),
        ("x", "{\"y\":1,\"y\":2}".to_owned()),
    ] {
        refused(&app, &with(name, &value), &format!("{name}: {}", &value[..value.len().min(60)])).await;
    }
    app.get("/v1/tools", &with("aud", "[\"x\",\"mcpgateway-api\"]")).await.expect(200);
}

#[tokio::test]
async fn long_tokens_are_refused() {
    let app = App::start().await;
    let with = |length: usize, kid: usize| {
        let header = json!({ "alg": "HS256", "kid": "k".repeat(kid) }).to_string();
        let mut claims = token::claims(ADMIN);
        claims["x"] = json!("x".repeat(length));
        signed(token::KEY.as_bytes(), if kid > 0 { &header } else { HEADER }, &claims.to_string())
    };
    app.get("/v1/tools", &with(4096, 0)).await.expect(200);
    for long in [with(9 * 1024, 0), with(0, 10_000)] {
        // The limit of a header field answers first, in its own words.
        assert_eq!(app.get("/v1/tools", &long).await.status.as_u16(), 431);
    }
    let app = App::with(&[("HEADER_SIZE_VALIDATION_ENABLED", "false")], &["--demo"]).await;
    for long in [with(9 * 1024, 0), with(0, 10_000)] {
        refused(&app, &long, "longer than 8 KB").await;
    }
}

#[tokio::test]
async fn what_must_be_there_is_a_setting() {
    let without = |names: &[&str]| {
        let mut claims = token::claims(ADMIN);
        claims.as_object_mut().unwrap().retain(|name, _| !names.contains(&name.as_str()));
        token::sign(&claims)
    };
    let strict = App::with(&[("REQUIRE_TOKEN_ENVIRONMENT", "gateway")], &[]).await;
    refused(&strict, &strict.admin(), "no env").await;
    let mut claims = token::claims(ADMIN);
    claims["env"] = json!("development");
    strict.get("/v1/tools", &token::sign(&claims)).await.expect(200);
    let lenient = App::with(
        &[
            ("REQUIRE_TOKEN_EXPIRATION", "false"),
            ("REQUIRE_JTI", "false"),
            ("JWT_AUDIENCE_VERIFICATION", "false"),
            ("JWT_ISSUER_VERIFICATION", "false"),
            ("VALIDATE_TOKEN_ENVIRONMENT", "false"),
        ],
        &[],
    )
    .await;
    lenient.get("/v1/tools", &without(&["exp", "jti", "aud", "iss"])).await.expect(200);
    claims["env"] = json!("production");
    lenient.get("/v1/tools", &token::sign(&claims)).await.expect(200);
    refused(&strict, &without(&["exp"]), "no exp").await;
    refused(&strict, &without(&["jti"]), "no jti").await;
}

#[tokio::test]
async fn a_token_is_taken_from_one_header_only() {
    let app = App::start().await;
    let good = app.admin();
    for path in [format!("/v1/tools?token={good}"), format!("/v1/tools?access_token={good}")] {
        assert_eq!(app.get(&path, "").await.status.as_u16(), 401);
    }
    let two = app.get("/v1/tools", &format!("{good}, Bearer {good}")).await;
    assert!([400, 401].contains(&two.status.as_u16()));
    let bearer = format!("Bearer {good}");
    for second in [bearer.as_str(), "Bearer a.b.c", "Basic YTpi"] {
        let headers = [("authorization", bearer.as_str()), ("authorization", second)];
        let given = get(&app, "/v1/tools", &headers).await;
        assert!([400, 401].contains(&given), "{second}: {given}");
    }
    let open = App::with(&[("AUTH_REQUIRED", "false")], &[]).await;
    open.get("/v1/tools", "").await.expect(200);
    refused(&open, "a.b.c", "a bad token is not anonymous").await;
}
