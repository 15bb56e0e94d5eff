#!/usr/bin/env bash
# The benchmark, start to document: builds release, runs bench/run.py on loopback, writes docs/benchmarks.md.
#
# QUICK=1 gives a look in two minutes (one repeat, short runs) and leaves the document alone.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

missing=()
command -v wrk >/dev/null || missing+=(wrk)
PATH=$PATH:/usr/sbin command -v nginx >/dev/null || missing+=(nginx-light)
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing packages: ${missing[*]} (apt-get install ${missing[*]})" >&2
        exit 1
    fi
    apt-get update -qq
    # RUNLEVEL=1: the package's own nginx stays stopped.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi

scripts/release.sh --package contextforge --package bench-echo
mkdir -p docs "$target/bench"
document=docs/benchmarks.md
options=()
if [ -n "${QUICK:-}" ]; then
    options=(--seconds 2 --repeats 1)
    document=$target/bench/quick.md
fi
PATH=$PATH:/usr/sbin PYTHONDONTWRITEBYTECODE=1 python3 bench/run.py \
    --gateway "$target/release/contextforge" --echo "$target/release/bench-echo" \
    --results "$target/bench/results.json" --document "$document" "${options[@]}"
