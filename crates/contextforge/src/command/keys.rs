//! `keys`: makes, rotates, lists and retires the keys that sign tokens.
//!
//! Files are written once and never over another file; private ones are their owner's alone from the first byte.
//! A rotation first adds the new key and then renames the old one, so that a gateway which looks in between finds
//! both and never none.

mod files;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use domain::{Clock, settings::Value};
use engine::authn::keys::{
    Algorithm,
    algorithm::{Curve, Hash},
    folder::{self, FileState, KeyFile},
    generate,
};
use serde_json::{Value as Json, json};

use super::{advise, say};
use crate::{
    cli::{Generate, KeyKind, Keys, Ring},
    config,
};

pub(super) fn run(command: Keys) -> anyhow::Result<ExitCode> {
    let (report, as_json) = match command {
        Keys::Generate(options) => (make(&options)?, options.output.json),
        Keys::Rotate { ring, bits } => (rotate(&ring, bits)?, ring.output.json),
        Keys::List { ring } => (list(&ring)?, ring.output.json),
        Keys::Retire { name, ring } => (retire(&ring, &name)?, ring.output.json),
    };
    say(&if as_json { report.json.to_string() } else { report.text });
    Ok(ExitCode::SUCCESS)
}

/// What a command tells, for scripts and for people.
struct Report {
    json: Json,
    text: String,
}

fn make(options: &Generate) -> anyhow::Result<Report> {
    let (algorithm, names) = match options.kind {
        KeyKind::Tls => return certificate(options),
        KeyKind::Rsa => (Algorithm::Rsa(Hash::Sha256), ("private.pem", Some("public.pem"))),
        KeyKind::Ecdsa => (ecdsa(&options.curve)?, ("ec_private.pem", Some("ec_public.pem"))),
        KeyKind::Hmac => (Algorithm::Hmac(Hash::Sha256), ("secret.key", None)),
    };
    let private = options.out.join(names.0);
    let public = names.1.map(|name| options.out.join(name));
    files::refuse_existing([&private].into_iter().chain(&public))?;
    let key = generate::key(algorithm, options.bits)?;
    files::write_private(&private, key.private.expose())?;
    if let (Some(path), Some(text)) = (&public, &key.public) {
        files::write_public(path, text)?;
    }
    let mut settings = vec![format!("JWT_ALGORITHM={}", algorithm.name())];
    match &public {
        Some(public) => {
            settings.push(format!("JWT_PRIVATE_KEY_PATH={}", private.display()));
            settings.push(format!("JWT_PUBLIC_KEY_PATH={}", public.display()));
        }
        None => settings.push(format!("JWT_SECRET_KEY=\"$(cat {})\"", private.display())),
    }
    let json = json!({
        "algorithm": algorithm.name(), "kid": key.key_id, "private": private, "public": public,
        "settings": settings,
    });
    let text = format!("The key is in {}. Use it with:\n\n{}", private.display(), settings.join("\n"));
    Ok(Report { json, text })
}

fn ecdsa(curve: &str) -> anyhow::Result<Algorithm> {
    let curves = [Curve::P256, Curve::P384, Curve::P521];
    let found = curves.into_iter().find(|known| known.name().eq_ignore_ascii_case(curve));
    found.map(Algorithm::Ec).context("--curve must be P-256, P-384 or P-521")
}

fn certificate(options: &Generate) -> anyhow::Result<Report> {
    let (cert, key) = (options.out.join("cert.pem"), options.out.join("key.pem"));
    files::refuse_existing([&cert, &key])?;
    let made = rcgen::generate_simple_self_signed(options.name.clone())
        .context("a certificate cannot be for these names")?;
    files::write_private(&key, &made.signing_key.serialize_pem())?;
    files::write_public(&cert, &made.cert.pem())?;
    let text = format!(
        "A self-signed certificate for {} is in {}, its key in {}. It is for tests: clients do not trust it.",
        options.name.join(", "),
        cert.display(),
        key.display()
    );
    Ok(Report { json: json!({ "certificate": cert, "private": key, "names": options.name }), text })
}

fn rotate(ring: &Ring, bits: u32) -> anyhow::Result<Report> {
    let (dir, algorithm) = (directory(ring)?, algorithm(ring)?);
    files::make_folder(&dir)?;
    let (before, _) = folder::list(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let key = generate::key(algorithm, bits)?;
    let end = if algorithm.is_shared_secret() { "key" } else { "pem" };
    let path = free_name(&dir, end);
    files::write_private(&path, key.private.expose())?;
    let mut passive = Vec::new();
    for old in before.iter().filter(|file| file.state == FileState::Active) {
        files::rename(&old.path, &old.renamed(FileState::Passive))?;
        passive.push(old.name.clone());
    }
    let text = match passive.as_slice() {
        [] => format!("The first key is {}. Set JWT_KEYS_DIR={}.", path.display(), dir.display()),
        names => format!(
            "The new key is {}. {} verifies what it signed; when that has ended: contextforge keys retire {}",
            path.display(),
            names.join(", "),
            names.join(" ")
        ),
    };
    Ok(Report { json: json!({ "active": path, "kid": key.key_id, "passive": passive }), text })
}

/// Names begin with the time, so that the newest key is the last by name.
fn free_name(dir: &Path, end: &str) -> PathBuf {
    let now = Clock::System.now().to_string();
    let name: String = now.chars().filter(char::is_ascii_alphanumeric).collect();
    dir.join(format!("{name}.active.{end}"))
}

fn list(ring: &Ring) -> anyhow::Result<Report> {
    let dir = directory(ring)?;
    let (files, others) = folder::list(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for name in others {
        advise(&format!("{name} is not called NAME.active.pem or the like, and is passed over"));
    }
    let lines: Vec<String> =
        files.iter().map(|file| format!("{:8} {}", file.state.as_str(), file.name)).collect();
    let json: Vec<Json> = files
        .iter()
        .map(|file| json!({ "name": file.name, "state": file.state.as_str(), "path": file.path }))
        .collect();
    let text = if lines.is_empty() { "The ring is empty.".to_owned() } else { lines.join("\n") };
    Ok(Report { json: json!(json), text })
}

fn retire(ring: &Ring, name: &str) -> anyhow::Result<Report> {
    let dir = directory(ring)?;
    let (files, _) = folder::list(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let is_active = |file: &&KeyFile| file.state == FileState::Active;
    let file = files.iter().find(|file| file.name == name && file.state != FileState::Retired);
    let file = file.with_context(|| format!("no key that counts is called {name}; see `keys list`"))?;
    if is_active(&file) && files.iter().filter(is_active).count() == 1 {
        bail!("{name} is the only key that signs: rotate first");
    }
    let path = file.renamed(FileState::Retired);
    files::rename(&file.path, &path)?;
    let text =
        format!("{name} is retired: within seconds, its tokens are refused. Delete {}.", path.display());
    Ok(Report { json: json!({ "retired": name, "path": path }), text })
}

fn directory(ring: &Ring) -> anyhow::Result<PathBuf> {
    match &ring.dir {
        Some(dir) => Ok(dir.clone()),
        None => {
            config::variable("JWT_KEYS_DIR")?.map(PathBuf::from).context("set JWT_KEYS_DIR, or give --dir")
        }
    }
}

fn algorithm(ring: &Ring) -> anyhow::Result<Algorithm> {
    let name = match &ring.algo {
        Some(name) => name.clone(),
        None => config::variable("JWT_ALGORITHM")?.unwrap_or_else(|| "HS256".to_owned()),
    };
    Algorithm::parse(Some(&name)).map_err(|message| anyhow::anyhow!("the algorithm {message}"))
}
