#!/bin/sh
# The file of secrets that keepalived.conf includes: secrets.sh apply OWNER <TEXT | secrets.sh undo OWNER. Says nothing of what is in it.
set -eu
what=secrets
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
file=/etc/keepalived/lvs-ha-secrets.conf

apply() {
    (
        lock
        own "$1"
        umask 077
        put $file 0600
        if [ -n "$changed" ]; then
            : | record $file.changed
        fi
    )
    # A reload that failed is tried again by the next run.
    if [ -e $file.changed ]; then
        "${0%/*}/keepalived.sh" refresh
        rm $file.changed
    fi
    say "in place"
}

undo() {
    lock
    undo_for "$1"
    put_back $file
}

"$@"
