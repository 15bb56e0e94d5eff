# shellcheck shell=bash
# Private PostgreSQL and Redis for tests: free loopback ports, data in a temporary folder, ended by process id.
#
# To be sourced. Needs $work, a folder that other users may enter. Sets TEST_POSTGRES_URL and TEST_REDIS_URL.

: "${work:?is the folder for data and logs}"
service_pids=()

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_until SECONDS COMMAND...: the command's success within the time.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# PostgreSQL refuses to run as root; the Debian package brings a user for it.
as_database_user() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        "$@"
    fi
}

postgres_programs() {
    local newest
    newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$newest" ] || newest=$(command -v initdb) || return 1
    dirname "$newest"
}

start_postgres() {
    local bin port
    bin=$(postgres_programs) || { echo "PostgreSQL is not installed (package postgresql)"; return 1; }
    port=$(free_port)
    mkdir -p "$work/postgres"
    [ "$(id -u)" -ne 0 ] || chown postgres "$work/postgres"
    (cd "$work/postgres" && as_database_user "$bin/initdb" --pgdata data --username postgres --auth trust \
        --encoding UTF8 --locale C --no-sync >"$work/postgres.log" 2>&1) || { cat "$work/postgres.log"; return 1; }
    # Test data may be lost: waiting for the disk would only make the tests slow.
    (cd "$work/postgres" && as_database_user "$bin/postgres" -D data -p "$port" -k "$work/postgres" \
        -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c max_connections=300 >>"$work/postgres.log" 2>&1) &
    wait_until 30 "$bin/pg_isready" -h 127.0.0.1 -p "$port" || { cat "$work/postgres.log"; return 1; }
    service_pids+=("$(head -n 1 "$work/postgres/data/postmaster.pid")")
    export TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
}

start_redis() {
    local port
    command -v redis-server >/dev/null || { echo "Redis is not installed (package redis-server)"; return 1; }
    port=$(free_port)
    redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --dir "$work" >"$work/redis.log" 2>&1 &
    service_pids+=("$!")
    wait_until 30 redis-cli -h 127.0.0.1 -p "$port" ping || { cat "$work/redis.log"; return 1; }
    export TEST_REDIS_URL="redis://127.0.0.1:$port/0"
}

stop_services() {
    local pid
    for pid in "${service_pids[@]}"; do
        # SIGINT is PostgreSQL's fast shutdown, and ends Redis too.
        kill -INT "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    service_pids=()
}
