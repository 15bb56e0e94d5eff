//! Tokens made by hand, as an oracle that shares no code with the program.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The signing key of every test gateway.
pub(crate) const KEY: &str = "Zk7-test-signing-key_that-is-long_3Qx9";

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "tests make tokens for the present")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Signs `payload` with HS256.
pub(crate) fn sign(payload: &Value) -> String {
    let input = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(payload.to_string())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}

/// Claims that pass every check, for `email`; add to them what a test is about.
pub(crate) fn claims(email: &str) -> Value {
    json!({
        "sub": email, "iss": "mcpgateway", "aud": "mcpgateway-api", "iat": now(), "exp": now() + 600,
        "jti": format!("{email}-{}", now()), "user": { "email": email, "is_admin": true }, "teams": null,
    })
}
