#!/bin/sh
# The file of secrets that keepalived.conf includes: secrets.sh apply|verify OWNER <TEXT | secrets.sh undo OWNER. Says nothing of what is in it.
set -eu
what=secrets
# In memory, where a run that is killed leaves nothing on a disk.
TMPDIR=/run
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
file=/etc/keepalived/lvs-ha-secrets.conf
previous=$file.lvs-ha-previous
# There from the change until keepalived has taken it: a run that was killed in between is taken up again.
unproven=$file.changed

apply() {
    (
        lock
        own "$1"
        umask 077
        before=unproven
        if [ ! -e $unproven ]; then
            before=
            rm -f $previous
            [ ! -f $file ] || cp -p $file $previous
            : | record $unproven
        fi
        written put
        [ -n "$changed$before" ] || done_with_previous
    )
    if [ -e $unproven ]; then
        "${0%/*}/keepalived.sh" refresh || go_back
        done_with_previous
    fi
    say "in place"
}

verify() {
    verify_owner "$1"
    written verify_file
    tell end verify
}

# written put|verify_file: what this script writes.
written() {
    "$1" $file 0600 secret <"$scratch/input"
}

undo() {
    lock
    undo_for "$1"
    put_back $file
    done_with_previous
}

go_back() {
    [ -f $previous ] || fail "not taken; the next run tries again"
    # A second name of the file, which needs no room.
    (
        lock
        ln -f $previous $file.lvs-ha-new
        move $file.lvs-ha-new $file
        sync "${file%/*}"
    )
    say "put back the secrets from before"
    "${0%/*}/keepalived.sh" refresh || fail "change not taken, nor are the secrets from before"
    done_with_previous
    fail "change not taken; the secrets from before hold"
}

# The mark goes first: without it, what is left is cleared away by the next run.
done_with_previous() {
    rm -f $unproven
    rm -f $previous
}

"$@"
