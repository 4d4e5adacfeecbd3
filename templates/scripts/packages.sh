#!/bin/sh
# Installs what is missing of the packages given as one word list: packages.sh "PACKAGE[=VERSION] …"
# packages.sh --verify "PACKAGE …": which of them are installed, as a record of `verify` (see files.sh).
# packages.sh --lists: reads the package source's lists anew, and no more.
set -eu
what=packages
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"

state_of() {
    dpkg-query -W -f '${db:Status-Status} ${Version}' "${1%%=*}" 2>/dev/null
}

if [ "$1" = --verify ]; then
    make_scratch
    for package in $2; do
        echo "$package"
    done | sort -u >"$scratch/wanted"
    while read -r package; do
        state=$(state_of "$package") || continue
        [ "${state%% *}" != installed ] || echo "$package"
    done <"$scratch/wanted" >"$scratch/found"
    differs "installed packages" "$scratch/wanted" "$scratch/found"
    exit 0
fi

missing=
if [ "$1" != --lists ]; then
    for package in $1; do
        state=$(state_of "$package") || state=
        case $package in
        *=*) wanted="installed ${package#*=}" ;;
        *) wanted=installed state=${state%% *} ;;
        esac
        [ "$state" = "$wanted" ] || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        say "all there"
        exit 0
    fi
    say "installing$missing"
fi

lock
export DEBIAN_FRONTEND=noninteractive
make_scratch
deadline=$(($(uptime_seconds) + 300))
waits_for=

# alone COMMAND…: waits while another program has the packages, as apt-daily has soon after a host's first boot. apt-get's own
# DPkg::Lock::Timeout is for one lock of several, and dpkg has none.
alone() {
    until "$@" >"$scratch/log" 2>&1 </dev/null; do
        holder=$(grep -m 1 -E 'Could not get lock|lock (is|was) locked by another process' "$scratch/log") || return 1
        [ "$(uptime_seconds)" -lt $deadline ] || return 1
        [ -n "$waits_for" ] || say "waiting, 300 s at most: $holder"
        waits_for=$holder
        sleep 2
    done
}

apt() {
    alone apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" || {
        [ "$1" != install ] || would_remove "$@"
        tail -n 20 "$scratch/log" | show
        fail "apt-get $1 failed; nothing of the load balancer was changed"
    }
}

# would_remove install WORD…: ends the script where that, done without --no-remove, takes packages away: a host's own firewall, say,
# whose package conflicts with the stack's.
would_remove() {
    apt-get -q -y -s "$@" --remove >"$scratch/simulated" 2>/dev/null </dev/null || return 0
    gone=$(awk '$1 == "Remv" { printf "%s%s", separator, $2; separator = ", " }' "$scratch/simulated")
    [ -z "$gone" ] || fail "installing$missing would remove $gone, which this host has, so nothing was changed; remove what it doesn't need by hand, or have the stack ask for another package: firewall.backend nftables or none, packages"
}

# A dpkg that was killed halfway says so at every later run; this ends what it had begun.
if dpkg --audit | grep -q .; then
    alone dpkg --configure -a --force-confold || fail "dpkg --configure -a: $(tail -n 5 "$scratch/log")"
fi
apt update
[ -n "$missing" ] || exit 0
# A version that is asked for may be an older one, and the one that is there may be held.
case $missing in
*=*) may="--allow-downgrades --allow-change-held-packages" ;;
*) may= ;;
esac
# shellcheck disable=SC2086 # lists of words
apt install --no-install-recommends --no-remove $may -o Dpkg::Options::=--force-confold $missing
say "installed$missing"
