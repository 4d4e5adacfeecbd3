#!/bin/sh
# Installs what is missing of the packages given as one word list: packages.sh "PACKAGE …"
set -eu
what=packages
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"

missing=
for package in $1; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    say "all there"
    exit 0
fi

lock
say "installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt() {
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" >"$scratch/log" 2>&1 </dev/null || {
        tail -n 20 "$scratch/log" >&2
        fail "apt-get $1 failed; nothing of the load balancer was changed"
    }
}
make_scratch
# A dpkg that was killed halfway says so at every later run; this ends what it had begun.
dpkg --audit | grep -q . && { dpkg --configure -a --force-confold >"$scratch/log" 2>&1 </dev/null || fail "dpkg --configure -a: $(tail -n 5 "$scratch/log")"; }
apt update
# shellcheck disable=SC2086 # a list of words
apt install --no-install-recommends -o Dpkg::Options::=--force-confold $missing
say "installed$missing"
