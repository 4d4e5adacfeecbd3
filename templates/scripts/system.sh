#!/bin/sh
# Prepares a host's kernel, firewall and virtual addresses: runs the scripts in its input in order;
# undo runs them in reverse.
# system.sh apply OWNER SSH_CONNECTION <SECTIONS | system.sh undo OWNER
# A section is a script's standard input below a line ">>> SCRIPT ARGUMENT… <<<". A line inside a
# section that begins with >>> has one more >.
set -eu
what=system
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
here=${0%/*}
# The applied scripts, in order.
applied=/var/lib/lvs-ha/system

case $1 in
apply)
    owner=$2 client=$3
    awk -v folder="$scratch" '
        /^>>> .* <<<$/ {
            if (file) {
                print "==> end <==" >file
                close(file)
            }
            sub(/^>>> /, "")
            sub(/ <<<$/, "")
            file = folder "/section." ++n
            print n, $0
            next
        }
        /^>>>/ { sub(/^>/, "") }
        file { print >file }
        END { if (file) print "==> end <==" >file }
    ' "$scratch/input" >"$scratch/sections"
    cut -d ' ' -f 2 "$scratch/sections" | record "$applied"
    while read -r n script arguments; do
        # shellcheck disable=SC2086 # words
        set -- "$owner" $arguments
        # The input can't contain the SSH connection, which only this run knows.
        [ "$script" != firewall.sh ] || set -- "$@" "$client"
        "$here/$script" apply "$@" <"$scratch/section.$n"
    done <"$scratch/sections"
    ;;
undo)
    [ -e "$applied" ] || exit 0
    sed -n '1!G; h; $p' "$applied" | while read -r script; do
        "$here/$script" undo "$2" </dev/null
    done
    rm -f "$applied"
    ;;
esac
