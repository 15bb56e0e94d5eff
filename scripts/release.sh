#!/usr/bin/env bash
# Builds what is released. The profile of a gateway at work (bench/contextforge.profdata, made by scripts/profile.sh)
# tells the compiler what a call runs through: that is placed together and made fast (about a seventh more calls a
# second, for a build that takes about a fifth longer). A profile that is older than the code helps less. It finds
# functions by names that hold a hash of every dependency and its settings: after a change of Cargo.lock or of the
# profiles in Cargo.toml it has to be taken anew to help at all. Whoever sets RUSTFLAGS, or a compiler that cannot read
# the profile, builds without it.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=$PWD/bench/contextforge.profdata

# The first compiler whose LLVM reads the format (LLVM 19).
release=$(rustc --version | sed -E 's/^rustc 1\.([0-9]+).*/\1/')
if [ -z "${RUSTFLAGS+set}" ] && [ -z "${CARGO_ENCODED_RUSTFLAGS+set}" ] && [ "${release:-0}" -ge 82 ] 2>/dev/null; then
    # Encoded, because a folder's name may have spaces in it.
    printf -v CARGO_ENCODED_RUSTFLAGS '%s\x1f%s' "-Cprofile-use=$profile" "-Cllvm-args=-no-pgo-warn-mismatch"
    export CARGO_ENCODED_RUSTFLAGS
fi
exec cargo build --release --locked "$@"
