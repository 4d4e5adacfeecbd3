#!/bin/sh
# keepalived at a version of its package, held there: version.sh apply OWNER VERSION | version.sh undo OWNER
# The keepalived of that version is asked about the live config before it is installed, and has to serve it afterwards, or the one from
# before is back. A package that changes restarts keepalived: the other director takes over meanwhile.
set -eu
what=version
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
here=${0%/*}
conf=/etc/keepalived/keepalived.conf
held=/var/lib/lvs-ha/keepalived-held

apply() {
    own "$1"
    before=$(installed)
    if [ "$before" != "$2" ]; then
        make_scratch
        running=
        ! systemctl -q is-active keepalived || running=yes
        try "$2"
        "$here/packages.sh" "keepalived=$2"
        serves || go_back "$2"
    fi
    if ! is_held; then
        [ -e $held ] || : | record $held
        apt-mark -qq hold keepalived
    fi
    say "keepalived $2, held"
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
    apt-mark showhold keepalived | grep -qx keepalived
}

# try VERSION: its program, unpacked and not installed, reads the live config.
try() {
    "$here/packages.sh" --lists
    (cd "$scratch" && apt-get -q download "keepalived=$1") >"$scratch/log" 2>&1 ||
        fail "no keepalived $1 for this host: $(tail -n 1 "$scratch/log"); it could have: $(apt-cache madison keepalived | awk '{ printf "%s%s", separator, $3; separator = ", " }')"
    [ -f $conf ] || return 0
    dpkg-deb -x "$scratch"/keepalived_*.deb "$scratch/new"
    PATH="$scratch/new/usr/sbin:$PATH" "$here/keepalived.sh" try ||
        fail "keepalived $1 refuses the live config; nothing changed, $before goes on"
}

# A keepalived that was stopped stays so: Debian's package starts it.
serves() {
    if [ -n "$running" ]; then
        systemctl -q is-active keepalived && "$here/keepalived.sh" renew
    elif systemctl -q is-active keepalived; then
        systemctl stop keepalived
    fi
}

go_back() {
    say "keepalived $1 doesn't serve; going back to $before"
    "$here/packages.sh" "keepalived=$before" || fail "$before is not to be had any more: this director does not serve"
    serves || fail "neither does $before"
    fail "change not taken; keepalived $before serves"
}

"$@"
