//! Runs a file of Wycheproof vectors for JSON Web Signatures or Keys against the gateway's own verifier.
//!
//! `cargo xtask jose-vectors --data FOLDER` starts it with a file (C2SP/wycheproof, `testvectors_v1`) on its input;
//! the files are no part of this repository. Every invalid vector has to be refused, and every valid one of
//! an algorithm that the gateway knows to be accepted.
//!
//! A gateway is configured with one algorithm. Here it is the one that the vector's key says, or the token's where
//! the key says none, so that nothing is refused for the configuration alone.

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use engine::authn::{
    keys::{Algorithm, KeyRing},
    token::compact,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Vectors called valid whose text is not base64url: a `?` stands in the header or the payload. RFC 7515 (section 2,
/// RFC 4648 section 3.3) leaves a reader no choice, the same file calls their neighbours (366, 369, 371) invalid, and
/// the signature is not over the text as it stands. They are refused, and counted on their own.
const NOT_BASE64URL: [u64; 2] = [372, 373];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    public: Option<Value>,
    private: Option<Value>,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    tc_id: u64,
    comment: String,
    jws: String,
    result: String,
}

#[derive(Default)]
struct Counts {
    accepted: u32,
    refused: u32,
    unsupported: u32,
    not_base64url: u32,
    contradictory: u32,
    wrong: Vec<String>,
}

fn main() -> io::Result<ExitCode> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let vectors: Vectors = serde_json::from_str(&text)?;
    let mut counts = Counts::default();
    vectors.test_groups.iter().for_each(|group| judge_all(group, &mut counts));
    writeln!(io::stdout(), "{}", report(&counts))?;
    Ok(if counts.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(counts: &Counts) -> String {
    let mut lines = vec![format!(
        "{} invalid refused, {} valid accepted, {} valid of an algorithm that is not supported, {} wrong",
        counts.refused,
        counts.accepted,
        counts.unsupported,
        counts.wrong.len()
    )];
    if counts.not_base64url > 0 {
        lines.push(format!("  {} called valid are not base64url, and refused", counts.not_base64url));
    }
    if counts.contradictory > 0 {
        lines.push(format!("  {} called invalid are the very text of a valid one", counts.contradictory));
    }
    lines.extend(counts.wrong.iter().map(|line| format!("  WRONG {line}")));
    lines.join("\n")
}

fn judge_all(group: &Group, counts: &mut Counts) {
    let keys = group.public.as_ref().or(group.private.as_ref()).unwrap_or(&Value::Null);
    for vector in &group.tests {
        // Vectors 367 and 370 have lost the padding that they are about, and are vector 357 now.
        let twin = |other: &Vector| other.jws == vector.jws && other.result == "valid";
        if vector.result == "invalid" && group.tests.iter().any(twin) {
            counts.contradictory += 1;
        } else {
            judge(keys, vector, counts);
        }
    }
}

fn judge(keys: &Value, vector: &Vector, counts: &mut Counts) {
    let keys = spelled(keys);
    let name = algorithm_of(&keys, &vector.jws);
    let algorithm = Algorithm::named(&name);
    let outcome = algorithm.ok_or_else(|| format!("{name} is not supported")).and_then(|algorithm| {
        let ring = KeyRing::from_jwks(algorithm, &keys.to_string())?;
        compact::open(&ring, &vector.jws).map_err(str::to_owned)
    });
    let strange = NOT_BASE64URL.contains(&vector.tc_id) && vector.jws.contains('?');
    match (vector.result == "valid", outcome) {
        (true, Ok(_)) => counts.accepted += 1,
        (true, Err(_)) if algorithm.is_none() => counts.unsupported += 1,
        (true, Err(_)) if strange => counts.not_base64url += 1,
        (false, Err(_)) => counts.refused += 1,
        (_, outcome) => {
            let said = outcome.map_or_else(|why| why, |_| "accepted".to_owned());
            counts.wrong.push(format!("{} {}: {said}", vector.tc_id, vector.comment));
        }
    }
}

/// What the operator would have configured.
fn algorithm_of(keys: &Value, token: &str) -> String {
    let first = keys.pointer("/keys/0").unwrap_or(keys);
    let stated = first.get("alg").and_then(Value::as_str).map(str::to_owned);
    stated.filter(|name| Algorithm::named(name).is_some() || name.starts_with("PS")).unwrap_or_else(|| {
        let header = token.split('.').next().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let header: Option<Value> = header.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        header.and_then(|header| Some(header.get("alg")?.as_str()?.to_owned())).unwrap_or_default()
    })
}

/// The vectors call ES512 "ES521" in a key, after its curve. On another curve it is no such slip.
fn spelled(key: &Value) -> Value {
    let mut key = key.clone();
    let said = |name: &str| key.get(name).and_then(Value::as_str);
    if (said("alg"), said("crv")) == (Some("ES521"), Some("P-521"))
        && let Some(alg) = key.get_mut("alg")
    {
        *alg = json!("ES512");
    }
    key
}
