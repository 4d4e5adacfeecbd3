#!/bin/sh
# Installs the secrets file that keepalived.conf includes: secrets.sh apply|verify OWNER <TEXT |
# secrets.sh undo OWNER
# Never prints any of its content.
set -eu
what=secrets
# In memory: an interrupted run leaves nothing on a disk.
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

# keepalived loads the secrets and proves that it runs with them.
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

# written put|verify_file: the file that this script writes.
written() {
    "$1" $files 0600 secret <"$scratch/input"
}

undo() {
    undo_for "$1"
    put_back $files
}

"$@"
