#!/bin/sh
# Installs a given version of keepalived's package and holds it there: version.sh apply|verify OWNER
# VERSION | version.sh undo OWNER
# That version's keepalived checks the live config before it is installed, and must serve it
# afterwards; otherwise the earlier version comes back. Installing restarts keepalived, so the other
# director takes over meanwhile.
set -eu
what=version
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
here=${0%/*}
conf=/etc/keepalived/keepalived.conf
held=/var/lib/lvs-ha/keepalived-held

apply() {
    wanted=$2
    take_up
    if is_begun || [ "$(installed)" != "$wanted" ]; then
        [ "$(installed)" = "$wanted" ] || try
        change "$1"
    else
        own "$1"
    fi
    if ! is_held; then
        [ -e $held ] || : | record $held
        apt-mark -qq hold keepalived
    fi
    say "keepalived $wanted, held"
}

# An interrupted run may have ended while dpkg had stopped keepalived.
found() {
    before=$(installed) state=$(running keepalived)
    echo "$before $state" | remember version
    read -r before state <"$journal/version"
}

swap() {
    "$here/packages.sh" "keepalived=$wanted"
}

activate() {
    serves || fail "keepalived $wanted doesn't serve"
}

switch_back() {
    read -r before state <"$journal/version" || return
    [ "$(installed) $(running keepalived)" != "$before $state" ] || return 0
    "$here/packages.sh" "keepalived=$before" || {
        left="$left; keepalived $before is not to be had any more: this director does not serve"
        return 0
    }
    serves || {
        left="$left; neither does keepalived $before serve"
        return 0
    }
    say "change not taken; keepalived $before serves"
}

verify() {
    verify_owner "$1"
    echo "$2 held" >"$scratch/wanted"
    if ! now=$(installed 2>"$scratch/log"); then
        tell missing "version of keepalived"
    elif ! apt-mark showhold keepalived >"$scratch/holds" 2>"$scratch/log"; then
        cannot_tell "version of keepalived" "apt-mark says: $(tail -n 1 "$scratch/log")"
    else
        ! is_held || now="$now held"
        echo "$now" >"$scratch/found"
        differs "version of keepalived" "$scratch/wanted" "$scratch/found"
    fi
    tell end verify
}

undo() {
    undo_for "$1"
    if [ -e $held ]; then
        apt-mark -qq unhold keepalived
        rm $held
        say "no longer held"
    fi
}

installed() {
    dpkg-query -W -f '${Version}' keepalived
}

is_held() {
    holds=$(apt-mark showhold keepalived) || fail "apt-mark does not tell whether keepalived is held"
    [ "$holds" = keepalived ]
}

# The wanted version, unpacked but not installed, checks the live config.
try() {
    "$here/packages.sh" --lists
    (cd "$scratch" && apt-get -q download "keepalived=$wanted") >"$scratch/log" 2>&1 ||
        fail "no keepalived $wanted for this host: $(tail -n 1 "$scratch/log"); it could have: $(apt-cache madison keepalived | awk '{ printf "%s%s", separator, $3; separator = ", " }')"
    [ -f $conf ] || return 0
    dpkg-deb -x "$scratch"/keepalived_*.deb "$scratch/new"
    PATH="$scratch/new/usr/sbin:$PATH" "$here/keepalived.sh" try ||
        fail "keepalived $wanted refuses the live config; nothing changed, $(installed) goes on"
}

# A stopped keepalived stays stopped, although Debian's package starts it.
serves() {
    if [ "$state" = running ]; then
        "$here/keepalived.sh" renew
    elif [ "$(running keepalived)" = running ]; then
        systemctl stop keepalived
    fi
}

"$@"
