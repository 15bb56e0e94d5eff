//! The `keys` commands: what their `--help` teaches.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Output;

/// Commands for the keys that sign tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key, and say which settings use it.
    ///
    /// rsa writes private.pem and public.pem, ecdsa ec_private.pem and ec_public.pem, hmac secret.key, and tls a
    /// self-signed certificate (cert.pem, key.pem) for tests. Private files can be read by their owner only. Nothing
    /// that exists is overwritten. The private half of a pair belongs to the gateway alone; whoever only verifies
    /// takes the public half, or /.well-known/jwks.json.
    Generate(Generate),
    /// Put a new key into the ring of JWT_KEYS_DIR; the one that signed until now goes on verifying.
    ///
    /// Run it every 90 days, and at once when a private key may have been seen. A running gateway notices within
    /// seconds: it verifies with the new key first and signs with it when every replica has had time to look. When
    /// the last token of an old key has ended, retire that key. The first rotation makes the folder.
    Rotate {
        #[command(flatten)]
        ring: Ring,
        /// Size of an RSA key in bits.
        #[arg(long, default_value_t = 4096)]
        bits: u32,
    },
    /// List the keys of the ring: active ones sign, passive ones verify, retired ones are refused.
    List {
        #[command(flatten)]
        ring: Ring,
    },
    /// Refuse what a key signed, from now on. An active key can only be retired when another one is active.
    Retire {
        /// The key's name, as `keys list` shows it.
        name: String,
        #[command(flatten)]
        ring: Ring,
    },
}

/// Options of `keys generate`.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The kind of key.
    pub(crate) kind: KeyKind,
    /// Folder to write into; made when it does not exist.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Size of an RSA key in bits: 2048, 3072, 4096 or 8192.
    #[arg(long, default_value_t = 4096)]
    pub(crate) bits: u32,
    /// Curve of an ECDSA key: P-256 (ES256), P-384 (ES384) or P-521 (ES512).
    #[arg(long, default_value = "P-256")]
    pub(crate) curve: String,
    /// Names and addresses that a TLS certificate is for.
    #[arg(long, value_name = "NAME", default_values = ["localhost", "127.0.0.1", "::1"])]
    pub(crate) name: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// A kind of key.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyKind {
    /// A pair for RS256, RS384 and RS512.
    Rsa,
    /// A pair for ES256, ES384 or ES512.
    Ecdsa,
    /// A secret for HS256, HS384 and HS512.
    Hmac,
    /// A self-signed certificate with its key, for tests.
    Tls,
}

/// Which ring.
#[derive(Debug, Args)]
pub(crate) struct Ring {
    /// Folder of the ring; JWT_KEYS_DIR by default.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Algorithm of its keys; JWT_ALGORITHM by default.
    #[arg(long)]
    pub(crate) algo: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}
