#!/bin/sh
# The file of secrets that keepalived.conf includes: secrets.sh apply|verify OWNER <TEXT | secrets.sh undo OWNER. Says nothing of what is in it.
set -eu
what=secrets
# In memory, where a run that is killed leaves nothing on a disk.
TMPDIR=/run
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
files=/etc/keepalived/lvs-ha-secrets.conf

apply() {
    change "$1"
    say "in place"
}

swap() {
    written put
}

# keepalived takes them, and proves that.
activate() {
    [ -z "$changed$resumed" ] || "${0%/*}/keepalived.sh" refresh
}

switch_back() {
    "${0%/*}/keepalived.sh" refresh || {
        left="$left; keepalived doesn't take the secrets from before"
        return 0
    }
    say "change not taken; the secrets from before hold"
}

verify() {
    verify_owner "$1"
    written verify_file
    tell end verify
}

# written put|verify_file: what this script writes.
written() {
    "$1" $files 0600 secret <"$scratch/input"
}

undo() {
    undo_for "$1"
    put_back $files
}

"$@"
