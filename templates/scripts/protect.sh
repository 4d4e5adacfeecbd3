#!/bin/sh
# Deletion protection: prevents undoing a serving pair by mistake, and removing a service while
# clients are connected.
# protect.sh claim OWNER: from now on this host's pair belongs to OWNER, PROJECT/STACK/NAME.
# protect.sh release OWNER on|off DIRECTOR: runs first when the pair is undone; fails while the
# protection is on.
# protect.sh look <PLACES: prints what a change would take from clients, whether this director
# serves them now, and which other hosts may:
#   lost 37 web 192.0.2.100:80 TCP   a service that would lose all of its real servers, and its open
#   connections here
#   holds 192.0.2.100                a virtual address on this host
#   standby 192.0.2.100              a virtual address on another director, which this one hears
#   own 10.10.0.11                   another address on this host
#   peer 10.10.0.13                  a unicast peer of this director that is not in maintenance
# protect.sh answering: prints the peers that answer on the network, or may.
# PLACES are all entries that the new config has: `-t 192.0.2.100:80 -r 192.0.2.21:80`.
set -eu
what=protect
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
# shellcheck source=templates/scripts/foreign.sh
. "${0%/*}/foreign.sh"
# shellcheck source=templates/scripts/ipvs.sh
. "${0%/*}/ipvs.sh"
# shellcheck source=templates/scripts/vrrp.sh
. "${0%/*}/vrrp.sh"
conf=/etc/keepalived/keepalived.conf

claim() {
    lock
    own "$1"
}

release() {
    owner=$1
    [ ! -f "$owners/${0##*/}" ] || owner=$(cat "$owners/${0##*/}")
    # After a rename, the new name's claim may be on another director.
    [ ! -f "$owners/keepalived.sh" ] || keepalived_of=$(cat "$owners/keepalived.sh")
    case ${keepalived_of:-} in
    '' | "${1##*/}"-*) ;;
    *) [ "$owner" != "$1" ] || owner=${1%/*}/${keepalived_of%%/*} ;;
    esac
    case $owner in
    "$1") ;;
    # Renamed: each script keeps what another owner has taken over, so undoing the old name does
    # nothing.
    "${1%/*}"/*)
        say "kept, it belongs to $owner now"
        return
        ;;
    # The other stack's resources may have the same names, so the scripts can't tell them apart.
    *) fail "nothing was undone: $3 belongs to the stack ${owner%/*} now. If that is meant, forget this stack's state, which changes no host: pulumi stack rm --force" ;;
    esac
    if [ "$2" = on ]; then
        make_scratch
        fail "deletion protection is on, and nothing was undone: $(serves "$3"). To allow it: pulumi config set lvs-ha:deletionProtection false, then pulumi up, then this again"
    fi
    undo_for "$1"
}

# serves DIRECTOR: prints what clients would lose.
serves() {
    if [ "$(running keepalived)" = stopped ] || [ ! -f $conf ]; then
        echo "keepalived doesn't run on $1; what the other directors do is not known here"
        return
    fi
    carry $conf
    held >"$scratch/held"
    connections $conf >"$scratch/connections"
    services <"$scratch/connections" >"$scratch/open"
    addresses=$(paste -s -d ' ' "$scratch/held")
    total=$(awk '{ sum += $1 } END { print sum + 0 }' "$scratch/open")
    each=$(sed 's/^\([0-9]*\) \(.*\)/\2: \1/' "$scratch/open" | paste -s -d , - | sed 's/,/, /g')
    if [ -n "$addresses" ]; then
        echo "$1 holds $addresses; open connections: $total${each:+ ($each)}"
    else
        echo "$1 stands by; open connections that it has heard of: $total${each:+ ($each)}"
    fi
}

look() {
    read_input
    if [ -f $conf ]; then
        carry $conf
        ! command -v ipvsadm >/dev/null || lost
        [ "$(running keepalived)" = stopped ] || {
            roles
            peers
        }
    else
        : >"$scratch/carried"
    fi
    ip -o addr show >"$scratch/addresses"
    awk 'FILENAME == ARGV[1] { carried[$1]; next } { sub(/\/.*/, "", $4) } !($4 in carried) { print "own", $4 }' "$scratch/carried" "$scratch/addresses"
}

answering() {
    [ ! -f $conf ] || sh "${0%/*}/network.sh" answering $conf
}

peers() {
    told_of p $conf >"$scratch/at-rest"
    told_of r $conf >"$scratch/requirements"
    awk '
        FILENAME == ARGV[1] { rests[$1]; next }
        $1 == "peer" && !($3 in rests) && !told[$3]++ { print "peer", $3 }
    ' "$scratch/at-rest" "$scratch/requirements"
}

# An instance in BACKUP hears an active director: otherwise it would soon be active itself.
roles() {
    held >"$scratch/held"
    sed 's/^/holds /' "$scratch/held"
    ! cmp -s "$scratch/carried" "$scratch/held" || return 0
    virtual_addresses $conf >"$scratch/virtuals"
    vrrp_journal | vrrp_states $director_data >"$scratch/states"
    awk '
        FILENAME == ARGV[1] { has[$1]; next }
        FILENAME == ARGV[2] { state[$3] = $2; next }
        !($1 in has) && state[$2] == "BACKUP" { print "standby", $1 }
    ' "$scratch/held" "$scratch/states" "$scratch/virtuals"
}

lost() {
    connections $conf >"$scratch/connections"
    awk '
        function service(words) {
            sub(/ -r .*/, "", words)
            return words
        }
        FILENAME == ARGV[1] { stays[$0]; next }
        {
            place = $0
            sub(/^[0-9]+ [0-9]+ /, "", place)
            line[NR] = $0
            # Who is there has clients, or would get some.
            if (place in stays && $1 + $2 > 0) serves[service(place)]
            of[$0] = service(place)
        }
        END { for (n in line) if (!(of[line[n]] in serves)) print line[n] }
    ' "$scratch/input" "$scratch/connections" | services | sed 's/^/lost /'
}

# services: sums the lines of `connections` by service and prints those with open connections:
# `37 web 192.0.2.100:80 TCP`.
services() {
    told_of n $conf >"$scratch/names"
    awk '
        BEGIN {
            protocol["-t"] = "TCP"
            protocol["-u"] = "UDP"
            protocol["--sctp-service"] = "SCTP"
        }
        FILENAME == ARGV[1] {
            if ($0 !~ / -r /) {
                key = $0
                sub(/ [^ ]+$/, "", key)
                name[key] = $NF " "
            }
            next
        }
        {
            key = $0
            sub(/^[0-9]+ [0-9]+ /, "", key)
            sub(/ -r .*/, "", key)
            sum[key] += $1
        }
        END {
            for (key in sum) {
                if (sum[key] == 0) continue
                split(key, word, " ")
                print sum[key], name[key] (word[1] in protocol ? word[2] " " protocol[word[1]] : "fwmark " word[2] (word[3] == "-6" ? " IPv6" : ""))
            }
        }
    ' "$scratch/names" - | sort -k 2
}

"$@"
