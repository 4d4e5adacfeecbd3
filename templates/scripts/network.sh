#!/bin/sh
# What keepalived needs of the network at its start: network.sh await CONF, which its unit runs first, network.sh follow CONF, which goes on
# where that has given up. And network.sh answering CONF, which prints the unicast peers that answer, or may.
# keepalived 2.2.7 never recovers from a start without its own address, and 2.3.3 takes the virtual addresses because it hears nobody.
# Neither starts without an interface that its config names, and systemd gives up after five such starts in 10 s.
# Both take the addresses when they start behind a switch's port that has a link and carries no frames yet (STP, LACP).
set -eu
what=network
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
# shellcheck source=templates/scripts/foreign.sh
. "${0%/*}/foreign.sh"
# shellcheck source=templates/scripts/ipvs.sh
. "${0%/*}/ipvs.sh"
# Seconds. A port that learns its place by STP is deaf for twice 15 s.
for_addresses=40
for_neighbours=40
# The switch tells nobody that a port carries frames: it is asked for a while after a boot only, so that a keepalived that was killed begins
# again at once, whoever else is down.
boot=300
follower=lvs-ha-network.service

await() {
    make_scratch
    begun=$(uptime_seconds)
    requirements "$1" >"$scratch/requirements"
    find_missing
    [ -z "$missing" ] || say "waiting for $missing"
    while [ -n "$missing" ]; do
        if [ $(($(uptime_seconds) - begun)) -ge $for_addresses ]; then
            say "keepalived starts without $missing; it gets a reload when that is there"
            systemctl -q is-active $follower || systemd-run --quiet --collect --no-block --unit=$follower --property=PartOf=keepalived.service "$0" follow "$1"
            return 0
        fi
        sleep 0.2
        find_missing
    done
    [ "$begun" -ge $boot ] || await_neighbours
}

follow() {
    make_scratch
    requirements "$1" >"$scratch/requirements"
    # Not before keepalived has looked for them in vain: it is still starting when this begins.
    state=activating
    while
        find_missing
        [ -n "$missing" ] || [ "$state" != active ]
    do
        sleep 1
        state=$(systemctl is-active keepalived) || :
        case $state in inactive | failed) exit 0 ;; esac
    done
    say "what keepalived has waited for is there"
    rm -r "$scratch"
    exec "${0%/*}/keepalived.sh" recover
}

# A host that is off answers nobody. A router answers for all that are behind it, and without ARP nobody is asked.
answering() {
    make_scratch
    requirements "$1" | sed '/^server /d' >"$scratch/requirements"
    find_neighbours
    deadline=$(($(uptime_seconds) + 4))
    ask
    while ! peers_answer && [ "$(uptime_seconds)" -lt $deadline ]; do
        sleep 0.1
    done
    while read -r interface address kind peer; do
        case $kind in other) continue ;; esac
        if ! grep -qxF "$interface" "$scratch/asked" || answers "$interface" "$address"; then
            echo "$peer"
        fi
    done <"$scratch/neighbours" | sort -u
}

# requirements CONF: what the config names, a line each:
#   on eth1 192.0.2.11     an address that must be on an interface; inet or inet6 for any of that kind
#   link eth7              an interface that must be there
#   peer eth1 192.0.2.12   another director
#   server 192.0.2.21      a real server
requirements() {
    told_of r "$1"
}

# Sets $missing to the interfaces and addresses that are not there; an IPv6 one may not be to be bound to yet.
find_missing() {
    missing=
    while read -r kind interface address; do
        case $kind in
        on) ;;
        link)
            ip -oneline link show dev "$interface" >"$scratch/link" 2>"$scratch/ip" || missing="${missing:+$missing and }the interface $interface"
            continue
            ;;
        *) continue ;;
        esac
        case $address in
        inet | inet6) set -- -family "$address" address show dev "$interface" ;;
        *) set -- address show dev "$interface" to "$address" ;;
        esac
        # An interface that isn't there yet is no error.
        ip -oneline "$@" 2>"$scratch/ip" | grep -qvw tentative ||
            missing="${missing:+$missing and }$(in_words "$address") on $interface"
    done <"$scratch/requirements"
}

in_words() {
    case $1 in
    inet) echo "an IPv4 address" ;;
    inet6) echo "an IPv6 address" ;;
    *) echo "$1" ;;
    esac
}

# Whoever answers ARP (or a neighbour solicitation) shows that frames get through. A peer that answers knows how to send its adverts here.
await_neighbours() {
    since=$(uptime_seconds)
    find_neighbours
    waiting=
    while :; do
        find_deaf
        [ -n "$deaf" ] || break
        if [ $(($(uptime_seconds) - since)) -ge $for_neighbours ]; then
            say "keepalived starts, and no neighbour has answered on $deaf"
            return 0
        fi
        [ -n "$waiting" ] || say "waiting for a neighbour to answer on $deaf"
        waiting=yes
        sleep 0.2
    done
    # One that is down doesn't answer.
    heard=$(uptime_seconds)
    while ! peers_answer && [ $(($(uptime_seconds) - heard)) -lt 2 ]; do
        sleep 0.1
    done
}

# $scratch/neighbours: INTERFACE, ADDRESS, peer or other, and of a peer whom that one is the way to, of those that are asked. Some real
# servers are enough.
find_neighbours() {
    awk '$1 == "on" && $3 !~ /^inet6?$/ { print $2 } $1 == "peer" { print $2 }' "$scratch/requirements" | sort -u >"$scratch/interfaces"
    {
        awk '$1 == "peer" { print "peer", $2, $3 }' "$scratch/requirements" | while read -r kind interface address; do
            ip -oneline route get "$address" oif "$interface" 2>"$scratch/ip" | next_hops "$kind" "$address"
        done
        awk '$1 == "server" && n++ < 16 { print $2 }' "$scratch/requirements" | while read -r address; do
            ip -oneline route get "$address" 2>"$scratch/ip" | next_hops other "$address"
        done
        for family in inet inet6; do
            ip -family $family -oneline route show default 2>"$scratch/ip" | next_hops other
        done
    } | awk 'NR == FNR { known[$1]; next } $1 in known' "$scratch/interfaces" - | sort -u >"$scratch/neighbours"
    # One without ARP has no neighbours.
    cut -d ' ' -f 1 "$scratch/neighbours" | sort -u | while read -r interface; do
        ip -oneline link show dev "$interface" | grep -qw NOARP || echo "$interface"
    done >"$scratch/asked"
}

# next_hops KIND [ADDRESS]: of lines of `ip route`; ADDRESS itself where there is no gateway.
next_hops() {
    awk -v kind="$1" -v address="${2:-}" '{
        hop = address
        for (i = 1; i < NF; i++) {
            if ($i == "via") hop = $(i + 1) ~ /^inet6?$/ ? $(i + 2) : $(i + 1)
            if ($i == "dev") interface = $(i + 1)
        }
        if (hop != "") print interface, hop, kind (kind == "peer" ? " " address : "")
    }'
}

# Sets $deaf to the interfaces on which neighbours are asked, and none has answered.
find_deaf() {
    ask
    deaf=
    while read -r interface; do
        answers "$interface" || deaf="${deaf:+$deaf and }$interface"
    done <"$scratch/asked"
}

# The kernel asks those that it doesn't know, three times in 3 s.
ask() {
    while read -r interface address _; do
        # Without a link it can't, and without one nobody answers.
        ip neighbour replace "$address" dev "$interface" nud none use 2>"$scratch/ip" || continue
    done <"$scratch/neighbours"
}

# answers INTERFACE [ADDRESS]
answers() {
    ip neighbour show dev "$1" ${2:+to "$2"} | grep -qwE 'REACHABLE|STALE|DELAY|PROBE'
}

peers_answer() {
    while read -r interface address kind _; do
        [ "$kind" = other ] || answers "$interface" "$address" || return 1
    done <"$scratch/neighbours"
}

"$@"
