#!/usr/bin/env bash
# Installs, by package name, what the end-to-end tests need and this machine lacks:
# PostgreSQL and Redis (Debian packages), Node and the npm peers, Python peers in private virtual environments.
#
#   e2e/install.sh [CACHE_FOLDER]        default: target/e2e
#
# Everything but the Debian packages goes below the cache folder. A second run finds everything there and takes
# well under a second: each part leaves a stamp that holds the checksum of what it was installed from.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${1:-$here/../target/e2e}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

say() { printf 'e2e: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Runs a command silently; its output is shown only when it fails.
quietly() {
    local log=$cache/install.log
    "$@" >"$log" 2>&1 || { cat "$log" >&2; die "failed: $*"; }
}

# True when $1 (a part) was installed from exactly the files that follow.
is_current() {
    local stamp=$cache/$1.stamp; shift
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "$@" | sha256sum)" ]
}
mark_current() {
    local stamp=$cache/$1.stamp; shift
    cat "$@" | sha256sum >"$stamp"
}

install_debian_packages() {
    local missing=()
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
    command -v redis-server >/dev/null || missing+=(redis-server)
    command -v git >/dev/null || missing+=(git)
    command -v npm >/dev/null || missing+=(npm)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "missing packages: ${missing[*]} - install them (apt-get install ${missing[*]}) and run this again"
    fi
    say "installing Debian packages: ${missing[*]}"
    quietly apt-get update -q
    # RUNLEVEL=1: the packages' own services stay stopped, the tests start private ones.
    quietly env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
}

install_node_peers() {
    local manifest=("$here/package.json" "$here/package-lock.json")
    is_current node "${manifest[@]}" && [ -x "$cache/node/node_modules/.bin/node" ] && return
    say "installing Node and the npm peers"
    rm -f "$cache/node.stamp"
    mkdir -p "$cache/node"
    cp "${manifest[@]}" "$here/.npmrc" "$cache/node/"
    quietly npm --prefix "$cache/node" ci --no-progress --ignore-scripts
    [ -x "$cache/node/node_modules/.bin/node" ] || use_node_of_the_machine
    mark_current node "${manifest[@]}"
}

# The npm package of Node covers Linux on x64 and arm64; elsewhere an installed Node of at least 22 will do.
use_node_of_the_machine() {
    local found
    found=$(command -v node) || die "no npm package of Node for this machine: install Node 22 or newer"
    [ "$("$found" -p 'parseInt(process.versions.node)')" -ge 22 ] || die "$found is too old: install Node 22 or newer"
    ln -sf "$found" "$cache/node/node_modules/.bin/node"
}

install_python_peers() {
    local name=$1 requirements=$here/requirements-$1.txt
    is_current "python-$name" "$requirements" && [ -x "$cache/python-$name/bin/python" ] && return
    say "installing the Python peers of requirements-$name.txt"
    rm -rf "$cache/python-$name" "$cache/python-$name.stamp"
    quietly python3 -m venv "$cache/python-$name"
    quietly "$cache/python-$name/bin/python" -m pip install -q --disable-pip-version-check -r "$requirements"
    mark_current "python-$name" "$requirements"
}

install_debian_packages
install_node_peers
for name in mcp1 mcp2 fastmcp; do
    install_python_peers "$name"
done
rm -f "$cache/install.log"
