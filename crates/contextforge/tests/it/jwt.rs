//! Tokens against a started gateway: what is refused, whatever key it was signed with, and keys that change while it
//! runs. Tokens are made by hand here; the keys come from the command line.

mod everywhere;
mod identity;
mod keys;
mod refused;

use std::path::{Path, PathBuf};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::app::command;

/// A private key and what its tokens say of it.
struct Signer {
    algorithm: &'static str,
    key_id: Option<String>,
    der: Vec<u8>,
}

impl Signer {
    fn new(algorithm: &'static str, path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
        Self { algorithm, key_id: None, der: STANDARD.decode(body).unwrap() }
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = json!({ "alg": self.algorithm, "typ": "JWT" });
        if let Some(key_id) = &self.key_id {
            header["kid"] = json!(key_id);
        }
        let message = message(&header.to_string(), &claims.to_string());
        let random = SystemRandom::new();
        let signature = match self.algorithm {
            "ES256" | "ES512" => {
                let curve = if self.algorithm == "ES256" {
                    &ECDSA_P256_SHA256_FIXED_SIGNING
                } else {
                    &ECDSA_P521_SHA512_FIXED_SIGNING
                };
                let pair = EcdsaKeyPair::from_private_key_der(curve, &self.der).unwrap();
                pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec()
            }
            "RS256" => {
                let pair = rsa::KeyPair::from_pkcs8(&self.der).unwrap();
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            other => panic!("no test signs with {other}"),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What is signed.
fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// The header of a token.
fn header_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

/// Runs the command and gives what it says, as JSON.
async fn run(folder: &Path, vars: &[(&str, &str)], args: &[&str]) -> Value {
    let vars: Vec<_> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let output = command(folder, &vars).args(args).arg("--json").output().await.unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A pair of keys in files: the private one, then the public one.
async fn pair(folder: &Path, kind: &str) -> (PathBuf, PathBuf) {
    let out = folder.join("keys");
    let out = out.to_str().unwrap();
    let made = run(folder, &[], &["keys", "generate", kind, "--out", out, "--bits", "2048"]).await;
    let path = |name: &str| PathBuf::from(made[name].as_str().unwrap());
    (path("private"), path("public"))
}
