#!/bin/sh
# Gives each director its own days for unattended upgrades, so that no night takes down two
# directors through keepalived, the kernel or a reboot.
# upgrades.sh apply|verify OWNER <LINE | upgrades.sh undo OWNER
# LINE is REST CYCLE: the days whose number since 1970-01-01 leaves REST when divided by CYCLE.
# Without a line, the host's own days stay.
set -eu
what=upgrades
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
service=apt-daily-upgrade.service
unit=/etc/systemd/system/$service.d/lvs-ha.conf
files=$unit

apply() {
    change "$1"
    is_wanted || no_drop_in
}

swap() {
    ! is_wanted || drop_in put
}

activate() {
    read_units
}

verify() {
    verify_owner "$1"
    ! is_wanted || drop_in verify_file
    tell end verify
}

undo() {
    undo_for "$1"
    no_drop_in
}

# is_wanted: sets $rest and $cycle. False if the host is upgraded in another way.
is_wanted() {
    read -r rest cycle <"$scratch/input" || return 1
    is=$(systemctl is-enabled $service 2>/dev/null) || :
    case $is in
    '' | not-found | masked) return 1 ;;
    esac
}

# The timer itself stays unchanged: when systemd reads a changed timer, it runs the service at once
# if it was due since the last run, and Persistent= does the same after a boot. The timer keeps
# running daily, and the service checks the day.
drop_in() {
    sed "s/REST/$rest/; s/CYCLE/$cycle/" >"$scratch/drop-in" <<'UNIT'
[Service]
ExecCondition=/bin/sh -c '[ $$(($$(date -u -d "$$(date +%%F)" +%%s) / 86400 %% CYCLE)) -eq REST ]'
UNIT
    "$1" $unit 0644 <"$scratch/drop-in"
}

no_drop_in() {
    is_there "$original$unit" || [ -e "$original$unit.absent" ] || return 0
    put_back $unit
    systemctl daemon-reload
}

"$@"
