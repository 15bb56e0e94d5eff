#!/usr/bin/env bash
# Takes the profile that scripts/release.sh builds with: runs an instrumented gateway through the benchmark's requests
# (both eras, calls and lists, some connections and many) and writes bench/contextforge.profdata. About a quarter of an
# hour. Do it before a release, or when `make bench` shows that calls became slower than the code explains.
#
# Needs wrk, nginx, and llvm-profdata: LLVM_PROFDATA, or that of `rustup component add llvm-tools`, or LLVM 19's.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}/profile
raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT

merge=${LLVM_PROFDATA:-$(find "$(rustc --print sysroot)" -name llvm-profdata -print -quit)}
merge=${merge:-$(command -v llvm-profdata-19 llvm-profdata | head -1 || true)}
[ -n "$merge" ] || { echo "llvm-profdata is missing: rustup component add llvm-tools" >&2; exit 1; }

CARGO_TARGET_DIR=$target RUSTFLAGS="-Cprofile-generate=$raw" \
    cargo build --release --locked --package contextforge --package bench-echo
PATH=$PATH:/usr/sbin PYTHONDONTWRITEBYTECODE=1 python3 bench/run.py --seconds 2 --repeats 1 \
    --gateway "$target/release/contextforge" --echo "$target/release/bench-echo" \
    --results "$target/results.json" --document "$target/report.md"
# What was never run needs no entry.
"$merge" merge --sparse --output bench/contextforge.profdata "$raw"/*.profraw
ls -l bench/contextforge.profdata
