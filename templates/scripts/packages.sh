#!/bin/sh
# Installs the missing packages of a list given as one argument: packages.sh "PACKAGE[=VERSION] …"
# packages.sh --verify "PACKAGE …": prints which of them are installed, as a record of `verify` (see
# files.sh).
# packages.sh --lists: only updates the package lists.
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

# alone COMMAND…: runs it, and waits while another program holds the package locks, as apt-daily
# does soon after a host's first boot. apt-get's own DPkg::Lock::Timeout covers only one of several
# locks, and dpkg has no such option.
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

# would_remove install WORD…: ends the script if this install, without --no-remove, would remove
# packages, for example a host's own firewall that conflicts with the stack's.
would_remove() {
    apt-get -q -y -s "$@" --remove >"$scratch/simulated" 2>/dev/null </dev/null || return 0
    gone=$(awk '$1 == "Remv" { printf "%s%s", separator, $2; separator = ", " }' "$scratch/simulated")
    [ -z "$gone" ] || fail "installing$missing would remove $gone, which this host has, so nothing was changed; remove what it doesn't need by hand, or have the stack ask for another package: firewall.backend nftables or none, packages"
}

# If dpkg was killed halfway, each later run refuses to work until this has finished the rest.
if dpkg --audit | grep -q .; then
    alone dpkg --configure -a --force-confold || fail "dpkg --configure -a: $(tail -n 5 "$scratch/log")"
fi
apt update
[ -n "$missing" ] || exit 0
# A requested version may be an older one, and the installed package may be on hold.
case $missing in
*=*) may="--allow-downgrades --allow-change-held-packages" ;;
*) may= ;;
esac
# shellcheck disable=SC2086 # lists of words
apt install --no-install-recommends --no-remove $may -o Dpkg::Options::=--force-confold $missing
say "installed$missing"
