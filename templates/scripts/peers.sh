#!/bin/sh
# A change of VRRP that directors who have it and those who haven't don't understand each other through: keepalived drops an advert of
# another version, router ID, password, count of addresses or way to travel (vrrp_check_packet() in vrrp.c; a 2.2.7 looks at the addresses,
# too), hears nobody and takes over. So all but the director with the virtual addresses stop first, and start again when all have it.
# peers.sh withdraw MORE|LAST <FILES: keepalived.conf, of which what the directors must have alike, and the secrets, if any
# peers.sh join NAME SECONDS [stopped] <LINES: see join
# And when the stack is undone, likewise: peers.sh leave MORE|LAST before the config from before the stack comes back, peers.sh resume afterwards.
set -eu
what=peers
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
# shellcheck source=templates/scripts/foreign.sh
. "${0%/*}/foreign.sh"
# shellcheck source=templates/scripts/ipvs.sh
. "${0%/*}/ipvs.sh"
conf=/etc/keepalived/keepalived.conf
secrets=/etc/keepalived/lvs-ha-secrets.conf
# There while keepalived must not run: not every director has the config yet.
withdrawn=/var/lib/lvs-ha/keepalived-withdrawn
# Seconds in which a director that is put into maintenance has checked its config and stopped.
giving_up=20

# The directors are asked one after the other; LAST is the one that goes on if it has any of the virtual addresses, MORE if it has all.
# Prints a mark if this one doesn't go on: no two alike, for the engine to see that this one has to join again.
withdraw() {
    make_scratch
    split_files
    [ -f "$scratch/files$conf" ] || fail "there is no $conf on standard input"
    lock
    make_way "$1"
}

leave() {
    make_scratch
    lock
    [ -f $original$conf ] || return 0
    mkdir -p "$scratch/files${conf%/*}"
    cp $original$conf "$scratch/files$conf"
    make_way "$1"
}

# The config from before the stack is on every director that has one.
resume() {
    make_scratch
    lock
    [ -e $withdrawn ] || return 0
    if grep -qx start $withdrawn; then
        systemctl start keepalived
        say "runs the config that was there before"
    fi
    rm $withdrawn
}

make_way() {
    if [ "$(running keepalived)" = stopped ]; then
        date +%s.%N | record $withdrawn
        say "isn't running; starts when every director has the config"
        cat $withdrawn
    elif is_understood; then
        say "the directors go on understanding each other"
        rm -f $withdrawn
    elif goes_on "$1"; then
        say "has the virtual addresses and goes on; what the directors must have alike changes"
        rm -f $withdrawn
    else
        note_service keepalived
        date +%s.%N | record $withdrawn
        systemctl -q disable keepalived
        systemctl stop keepalived
        say "stands by; stopped until every director has what the directors must have alike"
        cat $withdrawn
    fi
}

# Whether whoever has the config on standard input takes adverts of one that has the live one, and the other way round.
is_understood() {
    [ ! -f "$scratch/files$secrets" ] || cmp -s "$scratch/files$secrets" $secrets || return 1
    alike $conf | sort >"$scratch/has"
    alike "$scratch/files$conf" | sort >"$scratch/wants"
    grep -v '^peer ' "$scratch/has" >"$scratch/has-alike" || :
    grep -v '^peer ' "$scratch/wants" >"$scratch/wants-alike" || :
    cmp -s "$scratch/has-alike" "$scratch/wants-alike" || return 1
    # One more to tell is no matter.
    [ -z "$(comm -23 "$scratch/has" "$scratch/wants")" ]
}

# alike CONF: a line for each VRRP instance with all that the others look at, and one for each of its unicast peers.
alike() {
    statements "$1" >"$scratch/statements"
    # That of all instances that don't say theirs; it may be said after them.
    any_version=$(sed -n 's/^vrrp_version //p' "$scratch/statements" | tail -n 1)
    awk -v any_version="${any_version:-2}" '
        function family_of(text) { return text ~ /:/ ? 6 : 4 }
        function tell(    line, n, i, list) {
            if (own["version"] == "") own["version"] = any_version
            if (family == 6) own["version"] = 3
            # Of version 3, a standby takes the interval from the advert.
            if (own["version"] == 3) { own["advert_int"] = "*"; own["auth"] = "" }
            else if (own["advert_int"] == "") own["advert_int"] = 1
            line = family " " own["interface"] " id " own["virtual_router_id"] " version " own["version"]
            line = line " every " own["advert_int"] + 0 own["auth"] " group " own["mcast_dst_ip"]
            # keepalived listens where it sends from.
            line = line " " (peers == "" ? "multicast" : "unicast " own["unicast_src_ip"])
            print "instance", line, told
            n = split(peers, list, " ")
            for (i = 1; i <= n; i++) print "peer", line, list[i]
        }
        $0 == "{" { depth++; if (depth > 1 && block == "") block = heading; next }
        $0 == "}" {
            depth--
            if (depth == 1) block = ""
            if (depth == 0 && inside) { tell(); inside = 0 }
            next
        }
        { heading = $1 }
        depth == 0 {
            inside = $1 == "vrrp_instance"
            split("", own); peers = ""; told = ""; family = 4; block = ""
        }
        !inside { next }
        depth == 1 && NF > 1 { own[$1] = $2 }
        depth == 1 && $1 == "native_ipv6" { family = 6 }
        block == "unicast_peer" && depth == 2 { peers = peers " " $1 }
        block == "authentication" && depth == 2 { own["auth"] = own["auth"] " " $0 }
        block == "virtual_ipaddress" && depth == 2 {
            address = $1
            sub(/\/.*/, "", address)
            if (told == "") family = family_of(address)
            told = told " " address
        }
    ' "$scratch/statements"
}

# Whether this director is the one that keeps the virtual addresses. Those before it have given up theirs.
goes_on() {
    carry $conf
    deadline=$(($(uptime_seconds) + 5))
    while :; do
        held >"$scratch/held"
        [ ! -s "$scratch/held" ] || ! cmp -s "$scratch/carried" "$scratch/held" || return 0
        # An address that another has just given up is here within the time that a standby waits for.
        if [ "$1" = MORE ] || [ "$(uptime_seconds)" -ge $deadline ]; then break; fi
        sleep 0.2
    done
    [ "$1" = LAST ] && [ -s "$scratch/held" ]
}

# Starts keepalived where it has withdrawn, and looks who has the virtual addresses. On standard input:
#   expect 192.0.2.100             one that somebody must have
#   lacks lvs1                     a director that isn't known to have the config: none that has withdrawn may start beside it
#   holds lvs2 192.0.2.100         what a director has that was asked before this one
#   preempts 192.0.2.101           what this director may just have taken from one that was asked before
#   rests                          one is in maintenance, for which nobody waits: it may be giving up its addresses just now
#   last                           nobody is asked after this one
# Prints such lines of its own and of those before, and below an empty line the IPVS table.
join() {
    name=$1
    make_scratch
    mv "$scratch/input" "$scratch/told"
    sed -n 's/^expect //p' "$scratch/told" | sort -u >"$scratch/carried"
    if [ "${3:-}" = stopped ]; then
        rm -f $withdrawn
        return
    fi
    sed -n 's/^holds //p' "$scratch/told" >"$scratch/others"
    started=
    if [ -e $withdrawn ]; then
        lacking=$(sed -n 's/^lacks //p' "$scratch/told" | tr '\n' ' ')
        [ -z "$lacking" ] || fail "keepalived stays stopped on $name: ${lacking% } may not have the config yet, and would not understand its adverts; pulumi up without --target brings it there"
        "${0%/*}/keepalived.sh" start
        rm $withdrawn
        started=yes
    fi
    settle "$2"
    sed -n 's/^preempts //p' "$scratch/told" >"$scratch/preempted"
    twice=$(awk '
        FILENAME == ARGV[1] { taken[$1] = 1; next }
        FILENAME == ARGV[2] { mine[$1] = 1; next }
        $2 in mine && !($2 in taken) { print $2 " (" $1 ")" }
    ' "$scratch/preempted" "$scratch/held" "$scratch/others" | tr '\n' ' ')
    [ -z "$twice" ] || fail "two directors hold one virtual address, $name and another: ${twice% }; see lvs status"
    if grep -qx last "$scratch/told"; then
        nobody=$(find_unheld | tr '\n' ' ')
        [ -z "$nobody" ] || fail "no director holds ${nobody% }; see lvs status"
    fi
    sed -n '/^holds /p' "$scratch/told"
    sed "s/^/holds $name /" "$scratch/held"
    echo
    ipvsadm -Ln
}

# settle SECONDS: so long it takes until an address that nobody has is taken. One that has just been started may be about to take one that
# somebody has, whom it doesn't hear.
settle() {
    started_until=$(($(uptime_seconds) + $1))
    unheld_until=$started_until
    ! grep -qx rests "$scratch/told" || unheld_until=$((started_until + giving_up))
    while
        held >"$scratch/held"
        now=$(uptime_seconds)
        { [ -n "$started" ] && [ "$now" -lt $started_until ]; } || { [ "$now" -lt $unheld_until ] && [ -n "$(find_unheld)" ]; }
    do
        sleep 0.2
    done
}

# Of $scratch/carried, what neither this director has nor those that were asked before.
find_unheld() {
    awk 'FILENAME == ARGV[3] { if (!($1 in has)) print; next } { has[$NF] = 1 }' "$scratch/held" "$scratch/others" "$scratch/carried"
}

"$@"
