#!/usr/bin/env bash
# Runs the fuzz targets in fuzz/targets, one after the other. What breaks one is kept in fuzz/artifacts, and how to run
# it again is printed; what it learnt is kept in fuzz/corpus and used the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
    echo "make fuzz needs $1: $2" >&2
    exit 1
}
cargo +nightly --version >/dev/null 2>&1 || missing "a nightly compiler" "rustup toolchain install nightly --profile minimal"
cargo +nightly fuzz --version >/dev/null 2>&1 || missing cargo-fuzz "cargo install --locked cargo-fuzz"

# The versions that everything else here was built and checked with.
[ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock

for target in ${TARGETS:-$(cargo +nightly fuzz list)}; do
    echo "== $target"
    cargo +nightly fuzz run "$target" -- \
        -max_total_time="${FUZZ_SECONDS:-30}" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1
done
