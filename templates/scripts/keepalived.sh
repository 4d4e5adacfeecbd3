#!/bin/sh
# keepalived.conf: stage, check, swap, prove, or put back.
# keepalived.sh apply OWNER <keepalived.conf | keepalived.sh refresh | keepalived.sh undo OWNER; prints the IPVS table as it is afterwards.
set -eu
what=keepalived
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
lock
conf=/etc/keepalived/keepalived.conf
staged=$conf.lvs-ha-new
previous=$conf.lvs-ha-previous
service_was=/var/lib/lvs-ha/keepalived-was
# There from the swap until the proof: a run that was killed in between is taken up again, not taken for done.
unproven=/var/lib/lvs-ha/keepalived-unproven

apply() {
    own "$1"
    make_scratch
    mkdir -p "${conf%/*}"
    [ -e $service_was ] || service_state | record $service_was
    rm -f $staged
    (umask 027 && cat >$staged)
    if [ ! -e $unproven ] && [ -f $conf ] && cmp -s $staged $conf && systemctl -q is-active keepalived; then
        rm $staged
        enable_at_boot keepalived
        say "config unchanged, running"
    else
        check $staged || {
            rm $staged
            fail "config refused, nothing changed$(old_one)"
        }
        keep_original $conf
        if [ ! -e $unproven ]; then
            rm -f $previous
            [ ! -f $conf ] || cp -p $conf $previous
            : | record $unproven
        fi
        sync $staged
        mv $staged $conf
        sync "${conf%/*}"
        activate
        prove
        [ -z "$problem" ] || go_back
        rm -f $unproven $previous
    fi
    ipvsadm -Ln
}

# Something that the config includes has changed: check, reload, prove.
refresh() {
    make_scratch
    systemctl -q is-active keepalived || return 0
    check $conf || fail "config refused with what it includes now"
    activate
    prove
    [ -z "$problem" ] || fail "$problem"
}

undo() {
    undo_for "$1"
    make_scratch
    put_back $conf
    if [ -e $service_was ]; then
        read -r enabled active <$service_was
        if [ "$enabled" != enabled ]; then
            systemctl -q disable keepalived
        fi
        if [ "$active" = active ] && [ -f $conf ]; then
            systemctl reload-or-restart keepalived
            say "runs the config that was there before"
        else
            systemctl stop keepalived
            say "stopped"
        fi
        rm $service_was
    fi
}

service_state() {
    enabled=$(systemctl is-enabled keepalived 2>/dev/null) || enabled=${enabled:-absent}
    active=$(systemctl is-active keepalived 2>/dev/null) || active=${active:-inactive}
    printf '%s %s\n' "$enabled" "$active"
}

# keepalived's own verdict on a file. Any exit code but 0 is a no: 5 means "runs, but not as you wrote it".
check() {
    code=0
    keepalived --config-test --use-file "$1" >"$scratch/check" 2>&1 || code=$?
    if [ "$code" = 0 ]; then
        say "config accepted"
        return 0
    fi
    say "keepalived --config-test ended with $code and says:"
    sed "s|$staged|$conf|g; s/^/    /" "$scratch/check" >&2
    return 1
}

activate() {
    problem=
    reloading=
    since=$(journalctl -u keepalived -n 0 --show-cursor -q | sed -n 's/^-- cursor: //p')
    enable_at_boot keepalived
    if systemctl -q is-active keepalived; then
        say "reloading"
        reloading=yes
        systemctl reload keepalived || problem="reload failed"
    else
        say "starting"
        systemctl start keepalived || problem="start failed"
    fi
}

# The kernel must show what the config says: every virtual server, and every real server that is up at its weight.
# Sets $problem when it doesn't within 30 s.
prove() {
    [ -z "$problem" ] || return 0
    wanted >"$scratch/wanted"
    tries=0
    settled=0
    while :; do
        live >"$scratch/live"
        compare
        if [ -z "$problem" ]; then
            settled=$((settled + 1))
            # A real server may be down: then the rest is right for 2 s.
            if [ -z "$out" ] || [ $settled -ge 10 ]; then
                break
            fi
        else
            settled=0
        fi
        tries=$((tries + 1))
        if [ $tries -ge 150 ]; then
            problem="after 30 s: $problem"
            return 0
        fi
        sleep 0.2
    done
    if [ -n "$out" ]; then
        printf '%s\n' "$out" | while read -r line; do say "out of the pool, its check fails: $line"; done
    fi
    say "live: $(grep -c '^service' "$scratch/live") virtual servers, $(awk '/^real/ { n++ } END { print n + 0 }' "$scratch/live") real servers"
}

# Sets $problem to what the kernel lacks or has too much, $out to the real servers that are not there.
compare() {
    problem=
    systemctl -q is-active keepalived || problem="keepalived is not running"
    # A reload returns before it is done (2.2.7 can take minutes with many addresses); the kernel may still show the old config.
    if [ -n "$reloading" ] && ! said | grep -q 'Reload complete\|Reload finished'; then
        problem="keepalived has not said that the reload is complete"
    fi
    out=$(awk 'NR == FNR { live[$0]; next } /^real/ && !($0 in live)' "$scratch/live" "$scratch/wanted")
    lacks=$(awk 'NR == FNR { live[$0]; next } /^service/ && !($0 in live)' "$scratch/live" "$scratch/wanted")
    strange=$(awk 'NR == FNR { wanted[$0]; next } !($0 in wanted)' "$scratch/wanted" "$scratch/live")
    [ -z "$lacks" ] || problem="${problem:+$problem; }not in the kernel: $lacks"
    [ -z "$strange" ] || problem="${problem:+$problem; }in the kernel, but not in the config: $strange"
}

# keepalived's log since it was told to take the config.
said() {
    journalctl -u keepalived ${since:+--after-cursor "$since"} -q --no-pager -o cat
}

go_back() {
    say "$problem"
    said | tail -n 20 | sed 's/^/    /' >&2
    if [ -f $previous ]; then
        mv -f $previous $conf
        systemctl reload-or-restart keepalived
    else
        rm -f $conf
        systemctl stop keepalived
    fi
    rm $unproven
    fail "change not taken$(old_one)"
}

old_one() {
    if systemctl -q is-active keepalived; then
        printf '; the config from before is serving'
    else
        printf '; keepalived is not running, as before'
    fi
}

# What the config wants in IPVS, and what is there, as lines alike:
#   service TCP 192.0.2.100:80 rr          real TCP 192.0.2.100:80 192.0.2.21:80 1
wanted() {
    awk '
        $1 == "virtual_server" { vip = $2 ":" $3; reals = 0 }
        $1 == "lvs_sched" { scheduler = $2 }
        $1 == "real_server" { real[++reals] = $2 ":" $3 }
        $1 == "weight" { weight[reals] = $2 }
        $1 == "protocol" { protocol = $2 }
        $1 == "}" && /^}/ && vip {
            print "service", protocol, vip, scheduler
            for (i = 1; i <= reals; i++) print "real", protocol, vip, real[i], weight[i]
            vip = ""
        }
    ' $conf
}

# Only services of the config, or of the one before it: others may have services of their own.
live() {
    ipvsadm -Sn | awk -v confs="$conf $previous" '
        BEGIN {
            split(confs, path, " ")
            for (i in path) while ((getline line <path[i]) > 0) {
                split(line, word, " ")
                if (word[1] == "virtual_server") ours[word[2] ":" word[3]] = 1
            }
        }
        { protocol = ($2 == "-u") ? "UDP" : "TCP" }
        !($3 in ours) { next }
        $1 == "-A" { print "service", protocol, $3, $5 }
        $1 == "-a" { for (i = 4; i <= NF; i++) if ($i == "-w") print "real", protocol, $3, $5, $(i + 1) }
    '
}

"$@"
