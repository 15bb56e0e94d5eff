#!/usr/bin/env bash
# Changes the policy and the tokens in small ways, one at a time, and sees whether a test notices (`cargo mutants`).
#
# The modules concerned are pure, so they are taken out of the engine into a crate of their own together with their
# unit tests: a mutant costs seconds and not a build of everything behind them. What they name of the engine and do not
# use is filled in below. Say `scripts/mutants.sh --shard 0/4` for a part of it; every option goes to cargo mutants.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo-mutants >/dev/null || {
    echo "make mutants needs cargo-mutants: cargo install --locked cargo-mutants" >&2
    exit 1
}

out="${MUTANTS_DIR:-${CARGO_TARGET_DIR:-target}/mutants}"
tree="$out/tree"
rm -rf "$tree"
mkdir -p "$tree/crates/engine/src"
cp Cargo.lock clippy.toml "$tree/"
sed -e 's|^members = .*|members = ["crates/*"]|' -e '/^exclude = /d' -e '/^default-members = /d' Cargo.toml >"$tree/Cargo.toml"
cp -r crates/domain crates/protocol crates/content "$tree/crates/"

from=crates/engine/src
to="$tree/crates/engine/src"
for path in \
    policy.rs policy/decide.rs policy/decide policy/explain.rs policy/explain policy/model.rs policy/question.rs policy/reason.rs \
    authn/keys.rs authn/keys authn/token.rs authn/token authn/restrictions.rs authn/restrictions \
    authn/scope.rs authn/scope authn/revocation/standing.rs people/rights.rs settings.rs settings; do
    mkdir -p "$(dirname "$to/$path")"
    cp -r "$from/$path" "$to/$path"
done
# Those that look things up in the database.
sed -i -E '/^(pub )?mod (denials|inquiry|methods|subject|view);$/d; /^    subject::Subject,$/d' "$to/policy.rs"

# Enough of them to notice: the whole number takes seconds for each mutant.
sed -i 's/^const WORLDS: u32 = .*/const WORLDS: u32 = 10_000;/' "$to/policy/model.rs"

cat >"$to/lib.rs" <<'RUST'
#![allow(dead_code, unused_imports)]
pub mod authn;
pub mod engine;
pub mod people;
pub mod policy;
pub mod settings;
RUST
cat >"$to/authn.rs" <<'RUST'
pub mod keys;
pub(crate) mod restrictions;
pub(crate) mod revocation;
mod scope;
pub mod token;

pub use self::revocation::standing::FailMode;
pub(crate) use self::{
    restrictions::problems as restriction_problems,
    scope::{assemble, cap, hexadecimal},
};
pub const ANONYMOUS: &str = "anonymous";
RUST
echo 'pub(crate) mod standing;' >"$to/authn/revocation.rs"
printf 'mod rights;\npub use rights::Rights;\n' >"$to/people.rs"
cat >"$to/engine.rs" <<'RUST'
use crate::{authn::token::TokenKeys, settings::Settings};
#[derive(Clone)]
pub struct Engine(std::sync::Arc<(Settings, TokenKeys)>);
impl Engine {
    pub fn settings(&self) -> &Settings {
        &self.0.0
    }
    pub fn token_keys(&self) -> &TokenKeys {
        &self.0.1
    }
}
RUST
cat >"$tree/crates/engine/Cargo.toml" <<'TOML'
[package]
name = "engine"
version.workspace = true
edition.workspace = true
publish.workspace = true

[dependencies]
domain.workspace = true
protocol.workspace = true
content.workspace = true
tokio.workspace = true
serde.workspace = true
serde_json.workspace = true
aws-lc-rs.workspace = true
pem.workspace = true
base64.workspace = true
arc-swap.workspace = true
tracing.workspace = true
ipnet.workspace = true
jiff.workspace = true

[dev-dependencies]
tempfile.workspace = true
TOML

sed -i '/^\[profile/,$d' "$tree/Cargo.toml"
printf '[profile.dev]\ndebug = 0\n' >>"$tree/Cargo.toml"
mkdir -p "$tree/.cargo"
cp .cargo/mutants.toml "$tree/.cargo/"
# Kept between runs: only what was changed is built again.
CARGO_TARGET_DIR="$(realpath "$out")/target"
export CARGO_TARGET_DIR
exec cargo mutants --dir "$tree" --package engine --in-place --output "$out" "$@" -- --lib
