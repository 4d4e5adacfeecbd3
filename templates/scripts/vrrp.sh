# shellcheck shell=sh
# Reads the states of keepalived's VRRP instances from its log. Only this file knows the log's
# words. Sourced by keepalived.sh and metrics.sh, and sent along with ops/report.sh. keepalived
# could be asked directly (SIGUSR1), but then it writes files that contain passwords.

# The log messages of 2.2.7 and 2.3.3 (vrrp.c, vrrp_scheduler.c, vrrp_track.c, vrrp_sync.c), as an
# awk function. vrrp_state(MESSAGE) returns MASTER, BACKUP or FAULT, or nothing if the message names
# no state. It also sets:
# \  vrrp_name    the instance or group
#   vrrp_group   1: the state is that of a sync group's members. Standby members don't log a fault
#   themselves: vrrp_sync_fault().
#   vrrp_init    1: the first state after a start or a reload
#   vrrp_reason  1: the message gives the reason for a fault. A reload logs it again even if nothing
#   has changed.
vrrp_words='
    function vrrp_state(message,    state, rest) {
        vrrp_group = vrrp_init = vrrp_reason = 0
        if (match(message, /^VRRP_Group\([^)]*\) Syncing instances to FAULT state/)) {
            vrrp_group = 1
            vrrp_name = substr(message, 12, index(message, ")") - 12)
            return "FAULT"
        }
        if (!match(message, /^\([^)]*\):? [Ee]ntering (MASTER|BACKUP|FAULT) (STATE|state)/)) return ""
        state = substr(message, 1, RLENGTH - 6)
        rest = substr(message, RLENGTH + 1)
        sub(/.* /, "", state)
        vrrp_name = substr(message, 2, index(message, ")") - 2)
        vrrp_init = rest == " (init)"
        vrrp_reason = rest != "" && !vrrp_init
        return state
    }
'

# vrrp_members DATA: the members of the sync groups in a director's data: GROUP INSTANCE GROUP
# INSTANCE …
vrrp_members() {
    [ ! -f "$1" ] || sed -n 's/^=g //p' "$1" | tr '\n' ' '
}

# This boot's journal of the processes that log states, newest line first. Other processes log much
# that is useless here.
vrrp_journal() {
    timeout 10 journalctl -r -b -q --no-pager -o short-unix -u keepalived -t Keepalived -t Keepalived_vrrp
}

# vrrp_states DATA: reads such a journal and prints the last state of each instance since the VRRP
# process started, SECONDS STATE INSTANCE; at the end SECONDS started, unless the journal doesn't
# reach back that far. An instance without a line in the journal is missing.
vrrp_states() {
    awk -v members="$(vrrp_members "$1")" "$vrrp_words"'
        function tell(name) {
            if (!(name in told)) print $1, state, name
            told[name]
        }
        function begun(at) {
            if (started == "") started = at
        }
        BEGIN { n = split(members, member, " ") }
        {
            message = $0
            sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", message)
            process = $3
            sub(/^[^[]*[[]/, "", process)
            sub(/[]].*/, "", process)
        }
        message ~ /^(Starting|Stopped) Keepalived v/ || message ~ /^VRRP child process\([0-9]+\) died/ {
            begun($1)
            exit
        }
        # The process itself may have said something before: this is the word of its parent.
        sub(/^Starting VRRP child process, pid=/, "", message) {
            begun($1)
            if (current != "" && current != message) exit
            current = message
            next
        }
        state = vrrp_state(message) {
            if (current == "") current = process
            if (process != current) next
            if (!vrrp_group) tell(vrrp_name)
            else for (i = 1; i < n; i += 2) if (member[i] == vrrp_name) tell(member[i + 1])
        }
        END { if (started != "") print started, "started" }
    '
}
