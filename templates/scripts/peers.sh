#!/bin/sh
# Handles a change of VRRP that directors with and without it don't understand: keepalived drops an
# advert with another version, router ID, password, number of addresses or transport
# (vrrp_check_packet() in vrrp.c; 2.2.7 also compares the addresses), hears no other director and
# takes over. So all directors but the one with the virtual addresses stop first, and start again
# when all have the change.
# peers.sh withdraw MORE|LAST <FILES: keepalived.conf, compared in what the directors must have
# alike, and the secrets, if any
# peers.sh join NAME SECONDS [stopped] <LINES: see join
# For undoing the stack: peers.sh leave MORE|LAST before the earlier config comes back, peers.sh
# resume afterwards.
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
# Exists while keepalived must not run because not every director has the config yet.
withdrawn=/var/lib/lvs-ha/keepalived-withdrawn
# Seconds within which a director put into maintenance has checked its config and stopped.
giving_up=20

# The directors are asked one after the other. With LAST a director goes on if it has any of the
# virtual addresses, with MORE only if it has all. A director that stops prints a mark. Each mark is
# unique, so the engine sees that this director has to join again.
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

# By now every director that had a config before the stack has it back.
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

# Whether a director with the config on standard input accepts adverts of one with the live config,
# and the reverse.
is_understood() {
    [ ! -f "$scratch/files$secrets" ] || cmp -s "$scratch/files$secrets" $secrets || return 1
    alike $conf | sort >"$scratch/has"
    alike "$scratch/files$conf" | sort >"$scratch/wants"
    grep -v '^peer ' "$scratch/has" >"$scratch/has-alike" || :
    grep -v '^peer ' "$scratch/wants" >"$scratch/wants-alike" || :
    cmp -s "$scratch/has-alike" "$scratch/wants-alike" || return 1
    # An additional peer does no harm.
    [ -z "$(comm -23 "$scratch/has" "$scratch/wants")" ]
}

# alike CONF: prints a line for each VRRP instance with all that the other directors compare, and a
# line for each of its unicast peers.
alike() {
    statements "$1" >"$scratch/statements"
    # The version of all instances that don't set their own. It may stand after them.
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

# Whether this director keeps the virtual addresses. The directors asked before it have given up
# theirs.
goes_on() {
    carry $conf
    deadline=$(($(uptime_seconds) + 5))
    while :; do
        held >"$scratch/held"
        [ ! -s "$scratch/held" ] || ! cmp -s "$scratch/carried" "$scratch/held" || return 0
        # An address that another director has just given up arrives within a standby's waiting
        # time.
        if [ "$1" = MORE ] || [ "$(uptime_seconds)" -ge $deadline ]; then break; fi
        sleep 0.2
    done
    [ "$1" = LAST ] && [ -s "$scratch/held" ]
}

# Starts keepalived if it has withdrawn, and checks which director has the virtual addresses. On
# standard input:
#   expect 192.0.2.100             an address that some director must have
#   lacks lvs1                     a director that may not have the config: no director that has
#   withdrawn may start beside it
#   holds lvs2 192.0.2.100         an address that a director asked before this one has
#   preempts 192.0.2.101           an address that this director may just have taken from one asked
#   before
#   rests                          a director is in maintenance and may be giving up its addresses
#   now; nothing else waits for it
#   last                           this is the last director asked
# Prints such lines, its own and the earlier ones, then an empty line and the IPVS table.
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

# settle SECONDS: waits up to that long until every address is held. A director that has just
# started always waits the full time: it may be about to take an address from a director that it
# doesn't hear.
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

# The addresses in $scratch/carried that neither this director nor those asked before have.
find_unheld() {
    awk 'FILENAME == ARGV[3] { if (!($1 in has)) print; next } { has[$NF] = 1 }' "$scratch/held" "$scratch/others" "$scratch/carried"
}

"$@"
