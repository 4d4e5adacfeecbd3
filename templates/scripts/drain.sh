#!/bin/sh
# Keeps clients from real servers while these are changed; runs on a director. A service's last real server stays in.
# drain.sh drain SECONDS ADDRESS…: no new connections, then waits until none is open, SECONDS at most. A director waits for those of
# addresses that it holds, and that still have packets; what a standby was told of is not waited for.
# drain.sh suspend LEASE MAX SECONDS ADDRESS…: the same at the beginning of a change of one real server, which ends with restore. Prints
# "drained", "busy" where MAX others are being changed, or nothing where there is nothing to take it out of.
# drain.sh restore LEASE ADDRESS… <ENTRIES: new connections again, once the checks have found the real server well. ENTRIES are what the
# directors are to have of it from now on, as `ipvsadm -Sn` prints it without weights: other services it is about to leave.
# drain.sh hold LEASE: stays while a character comes by standard input each minute. At its end, what the lease has suspended and not
# restored has new connections again once its checks succeed, and others may be changed at once.
# drain.sh serves: prints "serving" where this director serves.
# drain.sh undrain ADDRESS…: new connections again, when no change is under way.
set -eu
what=drain
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
# shellcheck source=templates/scripts/foreign.sh
. "${0%/*}/foreign.sh"
# shellcheck source=templates/scripts/ipvs.sh
. "${0%/*}/ipvs.sh"
conf=/etc/keepalived/keepalived.conf
# Their entries from before, as lines of `ipvsadm -Sn`; gone with a reboot, as IPVS's own table is.
drained=/run/lvs-ha-drained
# Addresses of those that a change has drained and not put back yet, one a line. Who is drained by hand is not among them.
drained_by_change=/run/lvs-ha-drained-by-change

# While somebody is drained, a client whose port comes round is sent to another real server, not to that of its entry from before: ip_vs_in()
# in ip_vs_core.c. The stack switches that on for good, once it is the director's turn; what is taken over may have it off. Here is what it
# was, until nobody is drained any more, or kernel.sh has taken it over.
anew=net.ipv4.vs.expire_nodest_conn
anew_was=/run/lvs-ha-expire-nodest-conn-was

# A change of real servers has a lease: a file that a process keeps locked, so that it is over with that process, and one of the real
# servers that it has suspended, a line each.
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
    # What holds it has been started a moment ago.
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

# is_held LEASE: whether its process is still there.
is_held() {
    [ -e "$1" ] && ! flock -n -s "$1" true
}

# is_in_a_pool ADDRESS…: whether clients are sent to one of them, or were before it was drained.
is_in_a_pool() {
    make_scratch
    look
    touch $drained
    for address; do
        ! sed '/ -w 0 *$/d' "$scratch/live" $drained | entries_of "$address" | grep -q . || return 0
    done
    return 1
}

# others_away LEASE ADDRESS…: real servers that leases have suspended, but for this one.
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
    # Others needn't wait for what comes now.
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

# give_back LEASE ADDRESS…: what a change has left suspended; its checks may take hours to succeed, until somebody mends it.
give_back() {
    lease=$1
    shift
    while serving && is_suspended "$@" && ! all_well "$@"; do
        sleep 1
    done
    # Another run has taken it over meanwhile, or put it back.
    if serving && is_suspended "$@"; then
        (bring_back_whole "$@")
    fi
    lock
    end_lease_of "$lease" "$@"
    exec 9>&-
}

# is_suspended ADDRESS…: by a change, whose lease nobody holds.
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

# all_well ADDRESS…: whether each service that they have been taken out of finds them well.
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
            # Noted already by a run that was cut off, or out by the config or its check.
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
    # Waiting is no change: others may make theirs meanwhile.
    exec 9>&-
    await_end "$@"
}

schedule_anew() {
    [ "$(sysctl -n $anew 2>/dev/null)" = 0 ] || return 0
    echo 0 | record $anew_was
    sysctl -q -w $anew=1
}

# as_it_was: once nobody is drained.
as_it_was() {
    [ -e $anew_was ] && ! [ -s $drained ] || return 0
    sysctl -q -w "$anew=$(cat $anew_was)"
    rm $anew_was
}

# await_end ADDRESS…: waits until no connection to these real servers is open, $limit seconds at most, and says what is left.
await_end() {
    # A connection that is silent for as long as the wait may last is over, or wouldn't end within it. An end that the sync daemon's
    # message told, and that was lost, leaves an entry for lvs_timeouts' tcp, on the director that takes over, too.
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
            # All that isn't known to be silent, if the list broke off, too.
            open=$((held - silent - elsewhere))
            [ "$open" -ge 0 ] || open=0
            heard=$((heard + elsewhere))
            # A tenth of the time is enough for a table of a million.
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
        # keepalived has taken its services with it, and begins with everybody in.
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

# bring_back_whole ADDRESS…: into every service of the config.
bring_back_whole() {
    wanted $conf | sed -n 's/^-a \(.*\) -w .*/-a \1/p' >"$scratch/all"
    bring_back "$scratch/all" "$@"
}

# bring_back STAYS ADDRESS…: STAYS is a file of the entries that the directors are to have.
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
            # A run before this one changed the director, and was cut off before it could put it in again.
            if ! is_there "$entry" && ! grep -qxF -e "${entry%% -w *}" "$scratch/checked"; then
                say "$address has left $(service_of "$entry")"
                continue
            fi
            until is_well "$entry"; do
                [ "$(uptime_seconds)" -lt $((began + 60)) ] || fail "$address is out of $(service_of "$entry") after 60 s: its check fails; see: journalctl -u keepalived"
                sleep 0.2
            done
            # Any other weight than 0 was set since: by keepalived, whose check had failed meanwhile, or which has been started anew.
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

# A real server that was broken just now is still in the pool, at weight 0: its check needs a round to find that out. Waiting is no
# change here either.
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

# round_of ADDRESS…: the seconds within which each check of these real servers tells that it fails; 60 at most, and 0 without checks.
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

# What the kernel has of the config's services; others' are left alone.
look() {
    live $conf >"$scratch/live"
}

# Of standard input, the entries of a real server. A fwmark above 65535 is a check's way to it, not a service.
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

# Of the entry `-a -f 7 -6 -r [2001:db8::21]:0 -g -w 1`: 1, `-f 7 -6`, and `-f 7 -6 -r [2001:db8::21]:0 `.
weight_of() {
    printf '%s\n' "$1" | sed 's/.* -w //; s/ .*//'
}

service_of() {
    printf '%s\n' "$1" | sed 's/^-a //; s/ -r .*//'
}

place_of() {
    printf '%s\n' "$1" | sed 's/^-a //; s/ -[gim] .*/ /'
}

# forget ENTRY: what is noted, without that real server in that service.
forget() {
    awk -v place="-a $(place_of "$1")" 'index($0, place) != 1' $drained
}

# others_changed ADDRESS: who else is noted as drained by a change.
others_changed() {
    [ ! -e $drained_by_change ] || grep -vxF -e "$1" $drained_by_change || :
}

end_change_of() {
    [ ! -e $drained_by_change ] || others_changed "$1" | record $drained_by_change
}

# True when another real server of the same service has a weight.
others_serve() {
    look
    awk -v service="-a $(service_of "$1") -r " -v own="-a $(place_of "$1")" '
        index($0, service) == 1 && index($0, own) != 1 && !/ -w 0( |$)/ { found = 1 }
        END { exit !found }
    ' "$scratch/live"
}

# ip_vs_dh.c: what is hashed to a real server of weight 0 is dropped. sh and mh have a flag against that, which the config always sets.
is_destination_hashed() {
    awk -v service="-A $(service_of "$1") -s dh" '$0 == service || index($0, service " ") == 1 { found = 1 } END { exit !found }' "$scratch/live"
}

# True when the real server is in the service, whatever its weight. Sets $live to its entry now.
is_there() {
    look
    live=$(awk -v place="-a $(place_of "$1")" 'index($0, place) == 1' "$scratch/live")
    [ -n "$live" ]
}

# True when it is, and not held at weight 0 because its check fails.
is_well() {
    is_there "$1" || return 1
    [ "$(weight_of "$live")" = 0 ] || return 0
    taken_out >"$scratch/out"
    ! awk -v place="$(place_of "$1")" 'index(place, $0) == 1 { found = 1 } END { exit !found }' "$scratch/out"
}

# The config's weight, which may have changed since, or the one that a check had set.
weight_from_now_on() {
    weight=$(wanted $conf | awk -v place="-a $(place_of "$1")" 'index($0, place) == 1 { print $NF }')
    case $weight in
    '' | '*') weight_of "$1" ;;
    *) printf '%s\n' "$weight" ;;
    esac
}

# change ENTRY WEIGHT: the entry as it is, with another weight. Thresholds that an edit doesn't name become 0. One that its check has
# taken out this moment has no weight to change.
change() {
    limits=$(awk -v place="-x $(place_of "$1")" 'index($0, place) == 1 { print "-x", $(NF - 1), "-y", $NF }' "$scratch/live")
    # shellcheck disable=SC2046,SC2086 # words that ipvsadm printed
    ipvsadm $(printf '%s\n' "$1" | sed "s/^-a/-e/; s/ -w [0-9]*/ -w $2/") $limits 2>"$scratch/said" || {
        ! is_there "$1" || fail "$(cat "$scratch/said")"
    }
}

# counts ADDRESS…: of `ipvsadm -Ln`, where these real servers are: "TCP 192.0.2.100:80 192.0.2.21 out held 3", at weight 0, where this
# director holds the virtual address (otherwise: heard), with 3 connections. UDP's count, too: a client is gone when it has been silent
# for lvs_timeouts' udp. A fwmark, or an address that is none of the config's, is held where some address is.
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

# count_of held, or heard: the connections of $scratch/counts, where the real servers have weight 0.
count_of() {
    awk -v kind="$1" '$4 == "out" && $5 == kind { sum += $6 } END { print sum + 0 }' "$scratch/counts"
}

# silent_ones: of the connections in $scratch/counts that are held, those without a packet for $silence seconds, and those of a fwmark
# service to an address that another director holds. Each packet sets an entry's time back to its state's timeout; states and timeouts
# that no command tells are those of ip_vs_proto_tcp.c and ip_vs_proto_sctp.c. A list of a million may take a kernel minutes (6.12).
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
