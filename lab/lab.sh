#!/bin/sh
# Runs `npm run lab`: checks what Node needs to run the lab, installs the project's packages, and
# starts cli.ts.
set -eu

fail() {
    printf 'lab: %s\n' "$1" >&2
    exit 1
}

project=$(cd "$(dirname "$0")/.." && pwd)

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
    fail "the lab runs on Linux on x86-64 only, and this is $(uname -s) on $(uname -m)"
[ "$(id -u)" = 0 ] || fail "the lab makes network namespaces: run it as root, for example with sudo -E npm run lab"
command -v node >/dev/null || fail "there is no node on PATH: install Node 20.19 or later"
node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
' || fail "this is Node $(node -p process.versions.node): install Node 20.19 or later"

# npm writes this lock file at the end of an installation.
installed=$project/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ -n "$(find "$project/package-lock.json" -newer "$installed")" ]; then
    echo "lab: installing the project's packages" >&2
    npm ci --prefix "$project" --no-audit --no-fund
fi

exec node --import "file://$project/node_modules/tsx/dist/loader.mjs" "$project/lab/cli.ts" "$@"
