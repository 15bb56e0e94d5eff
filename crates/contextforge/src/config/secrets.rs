//! Secrets: generated once into the data folder outside production, and checked for strength.
//!
//! What is short, a placeholder or of low entropy starts nowhere, as in ContextForge since 1.0.7. The sample key that
//! the contract's own examples sign with may still be used in development, with a remark, and nowhere else.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Env;
use engine::settings::Environment;

/// The secrets that a deployment must have.
const NAMES: [&str; 2] = [SIGNING, "AUTH_ENCRYPTION_SECRET"];
/// The one that is not needed where tokens are signed with another key.
const SIGNING: &str = "JWT_SECRET_KEY";
/// Characters of a secret at least, whatever `MIN_SECRET_LENGTH` says.
const MIN_LENGTH: usize = 32;
/// Shannon entropy of a secret at least, in bits a character.
const MIN_ENTROPY: f64 = 3.5;
/// The key in the contract's examples.
const SAMPLE: &str = "my-test-key-but-now-longer-than-32-bytes";
/// Texts that guides print and people copy.
const WELL_KNOWN: &[&str] = &[
    "my-test-key",
    SAMPLE,
    "my-test-salt",
    "changeme",
    "your-strong-secret-key-here",
    "your-256-bit-secret-your-256-bit-secret",
    "secret",
    "password",
];

domain::settings! {
    /// How strong secrets have to be.
    StrengthSettings {
        /// Characters of JWT_SECRET_KEY and AUTH_ENCRYPTION_SECRET at least. Less than 32 is not possible.
        min_length: usize = "MIN_SECRET_LENGTH", default "32";
        /// Refuse to start outside production too with what is only remarked there: sample secrets, one secret for two things, default passwords. Production always does.
        required: Option<bool> = "REQUIRE_STRONG_SECRETS";
    }
}

/// Fills in secrets that are not set: from the data folder, or new ones that are kept there. Gives the file when
/// it was written.
pub(super) fn fill(env: &mut Env, data_dir: &Path, write: bool) -> Option<PathBuf> {
    let path = data_dir.join("secrets.env");
    if let Ok(lines) = dotenvy::from_path_iter(&path) {
        for (name, value) in lines.flatten() {
            if NAMES.contains(&name.as_str()) {
                env.set_default(&name, value);
            }
        }
    }
    let needed = is_signing_secret_needed(env);
    let missing: Vec<&str> =
        NAMES.into_iter().filter(|name| env.text(name).is_none() && (needed || *name != SIGNING)).collect();
    if missing.is_empty() || !write {
        return None;
    }
    let mut text = String::new();
    for name in missing {
        match random() {
            Ok(secret) => {
                text.extend([name, "=", &secret, "\n"]);
                env.set_default(name, secret);
            }
            Err(error) => env.problem(name, format!("could not be generated: {error}")),
        }
    }
    match append_private(data_dir, &path, &text) {
        Ok(()) => Some(path),
        Err(error) => {
            env.problem("CONTEXTFORGE_DATA_DIR", format!("{} cannot be written: {error}", path.display()));
            None
        }
    }
}

/// 256 random bits as text.
pub(crate) fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The folder is the owner's alone (0700), the file too (0600), and the words are on the disk before they are used.
fn append_private(dir: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    super::folder::make(dir)?;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Whether tokens are signed with a shared secret.
fn is_shared_secret(env: &mut Env) -> bool {
    let has_pair = |name: String| ["RS", "ES"].iter().any(|family| name.trim().starts_with(family));
    !env.text("JWT_ALGORITHM").is_some_and(has_pair)
}

/// Whether `JWT_SECRET_KEY` has to be there: the secrets may also be files of a folder.
fn is_signing_secret_needed(env: &mut Env) -> bool {
    is_shared_secret(env) && env.text("JWT_KEYS_DIR").is_none()
}

/// Notes weak secrets: as problems, and as remarks what development may do.
pub(super) fn check(env: &mut Env, environment: Option<Environment>, remarks: &mut Vec<String>) {
    let Some(strength) = StrengthSettings::read(env) else { return };
    let production = environment == Some(Environment::Production);
    let strict = production || strength.required == Some(true);
    remark_strength(&strength, production, remarks);
    let needed = is_signing_secret_needed(env);
    let used = is_shared_secret(env);
    for name in NAMES {
        match env.text(name) {
            None if production && (needed || name != SIGNING) => {
                env.problem(name, "is required in production; make one with `openssl rand -base64 32`");
            }
            Some(secret) if used || name != SIGNING => {
                let sample = secret == SAMPLE && environment == Some(Environment::Development);
                let weak = weakness(&secret, strength.min_length.max(MIN_LENGTH));
                note(env, name, weak, strict || !sample, remarks);
            }
            _ => {}
        }
    }
    if let (Some(signing), Some(encryption)) = (env.text(SIGNING), env.text("AUTH_ENCRYPTION_SECRET"))
        && signing == encryption
    {
        let same = Some("is the same as JWT_SECRET_KEY; use two secrets".to_owned());
        note(env, "AUTH_ENCRYPTION_SECRET", same, strict, remarks);
    }
    let weak = match env.text("PLATFORM_ADMIN_PASSWORD") {
        None if production => Some("is required in production, for the first start".to_owned()),
        Some(password) if WELL_KNOWN.contains(&password.to_lowercase().as_str()) || password.len() < 12 => {
            Some("is a default or shorter than 12 characters".to_owned())
        }
        _ => None,
    };
    note(env, "PLATFORM_ADMIN_PASSWORD", weak, strict, remarks);
}

fn remark_strength(strength: &StrengthSettings, production: bool, remarks: &mut Vec<String>) {
    if strength.min_length < MIN_LENGTH {
        let less = strength.min_length;
        remarks.push(format!(
            "MIN_SECRET_LENGTH={less} has no effect: secrets have at least {MIN_LENGTH} characters"
        ));
    }
    if production && strength.required == Some(false) {
        remarks.push(
            "REQUIRE_STRONG_SECRETS=false has no effect in production: nothing weak starts there".to_owned(),
        );
    }
}

fn note(env: &mut Env, name: &str, weakness: Option<String>, stop: bool, remarks: &mut Vec<String>) {
    match weakness {
        Some(why) if stop => env.problem(name, why),
        Some(why) => remarks.push(format!("{name} {why}")),
        None => {}
    }
}

/// What is weak about a secret. Never repeats it.
fn weakness(secret: &str, least: usize) -> Option<String> {
    if secret.chars().count() < least {
        Some(format!("is shorter than {least} characters"))
    } else if secret.starts_with("__REPLACE_ME__") || WELL_KNOWN.contains(&secret.to_lowercase().as_str()) {
        Some("is a placeholder that everybody knows".to_owned())
    } else if entropy(secret) < MIN_ENTROPY {
        Some(format!("has less than {MIN_ENTROPY} bits of entropy a character"))
    } else {
        None
    }
}

/// Shannon entropy in bits a character.
fn entropy(text: &str) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    for c in text.chars() {
        *counts.entry(c).or_insert(0_u32) += 1;
    }
    let total: f64 = counts.values().copied().map(f64::from).sum();
    counts.values().map(|count| f64::from(*count) / total).map(|share| -share * share.log2()).sum()
}
