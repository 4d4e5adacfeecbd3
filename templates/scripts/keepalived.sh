#!/bin/sh
# Installs keepalived.conf and the scripts that it names: stage, check, swap, then prove or put
# back.
# keepalived.sh apply|verify OWNER [stopped] <FILES | keepalived.sh refresh|renew|start|try|recover
# | keepalived.sh undo OWNER
# apply prints the IPVS table as it is afterwards.
# stopped: the config is installed, but keepalived doesn't run and isn't started at boot, because
# the director is in maintenance.
set -eu
what=keepalived
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
# shellcheck source=templates/scripts/foreign.sh
. "${0%/*}/foreign.sh"
# shellcheck source=templates/scripts/ipvs.sh
. "${0%/*}/ipvs.sh"
# shellcheck source=templates/scripts/vrrp.sh
. "${0%/*}/vrrp.sh"
[ "$1" = verify ] || lock
conf=/etc/keepalived/keepalived.conf
conf_mode=0640
# The config before the change.
previous=$(before_of $conf)
# The config's content as data for these scripts: see ipvs.sh.
data=$director_data
data_mode=0640
scripts=/etc/keepalived/lvs-ha-scripts
script_mode=0755
# As long as the path of the real scripts, because keepalived limits the length of a line.
staged_scripts=/etc/keepalived/lvs-ha-staging
services=keepalived
unit=/etc/systemd/system/keepalived.service.d/lvs-ha.conf
# network.sh starts this unit when its wait was in vain.
follower=lvs-ha-network.service
# The checksum of the config that was proven last. With any other config, IPVS may differ because
# someone wanted it so.
proven=/var/lib/lvs-ha/keepalived-proven
# Exists while keepalived must not run because not every director has the config yet (peers.sh).
withdrawn=/var/lib/lvs-ha/keepalived-withdrawn
files="$conf $data $unit $proven $(service_note keepalived)"

apply() {
    aim=${2:-running}
    [ ! -e $withdrawn ] || {
        aim=stopped
        say "stays stopped until every director has the config"
    }
    take_up
    stage
    if ! is_begun && cmp -s "$new$conf" $conf && same_scripts && [ "$(running keepalived)" = "$aim" ]; then
        rm -rf $staged_scripts
        own "$1"
        note_service keepalived
        mend_mode
        put_data
        put_drop_in
        if [ "$aim" = running ]; then
            enable_at_boot keepalived
            mend_table
            [ ! -s "$scratch/orders" ] || fail "IPVS isn't as the config says, and does not take: $(cat "$scratch/orders")"
            start_sync_daemons
        fi
        note_proven
        say "config unchanged, $aim"
    else
        check_staged || {
            rm -rf $staged_scripts
            fail "config refused, nothing changed$(old_one)"
        }
        set -- "$1"
        for script in "$scripts"/* "$staged_scripts"/*; do
            ! is_there "$script" || set -- "$@" "$scripts/${script##*/}"
        done
        change "$@"
        # keepalived leaves other owners' sync daemons running and does without its own.
        [ "$aim" = stopped ] || start_sync_daemons
    fi
    end_sync_daemons
    table=$(ipvsadm -Ln)
    printf '%s\n' "$table" || :
}

note_proven() {
    is_proven $conf || sha256sum $conf | record $proven
}

# Notes the real servers that were in before the change.
found() {
    # A config installed by an interrupted run was never proven.
    stood=$conf
    [ -z "$resumed" ] || ! is_there "$previous" || stood=$previous
    note_hand_made "$stood"
    : >"$scratch/live"
    [ ! -f $conf ] || [ "$(running keepalived)" = stopped ] || live $conf >"$scratch/live"
    sed -n '/^-a/p' "$scratch/live" | remember in
}

# Replaces each file in one step. Scripts that only the old config names stay until the new one is
# proven. The data go in before the config that they describe; those of the old config stay beside
# them.
swap() {
    note_service keepalived
    if [ -d $staged_scripts ]; then
        mkdir -p $scripts
        chmod 0755 $scripts
        for script in "$staged_scripts"/*; do
            put "$scripts/${script##*/}" $script_mode <"$script"
        done
        rm -r $staged_scripts
    fi
    put_data
    put $conf $conf_mode <"$new$conf"
    changed=
}

# Changed scripts alone need a reload: when keepalived reads its config, it drops a check whose
# script is missing or not trusted, and only the next reading takes the check in again. A reload
# loses no connections.
activate() {
    if [ "$aim" = stopped ]; then
        rest
    else
        load
    fi
}

prove() {
    if [ "$aim" = running ]; then
        judge_checks
        judge_tracking
        await
        [ -z "$problem" ] || {
            log=$(said | tail -n 20)
            fail "$problem"
        }
    fi
    put_drop_in
    note_proven
    sweep
}

log=
switch_back() {
    rm -rf $staged_scripts
    [ ! -f $conf ] || end_sync_daemons || left="$left; its sync daemons could not be asked for"
    [ -z "$log" ] || printf '%s\n' "$log" | show
    say "change not taken$(old_one)"
}

old_one() {
    if systemctl -q is-active keepalived; then
        printf '; the config from before is serving'
    else
        printf '; keepalived is not running, as before'
    fi
}

# `lvs verify` itself compares what keepalived has set up in the kernel.
verify() {
    split_files
    verify_owner "$1"
    verify_file $conf $conf_mode <"$scratch/files$conf"
    [ ! -f "$scratch/files$data" ] || verify_file $data $data_mode <"$scratch/files$data"
    for script in "$scratch/files$scripts"/*; do
        [ ! -e "$script" ] || verify_file "$scripts/${script##*/}" $script_mode <"$script"
    done
    # keepalived runs every file in this folder as root, so unknown ones are reported.
    if [ -d $scripts ]; then ls -A $scripts; fi >"$scratch/names"
    while read -r name; do
        [ -e "$scratch/files$scripts/$name" ] || printf '%s\n' "$name"
    done <"$scratch/names" >"$scratch/others"
    differs "other files in $scripts" /dev/null "$scratch/others"
    drop_in verify_file
    if [ "${2:-}" = stopped ]; then
        verify_service keepalived.service "disabled, inactive"
    else
        verify_service keepalived.service
    fi
    tell end verify
}

# An included file has changed: check, reload, prove.
refresh() {
    go_back_if_begun
    systemctl -q is-active keepalived || return 0
    # A config from before the stack doesn't include the file.
    grep -qF /etc/keepalived/lvs-ha-secrets.conf $conf || return 0
    renew
}

# Checks the live config with the keepalived on PATH.
try() {
    go_back_if_begun
    check $conf
}

# Starts with a config that was installed while keepalived was stopped.
start() {
    make_scratch
    check $conf || fail "the config is refused now"
    load
    await
    [ -z "$problem" ] || {
        rest
        fail "$problem"
    }
    note_proven
}

# Takes the same config again: check, reload, prove.
renew() {
    go_back_if_begun
    check $conf || fail "the live config is refused now"
    load
    await
    [ -z "$problem" ] || fail "$problem"
}

undo() {
    undo_for "$1"
    synced=
    ! has_sync_daemon || synced=yes
    put_back $conf
    put_back $data
    for kept in "$original$scripts"/*; do
        case $kept in
        *.absent | *.new | *\*) ;;
        *) put_back "$scripts/${kept##*/}" ;;
        esac
    done
    service_was=$(service_note keepalived)
    if [ -e "$service_was" ]; then
        read -r enabled active <"$service_was"
        # Maintenance has disabled the service at boot.
        if [ "$enabled" = enabled ]; then
            enable_at_boot keepalived
        else
            systemctl -q disable keepalived
        fi
        if [ "$active" = active ] && [ -f $conf ] && [ -e $withdrawn ]; then
            echo start | record $withdrawn
        elif [ "$active" = active ] && [ -f $conf ]; then
            systemctl reload-or-restart keepalived
            say "runs the config that was there before"
        else
            systemctl stop keepalived
            say "stopped"
        fi
        rm "$service_was"
    fi
    [ -z "$synced" ] || end_sync_daemons
    # The stack's scripts go last: keepalived may have to run one when it stops.
    for kept in "$original$scripts"/*.absent; do
        [ ! -e "$kept" ] || put_back "$scripts/$(basename "$kept" .absent)"
    done
    put_back $unit
    ! systemctl -q is-active $follower || systemctl stop $follower
    systemctl daemon-reload
    rm -rf $staged_scripts $proven
}

# Debian's unit doesn't restart a keepalived that was killed. Then there would be no standby, or two
# directors would have the virtual addresses, because the killed keepalived's are never removed. The
# unit also starts before the addresses that keepalived sends from exist. The wait in network.sh is
# only advice: keepalived starts whatever its result.
drop_in() {
    "$1" $unit 0644 <<UNIT
[Service]
Restart=on-failure
RestartSec=1
ExecStartPre=-$home/network.sh await $conf
TimeoutStartSec=180
UNIT
}

put_drop_in() {
    drop_in put
    [ -z "$changed" ] || systemctl daemon-reload
}

# Reloads because addresses have arrived that were missing at keepalived's start. 2.2.7 looks for
# addresses only in a reload, which starts no sync daemon.
recover() {
    systemctl -q is-active keepalived || return 0
    say "reloading"
    systemctl reload keepalived
    start_sync_daemons
}

has_sync_daemon() {
    [ -n "$(wanted_sync_daemon $conf)" ]
}

# Starts the sync daemons that the config wants and that are missing; a reload wouldn't start them.
# Stops a daemon with another interface or id first, because the kernel allows only one of each
# role.
start_sync_daemons() {
    options=$(wanted_sync_daemon $conf)
    [ -n "$options" ] || return 0
    ipvsadm -L --daemon >"$scratch/daemons"
    for role in master backup; do
        ! is_wanted_daemon $role "$options" <"$scratch/daemons" || continue
        others=$(sed -n "s/^$role sync daemon (\([^)]*\)).*/\1/p" "$scratch/daemons")
        [ -z "$others" ] || timeout 30 ipvsadm --stop-daemon $role
        # shellcheck disable=SC2086 # the words of a command
        ipvsadm --start-daemon $role $options || fail "the $role sync daemon does not start ($options): is the interface up?"
        say "started the $role sync daemon${others:+ in the place of another: $others}"
    done
}

# A reload leaves a sync daemon running that the new config no longer has (2.2.7, 2.3.3).
end_sync_daemons() {
    ! has_sync_daemon || return 0
    daemons=$(ipvsadm -L --daemon) || return
    for role in $(printf '%s\n' "$daemons" | sed -n 's/ sync daemon .*//p'); do
        timeout 30 ipvsadm --stop-daemon "$role"
        say "stopped the $role sync daemon"
    done
}

# After an orderly stop, the other directors take over at once.
rest() {
    systemctl -q disable keepalived
    systemctl stop keepalived
    [ -e $withdrawn ] || say "stopped, for maintenance"
}

# Puts the scripts from standard input, with their final modes, where keepalived can check them.
stage() {
    split_files
    new=$scratch/files
    [ -f "$new$conf" ] || fail "there is no $conf on standard input"
    rm -rf $staged_scripts
    [ -d "$new$scripts" ] || return 0
    mkdir -p "${scripts%/*}"
    cp -R "$new$scripts" $staged_scripts
    chmod 0755 $staged_scripts
    chmod $script_mode $staged_scripts/*
}

# Also for an unchanged config: an earlier version brought no data, or other data.
put_data() {
    [ ! -f "$new$data" ] || put $data $data_mode <"$new$data"
}

# keepalived has already read the file, so this needs no reload.
mend_mode() {
    [ "$(stat -c '%a %u:%g' $conf)" = "${conf_mode#0} 0:0" ] && return
    chown 0:0 $conf
    chmod $conf_mode $conf
    say "mended the mode and owner of $conf"
}

# A reload doesn't repair manual changes in IPVS: keepalived changes only what differs between the
# two configs. Leaves the remaining orders in $scratch/orders.
mend_table() {
    { wanted $conf && wanted_by_drain; } >"$scratch/wanted"
    : >"$scratch/out"
    find_orders
    [ -s "$scratch/orders" ] || return 0
    find_who_is_out
    find_orders
    [ -s "$scratch/orders" ] || return 0
    # keepalived itself may be changing the table: it has just started, or a check has failed.
    sleep 2
    find_who_is_out
    find_orders
    while read -r words; do
        say "IPVS was changed by hand, or by a run that was killed; now: ipvsadm $words"
        # shellcheck disable=SC2086 # the words of a command
        ipvsadm $words || say "ipvsadm $words failed"
    done <"$scratch/orders"
    find_orders
}

# During a change, keeps only the orders for entries that were changed by hand before it.
find_orders() {
    live $conf >"$scratch/live"
    orders >"$scratch/orders"
    [ -e "$scratch/hand-made" ] || return 0
    mv "$scratch/orders" "$scratch/all"
    while read -r words; do
        ! printf '%s\n' "$words" | places | grep -qxF -f "$scratch/hand-made" || printf '%s\n' "$words"
    done <"$scratch/all" >"$scratch/orders"
}

find_who_is_out() {
    { taken_out && drained_places; } >"$scratch/out"
    # With `alpha`, a real server starts out of the pool, and the log doesn't mention it.
    told_of o $conf >>"$scratch/out"
}

# note_hand_made CONF: lists the entries in which IPVS differs from CONF, keepalived's config until
# now. The cause is a manual change, a failed check, or an interrupted run whose config keepalived
# may or may not have read. For a config that the stack hasn't proven (from before the stack, or
# edited) the cause can't be known, so nothing is listed.
note_hand_made() {
    : >"$scratch/hand-made"
    is_proven "$1" && [ "$(running keepalived)" = running ] || return 0
    { wanted "$1" && wanted_by_drain; } >"$scratch/wanted"
    live "$1" >"$scratch/live"
    : >"$scratch/out"
    orders | places >"$scratch/hand-made"
}

# is_proven CONF: whether CONF is the config that was proven last.
is_proven() {
    [ -f $proven ] && [ -f "$1" ] || return 1
    sum=$(sha256sum <"$1")
    grep -q "^${sum%% *} " $proven
}

same_scripts() {
    [ "$(listing $staged_scripts)" = "$(listing $scripts)" ]
}

# Names, modes, owners and contents of a folder; nothing if there is no folder.
listing() {
    [ -d "$1" ] || return 0
    (cd "$1" && find . -exec stat -c '%n %a %u:%g' {} + -type f -exec sha256sum {} +) | sort
}

check_staged() {
    # keepalived accepts a check whose script is missing, or whose interpreter is.
    grep -o "$scripts/[a-z0-9_.-]*" "$new$conf" | sort -u >"$scratch/named" || return 1
    while read -r script; do
        file=$staged_scripts/${script##*/}
        [ -f "$file" ] || {
            say "the config names $script, which is not among its scripts"
            return 1
        }
        interpreter=$(sed -n '1s/^#! *\([^ ]*\).*/\1/p' "$file")
        command -v "$interpreter" >"$scratch/interpreter" || {
            say "$script begins with \"$(head -n 1 "$file")\", which this host cannot run"
            return 1
        }
    done <"$scratch/named"
    # The final folder may still hold the scripts that the old config runs.
    sed "s|$scripts/|$staged_scripts/|g" "$new$conf" >"$scratch/keepalived.conf" || return 1
    check "$scratch/keepalived.conf"
}

# keepalived's own verdict on a file. Any exit code but 0 means no: 5 means "runs, but not as you
# wrote it".
# 2.2.7 sends itself SIGTERM when it tests scripts that another user runs (check_script_secure,
# fixed in 2.2.8), so the signal is ignored.
check() {
    code=0
    # shellcheck disable=SC2016 # $1 is the inner shell's
    timeout -s KILL 60 sh -c 'trap "" TERM; exec keepalived --config-test --use-file "$1"' sh "$1" >"$scratch/check" 2>&1 || code=$?
    # 2.1.5 ends with 0 whatever it finds (seen), and is silent where that is nothing.
    if [ "$code" = 0 ] && { [ ! -s "$scratch/check" ] || ! is_older_than 2.2.4; }; then
        say "config accepted"
        return 0
    fi
    say "keepalived --config-test ended with $code and says:"
    sed "s|$scratch/keepalived.conf|$conf|g; s|$staged_scripts/|$scripts/|g" "$scratch/check" | show
    return 1
}

# is_older_than VERSION: whether keepalived is.
is_older_than() {
    version=$(keepalived --version 2>&1 | sed -n 's/^Keepalived v\([0-9.]*\).*/\1/p')
    [ -n "$version" ] && [ "$version" != "$1" ] && [ "$(printf '%s\n' "$version" "$1" | sort -V | head -n 1)" = "$version" ]
}

# Removes the scripts that the config no longer has.
sweep() {
    [ -d $scripts ] || return 0
    for script in "$scripts"/*; do
        [ -e "$new$script" ] || { keep_original "$script" && take_away "$script"; }
    done
}

# Sets $problem on failure.
load() {
    problem=
    # The cursor separates log lines about an earlier config from those about this one.
    since=$(journalctl -u keepalived -n 0 --show-cursor -q) || fail "keepalived's log cannot be read"
    since=$(printf '%s\n' "$since" | sed -n 's/^-- cursor: //p')
    enable_at_boot keepalived
    if ! systemctl -q is-active keepalived; then
        say "starting"
        systemctl start keepalived || problem="start failed"
    elif tracks_processes $conf && [ -f "$previous" ] && ! tracks_processes "$previous"; then
        say "restarting, so that keepalived begins to track processes; another director takes over meanwhile"
        systemctl restart keepalived || problem="restart failed"
    elif moves_addresses; then
        say "restarting: a reload would lose virtual addresses that go to another instance, or from a VMAC; another director takes over meanwhile"
        systemctl restart keepalived || problem="restart failed"
    else
        say "reloading"
        systemctl reload keepalived || problem="reload failed"
    fi
}

# keepalived asks the kernel for process events only at a start (vrrp_complete_init() in vrrp.c). A
# reload that brings the first tracked process doesn't, and logs nothing about it (seen, 2.3.3).
tracks_processes() {
    [ -n "$(told_of t "$1" | sed -n '/^[0-9]* vrrp_[a-z_]* [^ ]* track_process /p')" ]
}

# A reload removes an instance's former addresses only at its end, when another instance has them
# already; it also removes the addresses of a VMAC that goes or is renamed. The instance stays
# active without them, and no reload brings them back (seen, 2.2.7 and 2.3.3).
moves_addresses() {
    [ -f "$previous" ] || return 1
    {
        told_of i $conf | sed 's/^/stays /'
        told_of m $conf | sed 's/^/vmac /'
        told_of v $conf | sed 's/^/has /'
        told_of m "$previous" | sed 's/^/lost-vmac /'
        told_of v "$previous" | sed 's/^/had /'
    } | awk '
        $1 == "stays" { stays[$2] }
        $1 == "vmac" { vmac[$2, $3] }
        $1 == "has" { has[$2] = $3 }
        $1 == "lost-vmac" && ($2 in stays) && !(($2, $3) in vmac) { moves = 1 }
        $1 == "had" && ($2 in has) && has[$2] != $3 && ($3 in stays) { moves = 1 }
        END { exit !moves }
    '
}

# Handles a reload that has lost addresses in a way that moves_addresses doesn't know. Sets $problem
# if a restart doesn't help either.
find_again() {
    [ -n "$(lost_addresses)" ] || return 0
    # The log may be ahead of the kernel.
    sleep 1
    lost=$(lost_addresses)
    [ -n "$lost" ] || return 0
    problem="active without ${lost% }"
    [ -z "${restarted:-}" ] || return 0
    restarted=yes
    say "$problem; restarting, another director takes over meanwhile"
    systemctl restart keepalived || :
    deadline=$(($(uptime_seconds) + 30))
}

# The addresses that this director lacks although their instance is active.
lost_addresses() {
    vrrp_journal | vrrp_states $data | awk '$2 == "MASTER" { print $3 }' >"$scratch/active"
    virtual_addresses $conf | awk 'FILENAME == ARGV[1] { active[$1]; next } $2 in active { print $1 }' "$scratch/active" - >"$scratch/carried"
    held >"$scratch/held"
    grep -vxFf "$scratch/held" "$scratch/carried" | tr '\n' ' '
}

# keepalived treats a real server as well until a new check has failed. Sets $verdict to the seconds
# that changed checks need for that, for real servers that were in, and lists their virtual servers
# in $scratch/judged. The limit is 60 s.
judge_checks() {
    [ -f "$previous" ] || return 0
    wanted "$previous" | sort >"$scratch/wanted-before"
    wanted $conf | sort >"$scratch/wanted"
    {
        comm -13 "$scratch/wanted-before" "$scratch/wanted"
        changed_scripts | grep -F -f - "$scratch/wanted"
    } | sort -u >"$scratch/changed"
    judged "$journal/in" >"$scratch/judged"
    verdict=$(sort -n "$scratch/judged" | sed -n '$s/ .*//p')
    [ "${verdict:-0}" -le 60 ] || verdict=60
}

# The same for what VRRP tracks. A failing tracked script takes the virtual addresses from this
# director, and the next one has the same script. Sets $tracking to the seconds that new and changed
# ones may need to fail, or to nothing if none has changed.
judge_tracking() {
    told_of t "$previous" | sort >"$scratch/tracked-before"
    told_of t $conf | sort >"$scratch/tracked"
    {
        comm -13 "$scratch/tracked-before" "$scratch/tracked"
        changed_scripts | grep -F -f - "$scratch/tracked"
    } | sort -n >"$scratch/changed"
    tracking=$(sed -n '$s/ .*//p' "$scratch/changed")
    [ -n "$tracking" ] || return 0
    # keepalived itself needs a moment.
    [ "$tracking" -ge 3 ] || tracking=3
    [ "$tracking" -le 240 ] || {
        say "what VRRP tracks can take $tracking s to fail; watching it for 240 s"
        tracking=240
    }
    say "what VRRP tracks has changed; watching it for $tracking s"
    [ "${verdict:-0}" -ge "$tracking" ] || verdict=$tracking
}

# The instances whose last log line is neither BACKUP nor MASTER. An instance that keeps its state
# in a reload logs nothing, so the log is read from keepalived's start. What is older than the
# journal is unknown.
not_taking_part() {
    told_of i $conf >"$scratch/instances"
    vrrp_journal | vrrp_states $data | awk '
        FILENAME == ARGV[1] {
            name[++n] = $1
            next
        }
        $2 == "started" {
            whole = 1
            next
        }
        { state[$3] = $2 }
        END {
            for (i = 1; i <= n; i++) {
                now = state[name[i]]
                if (now == "FAULT") text = text "; VRRP instance " name[i] " is in a fault"
                else if (now == "" && whole) text = text "; VRRP instance " name[i] " takes no part in VRRP yet"
            }
            print substr(text, 3)
        }
    ' "$scratch/instances" -
}

changed_scripts() {
    for script in "$scripts"/*; do
        cmp -s "$script" "$(before_of "$script")" || printf '%s\n' "$script"
    done
}

# Waits until the kernel shows what the config says: every virtual server, and every working real
# server at its weight; and until every process of keepalived has the config. Sets $problem if that
# isn't so within 30 s, or if it is but the changed checks leave a virtual server without real
# servers.
await() {
    [ -z "$problem" ] || return 0
    { wanted $conf && wanted_by_drain; } >"$scratch/wanted"
    begun=$(uptime_seconds)
    deadline=$((begun + 30))
    end=
    settled=0
    : "${tracking:=}"
    # Before 2.2.2 (7fee27a2) keepalived says when its processes begin to take a config, and nothing when they have: they get 3 s to fail.
    silent=
    ! is_older_than 2.2.2 || silent=yes
    [ -z "$silent" ] || [ "${verdict:-0}" -ge 3 ] || verdict=3
    while :; do
        look
        now=$(uptime_seconds)
        if [ -z "$problem" ]; then
            settled=$((settled + 1))
            if [ -z "$end" ]; then
                end=$((now + ${verdict:-0}))
                deadline=$((end + 30))
            fi
            # During a reload, a virtual server may be without real servers for a moment.
            if [ -n "$unserved" ] && { [ $settled -ge 10 ] || [ "$now" -ge "$end" ]; }; then
                problem="every real server fails the checks that have changed, of: $unserved"
                return 0
            fi
            # A real server may be down. Then the rest must stay right for 2 s.
            if [ "$now" -ge "$end" ] && { [ -z "$out" ] || [ $settled -ge 10 ]; }; then
                [ -z "$tracking" ] || problem=$(not_taking_part)
                [ -n "$problem" ] || find_again
                [ -n "$problem" ] || break
            fi
        else
            settled=0
        fi
        if [ -n "$problem" ] && [ "$now" -ge $deadline ]; then
            problem="after $((now - begun)) s: $problem"
            return 0
        fi
        sleep 0.2
    done
    if [ -n "$out" ]; then
        printf '%s\n' "$out" | while read -r line; do say "out, its check fails or has not run, or it is drained: $line"; done
    fi
    say "live: $(grep -c '^-A' "$scratch/live") virtual servers, $(awk '/^-a/ { n++ } END { print n + 0 }' "$scratch/live") real servers"
}

# Sets $problem to what is wrong now, $out to the real servers that are missing, and $unserved to
# the virtual servers that lost their last one to the changed checks.
look() {
    problem=
    systemctl -q is-active keepalived || problem="keepalived is not running"
    trouble=$(said | troubles)
    [ -z "$trouble" ] || problem="${problem:+$problem; }$trouble"
    if [ -z "$problem" ] && [ -s "$scratch/hand-made" ]; then
        mend_table
        : >"$scratch/hand-made"
    fi
    live $conf "$previous" >"$scratch/live"
    compare
    [ -z "$lacks" ] || problem="${problem:+$problem; }not in the kernel: $lacks"
    [ -z "$strange" ] || problem="${problem:+$problem; }in the kernel, but not in the config: $strange"
    unserved=
    [ ! -s "$scratch/judged" ] || unserved=$(without_servers)
    if [ -z "$problem" ] && [ -n "$limits" ]; then
        problem="not at their thresholds: $limits"
        set_limits
    fi
}

# A reload doesn't change the thresholds of a real server that stays (2.2.7, 2.3.3).
set_limits() {
    while read -r words; do
        # shellcheck disable=SC2086 # the words of a command
        ipvsadm -e $words || problem="ipvsadm -e $words failed"
    done <<LIMITS
$limits
LIMITS
}

# keepalived's log since it was told to take the config.
said() {
    journalctl -u keepalived ${since:+--after-cursor "$since"} -q --no-pager -o cat
}

# From that log: whether all of keepalived's processes have taken the config (which takes 2.2.7
# minutes with many addresses), which of them died, whether it tracks what it should, and which VRRP
# instances have entered a fault. An instance that was in a fault before doesn't log it again.
troubles() {
    awk -v silent="${silent:-}" "$vrrp_words"'
        $0 == "Reloading ..." || /^Starting Keepalived v/ { begun = 1; taken = begins = 0 }
        # Both, for VRRP and for checks.
        silent && (/^Reloading$/ || /^Starting (VRRP|Healthcheck) child process/) && ++begins == 2 { taken = begun }
        /^(Reload|Startup) complete$/ { taken = begun }
        / child process\([0-9]+\) died/ { died = died "; " $0 }
        # A kernel without CONFIG_PROC_EVENTS. keepalived goes on with the processes that it saw at its start.
        /^Failed to set process event listen/ { blind = "; keepalived cannot track processes on this kernel: " $0 }
        # The reason alone is said by each reload. Of a group, that member says so that has brought the others into the fault.
        to = vrrp_state($0) { if (!vrrp_reason && !vrrp_group) state[vrrp_name] = to }
        END {
            text = taken ? "" : "; keepalived has not said that it has taken the config"
            text = text died blind
            for (instance in state) if (state[instance] == "FAULT") text = text "; VRRP instance (" instance ") has gone into a fault"
            print substr(text, 3)
        }
    '
}

"$@"
