# shellcheck shell=sh
# Sourced by firewall.sh: a dead man's switch. A change that may shut a login out goes back unless somebody logs in anew within a limit. The
# login that brings the change proves nothing: its connection is let through because it is there already.
# $client is who brings the change, and $backend the firewall that it is for.
# shellcheck disable=SC2154 # firewall.sh and files.sh set these

# Seconds.
limit=60
# Who may log in, as the last change had it.
logins=/var/lib/lvs-ha/firewall-logins
# A change waits for a login, or went back because none came: "UNIX_TIME CLIENT", for `lvs-ha status`.
unconfirmed=/var/lib/lvs-ha/firewall-unconfirmed
# There while it waits: the connections that were there before, which confirm nothing, as lines "ADDRESS PORT".
asking=/run/lvs-ha-firewall-asks
confirmed=/run/lvs-ha-firewall-confirmed
timer=lvs-ha-firewall-guard
files="$files $logins"

# guard_found: sets $guarded where the change may shut a login out, and so may one that was cut off and goes on here.
guard_found() {
    ! may_shut_out || echo guarded | record "$journal/guarded"
    guarded=
    [ ! -e "$journal/guarded" ] || guarded=yes
}

# A firewall is switched on, or somebody was let in who no longer is. A version of the stack that noted no logins may have let in anybody.
may_shut_out() {
    [ -n "$client" ] || return 1
    for one in $own_scripts; do
        [ "$one" = "$backend" ] || ! "${one}_stays_on" || return 0
    done
    [ "$backend" != none ] || return 1
    "${backend}_filters" || return 0
    if [ -e $logins ]; then
        touch_section logins
        ! awk 'FILENAME == ARGV[1] { now[$0]; next } !($0 in now) { lost = 1 } END { exit lost }' "$scratch/files/logins" $logins
    else
        [ -e "$owners/${0##*/}" ]
    fi
}

# touch_section NAME: it is there, if empty.
touch_section() {
    mkdir -p "$scratch/files"
    : >>"$scratch/files/$1"
}

guard_written() {
    if [ "$backend" = none ]; then
        rm -f $logins
    else
        touch_section logins
        record $logins <"$scratch/files/logins"
    fi
}

# guard_arm: from here on, the change goes back if this script is killed.
guard_arm() {
    [ -n "$guarded" ] || return 0
    guard_disarm
    systemd-run -q --collect --unit=$timer --timer-property=AccuracySec=1s --on-active=$((limit + 30)) "$home/firewall.sh" rollback >"$scratch/timer" 2>&1 ||
        fail "without a timer that takes it back, no firewall is switched on: systemd-run says: $(tail -n 1 "$scratch/timer")"
}

guard_disarm() {
    # The third is of a run that was killed.
    rm -f $asking $confirmed $unconfirmed.new
    ! systemctl -q is-active $timer.timer || systemctl stop $timer.timer
}

# guard_wait: for the login that confirms the change.
guard_wait() {
    [ -n "$guarded" ] || {
        rm -f $unconfirmed
        return 0
    }
    connections >"$scratch/connections" || fail "which logins there are can't be told: ss ended with $?"
    printf '%s %s\n' "$(date +%s)" "$client" | record $unconfirmed
    end=$(($(uptime_seconds) + limit))
    record $asking <"$scratch/connections"
    say "waits up to $limit s for another login, which shows that this change shuts nobody out"
    until [ -e $confirmed ]; do
        [ "$(uptime_seconds)" -lt $end ] ||
            fail "nobody could log in anew within $limit s of this change, so it goes back: it lets in $client, where it comes from, and the next login came from elsewhere, or not at all. Add where your logins come from to firewall.sshFrom"
        sleep 0.2
    done
    say "$(cat $confirmed) has logged in anew: the change stays"
    guard_disarm
    rm -f $unconfirmed
}

# The connections to this SSH server that are there, each by its other end.
connections() {
    ss -Htn state established "sport = :$ssh_port" >"$scratch/ss" || return
    awk '{
        address = port = $4
        sub(/.*:/, "", port)
        sub(/:[^:]*$/, "", address)
        gsub(/[][]|%.*/, "", address)
        if (address ~ /[.]/) sub(/^::ffff:/, "", address)
        print address, port
    }' "$scratch/ss"
}

# asks: tells which change waits for a login, once there is one; nothing when there is none for 20 s.
asks() {
    end=$(($(uptime_seconds) + 20))
    until [ -e $asking ]; do
        [ "$(uptime_seconds)" -lt $end ] || return 0
        sleep 0.5
    done
    cat $unconfirmed
}

# confirm: by a login that was not there before the change.
confirm() {
    make_scratch
    client_is "$(ssh_connection)"
    [ -e $asking ] || fail "no change waits for a login"
    [ -n "$client" ] || fail "only a login by SSH shows that logins are let in"
    ! grep -qxF "$client $client_port" $asking || fail "this login was there before the change, and shows nothing: log in anew"
    printf '%s\n' "$client" | record $confirmed
}
