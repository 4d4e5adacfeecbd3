#!/bin/sh
# Keeps clients from real servers while these are changed; runs on a director.
# drain.sh drain SECONDS ADDRESS…: no new connections, then waits until none is open, SECONDS at most.
# drain.sh restore ADDRESS…: new connections again, once the checks find the real servers well.
set -eu
what=drain
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
# Weights from before, as the lines of `ipvsadm -Sn` that set them; gone with a reboot, as IPVS's own table is.
drained=/run/lvs-ha-drained

drain() {
    limit=$1
    shift
    serving || return 0
    lock
    make_scratch
    touch $drained
    for address; do
        ipvsadm -Sn | entries_of "$address" >"$scratch/entries"
        while read -r entry; do
            # A run that was cut off has drained it already.
            if [ "$(weight_of "$entry")" = 0 ]; then
                continue
            fi
            if ! others_serve "$entry"; then
                say "$address stays in: nobody else serves $(service_of "$entry")"
                continue
            fi
            { cat $drained && printf '%s\n' "$entry"; } | record $drained
            change "$entry" 0
        done <"$scratch/entries"
    done
    waited=0
    while open=$(open_connections "$@") && [ "$open" -gt 0 ] && [ "$waited" -lt "$limit" ]; do
        sleep 1
        waited=$((waited + 1))
    done
    say "$*: no new connections; $open open after $waited s"
}

restore() {
    serving || return 0
    lock
    make_scratch
    [ -e $drained ] || return 0
    for address; do
        entries_of "$address" <$drained >"$scratch/entries"
        while read -r entry; do
            tries=0
            until is_in "$entry"; do
                tries=$((tries + 1))
                [ $tries -le 300 ] || fail "$address has been changed, but its check has failed for 60 s in $(service_of "$entry"): $(ipvsadm -Ln | grep -c .) lines in IPVS; see: journalctl -u keepalived"
                sleep 0.2
            done
            change "$entry" "$(weight_of "$entry")"
        done <"$scratch/entries"
        awk -v entries="$scratch/entries" 'BEGIN { while ((getline line <entries) > 0) done[line] } !($0 in done)' $drained >"$scratch/left"
        record $drained <"$scratch/left"
        say "$address: in again"
    done
}

serving() {
    [ -x /usr/sbin/ipvsadm ] && systemctl -q is-active keepalived && return 0
    say "this director serves nobody yet"
    return 1
}

# The lines of `ipvsadm -Sn` about a real server; a fwmark above 65535 is a check's way to it, not a service.
entries_of() {
    awk -v address="$1" '
        $1 != "-a" { next }
        $2 == "-f" && $3 > 65535 { next }
        {
            server = $5
            sub(/:[0-9]+$/, "", server)
            gsub(/[][]/, "", server)
            if (server == address) print
        }
    '
}

weight_of() {
    printf '%s\n' "$1" | awk '{ for (i = 1; i < NF; i++) if ($i == "-w") print $(i + 1) }'
}

service_of() {
    printf '%s\n' "$1" | awk '{ print $3 }'
}

# True when another real server of the same service has a weight.
others_serve() {
    ipvsadm -Sn | awk -v entry="$1" '
        BEGIN { split(entry, own, " ") }
        $1 == "-a" && $2 == own[2] && $3 == own[3] && $5 != own[5] {
            for (i = 1; i < NF; i++) if ($i == "-w" && $(i + 1) > 0) found = 1
        }
        END { exit !found }
    '
}

is_in() {
    ipvsadm -Sn | awk -v entry="$1" '
        BEGIN { split(entry, own, " ") }
        $1 == "-a" && $2 == own[2] && $3 == own[3] && $5 == own[5] { found = 1 }
        END { exit !found }
    '
}

# change ENTRY WEIGHT: the entry as it is, with another weight.
change() {
    # shellcheck disable=SC2046 # the words of a line that ipvsadm printed
    ipvsadm $(printf '%s\n' "$1" | awk -v weight="$2" '{ $1 = "-e"; for (i = 1; i < NF; i++) if ($i == "-w") $(i + 1) = weight; print }')
}

open_connections() {
    ipvsadm -Ln | awk -v addresses="$*" '
        BEGIN { n = split(addresses, list, " "); for (i = 1; i <= n; i++) wanted[list[i]] }
        $1 == "FWM" { skip = $2 > 65535 }
        $1 ~ /^(TCP|UDP|SCTP)$/ { skip = 0 }
        $1 == "->" && !skip {
            server = $2
            sub(/:[0-9]+$/, "", server)
            gsub(/[][]/, "", server)
            if (server in wanted) sum += $5
        }
        END { print sum + 0 }
    '
}

"$@"
