# shellcheck shell=sh
# In what state keepalived's VRRP instances are, by its log: the one place that knows the log's words. Sourced by keepalived.sh and
# metrics.sh, and sent along with ops/report.sh. keepalived could be asked (SIGUSR1), but then it writes files, passwords among them.

# The words of 2.2.7 and 2.3.3 (vrrp.c, vrrp_scheduler.c, vrrp_track.c, vrrp_sync.c), as a function of awk. vrrp_state(MESSAGE) is MASTER,
# BACKUP or FAULT, or nothing where the message tells no state. Besides, it sets:
#   vrrp_name    whose state it is
#   vrrp_group   1: that of a sync group's members. Those that stood by say nothing of a fault themselves: vrrp_sync_fault().
#   vrrp_init    1: the first state after a start or a reload
#   vrrp_reason  1: why there is a fault. A reload says it again, though nothing has changed.
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

# vrrp_members DATA: the sync groups that a director's data tell of: GROUP INSTANCE GROUP INSTANCE …
vrrp_members() {
    [ ! -f "$1" ] || sed -n 's/^=g //p' "$1" | tr '\n' ' '
}

# This boot's journal of the processes that tell it, newest line first: other lines are many, and would be read for nothing.
vrrp_journal() {
    timeout 10 journalctl -r -b -q --no-pager -o short-unix -u keepalived -t Keepalived -t Keepalived_vrrp
}

# vrrp_states DATA: of such a journal, what each instance has said last since the VRRP process was started: SECONDS STATE INSTANCE, and
# at the end SECONDS started, unless the journal doesn't go back that far. An instance that is missing has said nothing that is left.
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
