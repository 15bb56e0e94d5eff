#!/usr/bin/env bash
# Every check that a change has to pass, in the order in which a mistake is found cheapest.
#
# `scripts/test.sh` runs all of it; `scripts/test.sh matrix` only the real clients and servers, `scripts/test.sh
# conformance` only the protocol's own suite. Each step prints one
# line; its whole output is in target/test-logs/, and is shown when the step fails. The last line counts everything.
set -euo pipefail
cd "$(dirname "$0")/.."

only=${1:-all}
target=${CARGO_TARGET_DIR:-target}
logs=$target/test-logs
passed=0
failed=0
began=$SECONDS

# The settings of the caller's own gateway must not reach the tests.
unset DATABASE_URL REDIS_URL JWT_SECRET_KEY AUTH_ENCRYPTION_SECRET ENVIRONMENT TEST_DATABASE
# Most tests wait for a program that they started, not for a processor.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-6}
export CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never RUST_BACKTRACE=0
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0

mkdir -p "$logs"
work=$(mktemp -d "${TMPDIR:-/tmp}/contextforge-test.XXXXXX")
chmod 755 "$work"
# shellcheck source=scripts/services.sh
. scripts/services.sh
finish() {
    stop_services
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# What a log reports: the sum of cargo's "test result:" lines, or the closing "matrix: N passed, N failed" (or
# "conformance: …").
count() {
    local sums
    sums=$(awk '
        /^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1) } cargo = 1 }
        /^(matrix|conformance): [0-9]+ passed, [0-9]+ failed/ { mp += $2; mf += $4 }
        END { if (cargo) print p + 0, f + 0; else print mp + 0, mf + 0 }' "$1")
    read -r step_passed step_failed <<<"$sums"
}

# step NAME HEADING COMMAND...: runs, times, counts. A failure is shown and counted, and the next step runs all the same.
step() {
    local name=$1 heading=$2 start=$SECONDS status=0 note=""
    shift 2
    printf '%-64s' "$heading"
    "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
    count "$logs/$name.log"
    [ "$status" -eq 0 ] || [ "$step_failed" -gt 0 ] || step_failed=1
    passed=$((passed + step_passed))
    failed=$((failed + step_failed))
    [ "$step_passed" -eq 0 ] || note=", $step_passed passed"
    if [ "$status" -eq 0 ] && [ "$step_failed" -eq 0 ]; then
        printf 'ok      %4d s%s\n' $((SECONDS - start)) "$note"
        return 0
    fi
    printf 'FAILED  %4d s%s, %d failed\n' $((SECONDS - start)) "$note" "$step_failed"
    grep -v ' \.\.\. ok$' "$logs/$name.log" | tail -n 100 | sed 's/^/    | /'
    echo "    | (all of it: $logs/$name.log)"
    return 1
}

skip() {
    printf '%-64s%s\n' "$1" "skipped: $2"
}

dependency_rules() {
    if ! cargo deny --version >/dev/null 2>&1; then
        skip "licences, bans and sources of dependencies" "cargo-deny is not installed"
        return 0
    fi
    step deny "licences, bans and sources of dependencies" cargo deny check licenses bans sources || true
    # The advisory database is fetched from its own host, which not every machine may reach.
    if timeout 60 cargo deny fetch db >"$logs/advisory-database.log" 2>&1 </dev/null; then
        step advisories "security advisories" timeout 120 cargo deny check --disable-fetch advisories || true
    else
        skip "security advisories" "their database cannot be reached from here"
    fi
}

services() {
    start_postgres && start_redis
}

# A service is started in this shell, because its address is exported.
start_services() {
    printf '%-64s' "private PostgreSQL and Redis"
    local start=$SECONDS
    if services >"$logs/services.log" 2>&1; then
        printf 'ok      %4d s\n' $((SECONDS - start))
    else
        printf 'FAILED\n'
        sed 's/^/    | /' "$logs/services.log"
        failed=$((failed + 1))
    fi
}

source_steps() {
    step fmt "format" cargo fmt --all --check || true
    step clippy "lints" cargo clippy --workspace --all-targets --locked -- -D warnings || true
    dependency_rules
}

# Everything at once: what is built for one package alone has other features, and would be compiled twice.
build_step() {
    step build "programs and tests" cargo build --workspace --bins --tests --locked
}

test_steps() {
    step tidy "rules of the repository" "$target/debug/xtask" tidy || true
    step tests "unit, integration (SQLite) and documentation tests" \
        cargo test --workspace --locked --no-fail-fast || true
    if [ -n "${TEST_POSTGRES_URL:-}" ]; then
        step postgres "integration tests again, on PostgreSQL" \
            env TEST_DATABASE=postgres cargo test --workspace --locked --no-fail-fast --test it || true
    fi
}

matrix() {
    python3 e2e/matrix.py --gateway-bin "$target/debug/contextforge" --fixture-bin "$target/debug/fixture" \
        --work "$work/matrix"
}

matrix_steps() {
    mkdir -p "$work/matrix"
    rm -rf "$logs/matrix"
    if step matrix "real clients against real servers, through the gateway" matrix; then
        cat "$logs/matrix.log"
    else
        cp -r "$work/matrix" "$logs/matrix"
    fi
}

conformance() {
    python3 e2e/conformance.py --gateway-bin "$target/debug/contextforge" --fixture-bin "$target/debug/fixture" \
        --work "$work/conformance" --out "$target/conformance.json" --keep "$@"
}

conformance_step() {
    rm -rf "$logs/conformance" "$work/conformance"
    if step conformance "the protocol's own suite, through the gateway${2:+ ($2)}" conformance "$@"; then
        cat "$logs/conformance.log"
    fi
    cp -r "$work/conformance" "$logs/conformance" 2>/dev/null || true
}

step install "packages that the tests need" bash e2e/install.sh || true
if [ "$only" = all ]; then
    start_services
    source_steps
fi
if build_step; then
    case "$only" in
        all) test_steps; matrix_steps; conformance_step --clients ;;
        conformance) conformance_step --replicas 2 --clients ;;
        *) matrix_steps ;;
    esac
fi
stop_services

echo "took $((SECONDS - began)) s; logs in $logs"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
