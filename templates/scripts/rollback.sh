#!/bin/sh
# Of every step whose run was killed, the change goes back: rollback.sh; `rollback.sh boot` is what the host runs before anything of the
# stack's starts: with the files alone, by which that starts then.
set -eu
what=rollback
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
here=${0%/*}
failed=
# As they are undone: who sends first, and the addresses before the sysctls that keep ARP from answering for them.
for step in metrics version keepalived secrets vip firewall kernel upgrades; do
    "$here/$step.sh" rollback "$@" || failed="$failed $step"
done
[ -z "$failed" ] || fail "not everything could be put back:$failed"
