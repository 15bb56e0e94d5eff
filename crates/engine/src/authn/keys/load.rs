//! From the settings to a ring of keys. Everything that is wrong is found at once, with the setting's name.
//!
//! `JWT_KEYS_DIR` comes first: its active key signs. The key of `JWT_SECRET_KEY` or `JWT_PRIVATE_KEY_PATH` signs
//! where the folder has no active one, and verifies in any case, so that a deployment which begins to use a folder
//! keeps its tokens. Without any private key the gateway verifies only.

use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use domain::{Problem, Secret};

use super::{
    algorithm::{Algorithm, Hash},
    folder::{self, FileFormat, FileState, KeyFile},
    jwk,
    pem::{self, Half},
    ring::{Key, KeyRing, Signing},
    signer::Signer,
    verifier::{HmacKey, Verifier},
};
use crate::settings::{AuthSettings, Environment};

/// What became of the settings.
#[derive(Debug)]
pub struct Loaded {
    /// The ring, or everything that is wrong.
    pub ring: Result<KeyRing, Vec<Problem>>,
    /// Advice that stops nothing.
    pub remarks: Vec<String>,
}

/// Reads all keys that the settings name.
pub fn load(settings: &AuthSettings, environment: Environment) -> Loaded {
    let mut reader = Reader {
        settings,
        environment,
        keys: Vec::new(),
        signing: None,
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    if let Some(dir) = &settings.jwt_keys_dir {
        reader.folder(Path::new(dir));
    }
    match settings.jwt_algorithm {
        Algorithm::Hmac(hash) => reader.secret(hash),
        Algorithm::Rsa(_) | Algorithm::Ec(_) => reader.pair(),
    }
    reader.finish()
}

/// The bytes of an HMAC secret: as they are, or, with `DERIVE_KEY_PER_ENVIRONMENT`, the hexadecimal HMAC of the
/// environment's name, as ContextForge derives it.
fn secret_bytes(settings: &AuthSettings, environment: Environment, secret: &str) -> Secret<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if !settings.derive_key_per_environment {
        return Secret::new(secret.as_bytes().to_vec());
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("mcpgw-env:{}", environment.as_str()).as_bytes());
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or_default();
    Secret::new(tag.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

struct Reader<'s> {
    settings: &'s AuthSettings,
    environment: Environment,
    keys: Vec<Key>,
    signing: Option<Signing>,
    problems: Vec<Problem>,
    remarks: Vec<String>,
}

impl Reader<'_> {
    fn problem(&mut self, setting: &str, message: impl Into<String>) {
        self.problems.push(Problem { field: setting.to_owned(), message: message.into() });
    }

    fn folder(&mut self, dir: &Path) {
        const SETTING: &str = "JWT_KEYS_DIR";
        let (files, others) = match folder::list(dir) {
            Ok(found) => found,
            Err(error) => {
                return self.problem(SETTING, format!("{} cannot be read: {error}", dir.display()));
            }
        };
        self.remarks.extend(others.into_iter().map(|name| {
            format!("{SETTING}: {name} is passed over; files are called NAME.active.pem, NAME.passive.pem and so on")
        }));
        for file in files.iter().filter(|file| file.state != FileState::Retired) {
            if let Err(message) = self.file(file) {
                self.problem(SETTING, message);
            }
        }
    }

    fn file(&mut self, file: &KeyFile) -> Result<(), String> {
        let algorithm = self.settings.jwt_algorithm;
        let text = Secret::new(folder::read(&file.path)?);
        let wrong = |message: String| format!("{} {message}", file.path.display());
        if file.format != FileFormat::Jwks {
            self.check_mode("JWT_KEYS_DIR", &file.path, file.format == FileFormat::Secret, text.expose());
        }
        let active = file.state == FileState::Active;
        match (file.format, algorithm) {
            (FileFormat::Jwks, _) if active => {
                Err(wrong("holds public keys, which cannot sign; call it .passive.json".to_owned()))
            }
            (FileFormat::Jwks, _) => {
                self.keys.extend(jwk::read(algorithm, text.expose()).map_err(wrong)?);
                Ok(())
            }
            (FileFormat::Secret, Algorithm::Hmac(hash)) => {
                let secret = text.expose().trim_end_matches(['\r', '\n']);
                if secret.len() < hash.bytes() {
                    return Err(wrong(format!("is shorter than {} bytes", hash.bytes())));
                }
                let secret = secret_bytes(self.settings, self.environment, secret);
                self.add(Half::Private(Signer::Hmac(HmacKey::new(hash, secret.expose()))), file, active)
            }
            (FileFormat::Secret, _) => {
                Err(wrong(format!("is a shared secret, and JWT_ALGORITHM is {}", algorithm.name())))
            }
            (FileFormat::Pem, _) => {
                let half = pem::read(algorithm, text.expose()).map_err(wrong)?;
                self.add(half, file, active)
            }
        }
    }

    fn add(&mut self, half: Half, file: &KeyFile, active: bool) -> Result<(), String> {
        let (verifier, signer) = match half {
            Half::Public(_) if active => {
                return Err(format!(
                    "{} holds a public key, which cannot sign; call it .passive.pem",
                    file.path.display()
                ));
            }
            Half::Public(verifier) => (verifier, None),
            Half::Private(signer) => (signer.verifier()?, active.then_some(signer)),
        };
        let key_id = jwk::key_id(&verifier);
        if let Some(signer) = signer {
            // Files come sorted: the last active one signs.
            self.signing = Some(Signing { key_id: Some(key_id.clone()), signer });
        }
        let mut names = vec![key_id];
        names.extend((!names.contains(&file.name)).then(|| file.name.clone()));
        self.keys.push(Key { names, verifier, published: true });
        Ok(())
    }

    fn secret(&mut self, hash: Hash) {
        for (name, path) in [
            ("JWT_PUBLIC_KEY_PATH", &self.settings.jwt_public_key_path),
            ("JWT_PRIVATE_KEY_PATH", &self.settings.jwt_private_key_path),
        ] {
            if path.is_some() {
                let algorithm = self.settings.jwt_algorithm.name();
                self.remarks.push(format!("{name} has no effect with JWT_ALGORITHM={algorithm}"));
            }
        }
        let Some(secret) = &self.settings.jwt_secret_key else {
            if self.keys.is_empty() && self.problems.is_empty() {
                self.problem("JWT_SECRET_KEY", "is required");
            }
            return;
        };
        if secret.expose().len() < hash.bytes() && !self.settings.derive_key_per_environment {
            let (least, algorithm) = (hash.bytes(), self.settings.jwt_algorithm.name());
            self.remarks
                .push(format!("JWT_SECRET_KEY is shorter than the {least} bytes that {algorithm} takes"));
        }
        let secret = secret_bytes(self.settings, self.environment, secret.expose());
        let signer = Signer::Hmac(HmacKey::new(hash, secret.expose()));
        self.settle(signer, "JWT_SECRET_KEY");
    }

    /// The pair of files.
    fn pair(&mut self) {
        let private = self.half("JWT_PRIVATE_KEY_PATH", self.settings.jwt_private_key_path.clone());
        let public = self.half("JWT_PUBLIC_KEY_PATH", self.settings.jwt_public_key_path.clone());
        let public = match public {
            Some(Half::Private(_)) => {
                return self.problem("JWT_PUBLIC_KEY_PATH", "holds a private key; give the public half");
            }
            Some(Half::Public(verifier)) => Some(verifier),
            None => None,
        };
        match (private, public) {
            (Some(Half::Public(_)), _) => {
                self.problem("JWT_PRIVATE_KEY_PATH", "holds a public key; give the private half");
            }
            (Some(Half::Private(signer)), public) => {
                let own = signer.verifier().map(|verifier| jwk::key_id(&verifier)).ok();
                if public.is_some_and(|verifier| Some(jwk::key_id(&verifier)) != own) {
                    self.problem("JWT_PUBLIC_KEY_PATH", "is not the public half of JWT_PRIVATE_KEY_PATH");
                }
                self.settle(signer, "JWT_PRIVATE_KEY_PATH");
            }
            (None, Some(verifier)) => self.push_new(verifier),
            (None, None) => self.no_pair(),
        }
    }

    fn no_pair(&mut self) {
        if !self.keys.is_empty() || !self.problems.is_empty() {
            return;
        }
        let algorithm = self.settings.jwt_algorithm.name();
        let message = |what: &str| {
            format!(
                "is required with JWT_ALGORITHM={algorithm}, to {what}; `contextforge keys generate` makes a pair"
            )
        };
        self.problem("JWT_PRIVATE_KEY_PATH", message("sign tokens"));
        self.problem(
            "JWT_PUBLIC_KEY_PATH",
            message("verify them (alone, it makes a gateway that signs none)"),
        );
    }

    fn half(&mut self, setting: &'static str, path: Option<String>) -> Option<Half> {
        let path = PathBuf::from(path?);
        let read = folder::read(&path).map(Secret::new).and_then(|text| {
            self.check_mode(setting, &path, false, text.expose());
            pem::read(self.settings.jwt_algorithm, text.expose())
                .map_err(|message| format!("{} {message}", path.display()))
        });
        read.map_err(|message| self.problem(setting, message)).ok()
    }

    /// The key of the settings: it signs unless the folder has an active key, and verifies in any case.
    fn settle(&mut self, signer: Signer, setting: &str) {
        match signer.verifier() {
            Err(message) => self.problem(setting, message),
            Ok(verifier) => {
                let key_id = jwk::key_id(&verifier);
                self.push_new(verifier);
                // A lone shared secret needs no name, and tokens of ContextForge have none.
                let named = self.settings.jwt_keys_dir.is_some() || !matches!(signer, Signer::Hmac(_));
                self.signing.get_or_insert(Signing { key_id: named.then_some(key_id), signer });
            }
        }
    }

    /// Adds a key unless the folder has it already.
    fn push_new(&mut self, verifier: Verifier) {
        let key_id = jwk::key_id(&verifier);
        if !self.keys.iter().any(|key| key.names.contains(&key_id)) {
            self.keys.push(Key { names: vec![key_id], verifier, published: true });
        }
    }

    /// A private key that others may read is none.
    fn check_mode(&mut self, setting: &str, path: &Path, secret: bool, text: &str) {
        if !(secret || text.contains("PRIVATE KEY")) || !folder::is_open_to_others(path) {
            return;
        }
        let message = format!("{} can be read by others; `chmod 600` it", path.display());
        if self.environment == Environment::Production {
            self.problem(setting, message);
        } else {
            self.remarks.push(format!("{setting}: {message}"));
        }
    }

    fn finish(mut self) -> Loaded {
        let algorithm = self.settings.jwt_algorithm;
        if !self.problems.is_empty() {
            return Loaded { ring: Err(self.problems), remarks: self.remarks };
        }
        if self.signing.is_none() {
            self.remarks
                .push("no private key is configured: this gateway verifies tokens and signs none".to_owned());
        }
        let ring = KeyRing::new(algorithm, self.keys, self.signing)
            .map_err(|message| vec![Problem { field: "JWT_KEYS_DIR".to_owned(), message }]);
        Loaded { ring, remarks: self.remarks }
    }
}

#[cfg(test)]
mod tests;
