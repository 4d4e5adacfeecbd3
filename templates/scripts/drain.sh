#!/bin/sh
# Stops new connections to real servers while they are being changed. Runs on a director. The last
# real server of a service always stays in.
# drain.sh drain SECONDS ADDRESS…: stops new connections, then waits up to SECONDS until none is
# open. A director waits only for connections to addresses that it holds, and only while they still
# have packets. Connections that a standby only knows from connection sync are not waited for.
# drain.sh suspend LEASE MAX SECONDS ADDRESS…: does the same at the start of a change to one real
# server; restore ends it. Prints "drained", or "busy" while MAX other real servers are being
# changed, or nothing if no service has the real server.
# drain.sh restore LEASE ADDRESS… <ENTRIES: lets new connections in again once the checks have found
# the real server well. ENTRIES are the entries that the directors will keep for it, as
# `ipvsadm -Sn` prints them but without weights. The real server is about to leave its other
# services.
# drain.sh hold LEASE: keeps the lease while at least one character a minute arrives on standard
# input. When that ends, real servers that the lease has suspended and not restored get new
# connections again once their checks succeed, and others may be changed at once.
# drain.sh serves: prints "serving" if this director serves.
# drain.sh undrain ADDRESS…: lets new connections in again, once no change is under way.
set -eu
what=drain
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
# shellcheck source=templates/scripts/foreign.sh
. "${0%/*}/foreign.sh"
# shellcheck source=templates/scripts/ipvs.sh
. "${0%/*}/ipvs.sh"
conf=/etc/keepalived/keepalived.conf
# The drained entries as they were, as lines of `ipvsadm -Sn`. A reboot clears them along with
# IPVS's table.
drained=/run/lvs-ha-drained
# Addresses that a change has drained and not put back yet, one per line. Real servers drained by
# hand are not listed.
drained_by_change=/run/lvs-ha-drained-by-change

# While a real server is drained, a client that reuses a port must go to another real server, not to
# the one in its old entry: ip_vs_in() in ip_vs_core.c. The stack turns this sysctl on for good when
# it changes the director. A director that was taken over may still have it off, so its value is
# kept here until no real server is drained any more, or until kernel.sh has taken it over.
anew=net.ipv4.vs.expire_nodest_conn
anew_was=/run/lvs-ha-expire-nodest-conn-was

# Each change of real servers has a lease: a file that a process keeps locked, so the lease ends
# with the process. A second file lists the real servers that the lease has suspended, one per line.
leases=/run/lvs-ha-leases

serves() {
    if systemctl -q is-active keepalived; then
        echo serving
    fi
}

suspend() {
    lease=$leases/$1 most=$2 by_change=yes
    shift 2
    if [ "$(serves)" ] && ! command -v ipvsadm >/dev/null; then
        say "waiting for ipvsadm, which is about to be installed"
        echo busy
        return
    fi
    serving || return 0
    # The process that holds the lease was started only a moment ago.
    began=$(uptime_seconds)
    until is_held "$lease"; do
        [ "$(uptime_seconds)" -lt $((began + 15)) ] || fail "nobody holds the lease ${lease##*/}: has the pulumi that asks ended?"
        sleep 0.2
    done
    lock
    seconds=$1
    shift
    is_in_a_pool "$@" || return 0
    if [ "$(others_away "$lease" "$@" | sort -u | wc -l)" -ge "$most" ]; then
        say "$*: waiting for $(others_away "$lease" "$@" | sort -u | paste -s -d , -), which another run is changing"
        echo busy
        return
    fi
    { ! [ -e "$lease.away" ] || grep -vxF -e "$*" "$lease.away" || :; printf '%s\n' "$*"; } | record "$lease.away"
    drain "$seconds" "$@"
    echo drained
}

# is_held LEASE: whether the lease's process still runs.
is_held() {
    [ -e "$1" ] && ! flock -n -s "$1" true
}

# is_in_a_pool ADDRESS…: whether clients are sent to one of the addresses, or were before it was
# drained.
is_in_a_pool() {
    make_scratch
    look
    touch $drained
    for address; do
        ! sed '/ -w 0 *$/d' "$scratch/live" $drained | entries_of "$address" | grep -q . || return 0
    done
    return 1
}

# others_away LEASE ADDRESS…: the real servers that other leases have suspended.
others_away() {
    own=$1
    shift
    for file in "$leases"/*.away; do
        if [ "${file%.away}" = "$own" ] || is_held "${file%.away}"; then
            grep -vxF -e "$*" "$file" || :
        fi
    done
}

# end_lease_of LEASE ADDRESS…
end_lease_of() {
    file=$1.away
    shift
    [ ! -e "$file" ] || { grep -vxF -e "$*" "$file" || :; } | record "$file"
}

hold() {
    lease=$leases/$1
    mkdir -p $leases
    chmod 0700 $leases
    exec 8>"$lease"
    flock -w 5 8 || fail "the lease $1 is held by another process"
    while [ "$(timeout 60 dd bs=1 count=1 2>/dev/null)" ]; do :; done
    # Release the lock: other changes needn't wait for the rest.
    exec 8>&-
    make_scratch
    while [ -s "$lease.away" ]; do
        read -r addresses <"$lease.away"
        say "$addresses: its change has ended without a word"
        # shellcheck disable=SC2086 # addresses
        give_back "$lease" $addresses
    done
    rm -f "$lease" "$lease.away"
}

# give_back LEASE ADDRESS…: puts back the real servers that a change has left suspended. Their
# checks may take hours to succeed, until the operator repairs the real server.
give_back() {
    lease=$1
    shift
    while serving && is_suspended "$@" && ! all_well "$@"; do
        sleep 1
    done
    # Meanwhile another run may have taken the real server over, or put it back.
    if serving && is_suspended "$@"; then
        (bring_back_whole "$@")
    fi
    lock
    end_lease_of "$lease" "$@"
    exec 9>&-
}

# is_suspended ADDRESS…: whether a change has drained one of them and no process holds its lease any
# more.
is_suspended() {
    [ -e $drained_by_change ] || return 1
    for file in "$leases"/*.away; do
        if is_held "${file%.away}" && grep -qxF -e "$*" "$file"; then
            return 1
        fi
    done
    for address; do
        ! grep -qxF -e "$address" $drained_by_change || return 0
    done
    return 1
}

# all_well ADDRESS…: whether the real servers are well in each service that they were taken out of.
all_well() {
    for address; do
        entries_of "$address" <$drained >"$scratch/entries"
        while read -r entry; do
            is_well "$entry" || return 1
        done <"$scratch/entries"
    done
}

by_change=
drain() {
    limit=$1
    shift
    serving || return 0
    lock
    make_scratch
    touch $drained
    for address; do
        [ -n "$by_change" ] || end_change_of "$address"
        look
        entries_of "$address" <"$scratch/live" >"$scratch/entries"
        while read -r entry; do
            # The weight is 0 already: an interrupted run has noted the entry, or the config or a
            # check keeps it out.
            if [ "$(weight_of "$entry")" = 0 ]; then
                continue
            fi
            if ! others_serve "$entry"; then
                say "$address stays in: nobody else serves $(service_of "$entry")"
                continue
            fi
            if is_destination_hashed "$entry"; then
                say "$address stays in: the scheduler dh sends its clients to nobody else in $(service_of "$entry")"
                continue
            fi
            schedule_anew
            [ -z "$by_change" ] || { others_changed "$address" && printf '%s\n' "$address"; } | record $drained_by_change
            { forget "$entry" && printf '%s\n' "$entry"; } | record $drained
            change "$entry" 0
        done <"$scratch/entries"
    done
    # Release the lock: others may make their changes while this one waits.
    exec 9>&-
    await_end "$@"
}

schedule_anew() {
    [ "$(sysctl -n $anew 2>/dev/null)" = 0 ] || return 0
    echo 0 | record $anew_was
    sysctl -q -w $anew=1
}

# as_it_was: restores the sysctl once no real server is drained.
as_it_was() {
    [ -e $anew_was ] && ! [ -s $drained ] || return 0
    sysctl -q -w "$anew=$(cat $anew_was)"
    rm $anew_was
}

# await_end ADDRESS…: waits up to $limit seconds until no connection to these real servers is open,
# and reports what is left.
await_end() {
    # A connection that stays silent for the whole wait is over, or wouldn't end within it. If the
    # sync daemon's message about an end was lost, the entry lives on for the tcp value of
    # lvs_timeouts, also on a director that takes over.
    silence=$limit
    [ "$silence" -ge 10 ] || silence=10
    virtual_addresses $conf >"$scratch/virtual"
    began=$(uptime_seconds)
    next_look=$began
    open=0
    silent=0
    while :; do
        now=$(uptime_seconds)
        ipvsadm -Ln >"$scratch/table"
        counts "$@" <"$scratch/table" >"$scratch/counts"
        held=$(count_of held)
        heard=$(count_of heard)
        if [ "$held" -eq 0 ]; then
            open=0
            silent=0
        elif [ "$now" -ge "$next_look" ] || [ "$now" -ge $((began + limit)) ]; then
            silent_ones >"$scratch/silent"
            read -r silent elsewhere <"$scratch/silent"
            # If the list broke off, every connection not known to be silent counts as open.
            open=$((held - silent - elsewhere))
            [ "$open" -ge 0 ] || open=0
            heard=$((heard + elsewhere))
            # Listing may take a tenth of the time: enough for a table of a million entries.
            next_look=$((now + 1 + 10 * ($(uptime_seconds) - now)))
        elif [ "$open" -gt "$held" ]; then
            open=$held
        fi
        if [ "$open" -eq 0 ] || [ "$now" -ge $((began + limit)) ]; then
            break
        fi
        sleep 1
    done
    if ! grep -q ' out ' "$scratch/counts"; then
        say "$*: in no pool that it could be taken out of"
        return
    fi
    others=
    [ "$silent" -eq 0 ] || others="$silent silent for $silence s or more"
    [ "$heard" -eq 0 ] || others="$others${others:+, }$heard that only another director told of"
    say "$*: no new connections; $open open after $((now - began)) s${others:+; not waited for: $others}"
}

restore() {
    lease=$leases/$1
    shift
    if serving; then
        bring_back "$scratch/input" "$@"
    else
        # keepalived has removed its services, and starts again with every real server in.
        rm -f $drained $drained_by_change
        as_it_was
    fi
    end_lease_of "$lease" "$@"
}

undrain() {
    make_scratch
    serving || return 0
    bring_back_whole "$@"
}

# bring_back_whole ADDRESS…: brings them back into every service of the config.
bring_back_whole() {
    wanted $conf | sed -n 's/^-a \(.*\) -w .*/-a \1/p' >"$scratch/all"
    bring_back "$scratch/all" "$@"
}

# bring_back STAYS ADDRESS…: STAYS is a file with the entries that the directors will keep.
bring_back() {
    stays=$1
    shift
    [ -e $drained ] || return 0
    began=$(uptime_seconds)
    await_checks "$@"
    lock
    wanted $conf | sed 's/ -w .*//' >"$scratch/checked"
    for address; do
        entries_of "$address" <$drained >"$scratch/entries"
        while read -r entry; do
            if ! grep -qxF -e "${entry%% -w *}" "$stays"; then
                say "$address is about to leave $(service_of "$entry")"
                continue
            fi
            # An earlier run changed the director and was interrupted before it could put the real
            # server back.
            if ! is_there "$entry" && ! grep -qxF -e "${entry%% -w *}" "$scratch/checked"; then
                say "$address has left $(service_of "$entry")"
                continue
            fi
            until is_well "$entry"; do
                [ "$(uptime_seconds)" -lt $((began + 60)) ] || fail "$address is out of $(service_of "$entry") after 60 s: its check fails; see: journalctl -u keepalived"
                sleep 0.2
            done
            # A weight other than 0 is newer than the drain: keepalived set it after a failed check
            # or after a restart.
            [ "$(weight_of "$live")" != 0 ] || change "$live" "$(weight_from_now_on "$entry")"
        done <"$scratch/entries"
        while read -r entry; do
            forget "$entry" | record $drained
        done <"$scratch/entries"
        end_change_of "$address"
        say "$address: in again"
    done
    as_it_was
}

# A real server that has just broken is still in the pool, at weight 0, until its check has run for
# a round. This wait needs no lock either.
await_checks() {
    awaited=
    for address; do
        entries_of "$address" <$drained | sed 's/ -w .*//' >"$scratch/entries"
        if grep -qxFf "$stays" "$scratch/entries"; then
            awaited="$awaited $address"
        fi
    done
    # shellcheck disable=SC2086 # addresses
    round=$(round_of $awaited)
    [ "$round" -gt 0 ] || return 0
    say "waiting $round s, a round of the checks of$awaited"
    while [ "$(uptime_seconds)" -le $((began + round)) ]; do
        sleep 1
    done
}

# round_of ADDRESS…: the seconds after which each check of these real servers has reported a
# failure; 60 at most, 0 without checks.
round_of() {
    wanted $conf | awk -v addresses="$*" '
        BEGIN {
            n = split(addresses, list, " ")
            for (i = 1; i <= n; i++) asked[list[i]]
        }
        $1 == "=c" {
            for (i = 1; $i != "-r"; i++);
            server = $(i + 1)
            sub(/:[0-9]+$/, "", server)
            gsub(/[][]/, "", server)
            if (server in asked && $(i + 2) > longest) longest = $(i + 2)
        }
        END { print (longest > 60 ? 60 : longest + 0) }
    '
}

serving() {
    command -v ipvsadm >/dev/null && systemctl -q is-active keepalived && return 0
    say "this director serves nobody yet"
    return 1
}

# The kernel's entries for the config's services. Services of other owners are left alone.
look() {
    live $conf >"$scratch/live"
}

# Filters standard input for the entries of one real server. A fwmark above 65535 is the path of a
# check to a real server, not a service.
entries_of() {
    awk -v address="$1" '
        $1 != "-a" || ($2 == "-f" && $3 > 65535) { next }
        {
            for (i = 1; i < NF; i++) if ($i == "-r") server = $(i + 1)
            sub(/:[0-9]+$/, "", server)
            gsub(/[][]/, "", server)
            if (server == address) print
        }
    '
}

# For the entry `-a -f 7 -6 -r [2001:db8::21]:0 -g -w 1` the next three print: 1, `-f 7 -6`, and
# `-f 7 -6 -r [2001:db8::21]:0 `.
weight_of() {
    printf '%s\n' "$1" | sed 's/.* -w //; s/ .*//'
}

service_of() {
    printf '%s\n' "$1" | sed 's/^-a //; s/ -r .*//'
}

place_of() {
    printf '%s\n' "$1" | sed 's/^-a //; s/ -[gim] .*/ /'
}

# forget ENTRY: the noted entries without that real server in that service.
forget() {
    awk -v place="-a $(place_of "$1")" 'index($0, place) != 1' $drained
}

# others_changed ADDRESS: the other real servers that a change has drained.
others_changed() {
    [ ! -e $drained_by_change ] || grep -vxF -e "$1" $drained_by_change || :
}

end_change_of() {
    [ ! -e $drained_by_change ] || others_changed "$1" | record $drained_by_change
}

# True if another real server of the same service has a weight above 0.
others_serve() {
    look
    awk -v service="-a $(service_of "$1") -r " -v own="-a $(place_of "$1")" '
        index($0, service) == 1 && index($0, own) != 1 && !/ -w 0( |$)/ { found = 1 }
        END { exit !found }
    ' "$scratch/live"
}

# ip_vs_dh.c drops packets hashed to a real server of weight 0. sh and mh have a flag against that,
# which the config always sets.
is_destination_hashed() {
    awk -v service="-A $(service_of "$1") -s dh" '$0 == service || index($0, service " ") == 1 { found = 1 } END { exit !found }' "$scratch/live"
}

# True if the real server is in the service, at any weight. Sets $live to its current entry.
is_there() {
    look
    live=$(awk -v place="-a $(place_of "$1")" 'index($0, place) == 1' "$scratch/live")
    [ -n "$live" ]
}

# True if the real server is in the service and no failed check holds it at weight 0.
is_well() {
    is_there "$1" || return 1
    [ "$(weight_of "$live")" = 0 ] || return 0
    taken_out >"$scratch/out"
    ! awk -v place="$(place_of "$1")" 'index(place, $0) == 1 { found = 1 } END { exit !found }' "$scratch/out"
}

# The config's weight, which may have changed since, or else the weight that a check had set.
weight_from_now_on() {
    weight=$(wanted $conf | awk -v place="-a $(place_of "$1")" 'index($0, place) == 1 { print $NF }')
    case $weight in
    '' | '*') weight_of "$1" ;;
    *) printf '%s\n' "$weight" ;;
    esac
}

# change ENTRY WEIGHT: sets the entry's weight and keeps the rest. An edit resets thresholds that it
# doesn't name to 0. The edit may fail because a check has just removed the entry.
change() {
    limits=$(awk -v place="-x $(place_of "$1")" 'index($0, place) == 1 { print "-x", $(NF - 1), "-y", $NF }' "$scratch/live")
    # shellcheck disable=SC2046,SC2086 # words that ipvsadm printed
    ipvsadm $(printf '%s\n' "$1" | sed "s/^-a/-e/; s/ -w [0-9]*/ -w $2/") $limits 2>"$scratch/said" || {
        ! is_there "$1" || fail "$(cat "$scratch/said")"
    }
}

# counts ADDRESS…: reads `ipvsadm -Ln` and prints where these real servers are. "TCP 192.0.2.100:80
# 192.0.2.21 out held 3" means: at weight 0 with 3 connections, and this director holds the virtual
# address ("heard" if it doesn't). UDP counts too: a UDP client is gone after the udp value of
# lvs_timeouts without a packet. A fwmark, or an address outside the config, counts as held if this
# director holds any virtual address.
counts() {
    ip -o addr show >"$scratch/addresses"
    awk '$2 != "lo" { sub(/\/.*/, "", $4); print $4 }' "$scratch/addresses" >"$scratch/own"
    awk -v addresses="$*" '
        function host(endpoint) {
            sub(/:[0-9]+$/, "", endpoint)
            gsub(/[][]/, "", endpoint)
            return endpoint
        }
        BEGIN { n = split(addresses, list, " "); for (i = 1; i <= n; i++) wanted[list[i]] }
        FILENAME == ARGV[1] { own[$1]; next }
        FILENAME == ARGV[2] {
            virtual[$1]
            virtuals++
            if ($1 in own) holds++
            next
        }
        $1 ~ /^(TCP|UDP|SCTP|FWM)$/ {
            skip = $1 == "FWM" && $2 > 65535
            service = $1 " " $2
            held = !virtuals || holds
            if ($1 != "FWM" && (host($2) in own)) held = 1
            else if ($1 != "FWM" && (host($2) in virtual)) held = 0
        }
        $1 == "->" && !skip && (host($2) in wanted) {
            print service, host($2), ($4 > 0 ? "in" : "out"), (held ? "held" : "heard"), $5
        }
    ' "$scratch/own" "$scratch/virtual" -
}

# count_of held|heard: sums the connections in $scratch/counts to real servers at weight 0.
count_of() {
    awk -v kind="$1" '$4 == "out" && $5 == kind { sum += $6 } END { print sum + 0 }' "$scratch/counts"
}

# silent_ones: counts, among the held connections in $scratch/counts, those without a packet for
# $silence seconds; and those of a fwmark service to an address that another director holds. Each
# packet resets an entry's timer to the timeout of its state. No command prints all states and
# timeouts; the rest are from ip_vs_proto_tcp.c and ip_vs_proto_sctp.c. Listing a million entries
# may take a kernel minutes (6.12).
silent_ones() {
    {
        ipvsadm -L --timeout
        timeout 5 nice ipvsadm -Lnc || :
    } | awk -v silence="$silence" '
        function host(endpoint) {
            sub(/:[0-9]+$/, "", endpoint)
            gsub(/[][]/, "", endpoint)
            return endpoint
        }
        BEGIN {
            timeout["TCP SYN_RECV"] = 60
            timeout["TCP SYN_SENT"] = timeout["TCP SYNACK"] = 120
            timeout["SCTP ESTABLISHED"] = 900
        }
        FILENAME == ARGV[1] { own[$1]; next }
        FILENAME == ARGV[2] { virtual[$1]; next }
        FILENAME == ARGV[3] {
            known[$1, $2, $3]
            if ($4 == "out" && $5 == "held") {
                if ($1 == "FWM") marked[$3]
                else counted[$1, $2, $3]
                asked[$3]
            }
            next
        }
        $1 == "Timeout" {
            timeout["TCP ESTABLISHED"] = $(NF - 2)
            timeout["UDP UDP"] = $NF
            next
        }
        # The client port 0 is a persistent client, which is no connection.
        !(($1 " " $3) in timeout) || $4 ~ /:0$/ { next }
        {
            real = host($6)
            if (!(real in asked)) next
            to = $5
            if (!(($1, to, real) in known)) sub(/:[0-9]+$/, ":0", to)
            if (($1, to, real) in known) {
                if (!(($1, to, real) in counted)) next
            } else {
                if (!(real in marked)) next
                if ((host(to) in virtual) && !(host(to) in own)) {
                    elsewhere++
                    next
                }
            }
            split($2, left, ":")
            if (timeout[$1 " " $3] - left[1] * 60 - left[2] >= silence) silent++
        }
        END { print silent + 0, elsewhere + 0 }
    ' "$scratch/own" "$scratch/virtual" "$scratch/counts" -
}

"$@"
