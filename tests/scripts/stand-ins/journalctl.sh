#!/bin/sh
# journalctl(1) for keepalived, as far as the host scripts use it. $FOLDER/journal has the messages,
# oldest first, one per line, with or without the time, host and process that -o short-unix prints.
# A line `-- Boot --` separates boots of the host. A cursor is a number of lines. With -t, messages
# without a process also match.
set -eu
journal=$FOLDER/journal
identifiers='' reverse='' boot='' from='' file='' unit='' output=short lines='' cursor=''
while [ $# -gt 0 ]; do
    case $1 in
    -q | --no-pager) ;;
    -r) reverse=yes ;;
    -b) boot=yes ;;
    -u) unit=$2 && shift ;;
    -t) identifiers="$identifiers $2 " && shift ;;
    -o) output=$2 && shift ;;
    -n) lines=$2 && shift ;;
    --show-cursor) cursor=yes ;;
    --after-cursor) from=$2 && shift ;;
    --cursor-file=*)
        file=${1#*=}
        from=$(cat "$file" 2>/dev/null) || :
        ;;
    *) echo "unexpected option: $1" >&2 && exit 64 ;;
    esac
    shift
done
[ "$unit" = keepalived ] || { echo "unexpected unit: $unit" >&2 && exit 64; }
awk -v identifiers="$identifiers" -v from="${from:-0}" -v boot="$boot" -v output="$output" -v reverse="$reverse" -v cursor="$cursor" -v file="$file" -v lines="$lines" '
    NR <= from { next }
    /^-- Boot/ {
        if (boot) n = 0
        next
    }
    identifiers && match($0, /^[0-9]+[.][0-9]+ [^ ]+ [^[]+[[]/) {
        identifier = substr($0, RSTART, RLENGTH - 1)
        sub(/.* /, "", identifier)
        if (!index(identifiers, " " identifier " ")) next
    }
    {
        if (output == "short-unix" && !/^[0-9]+[.][0-9]+ /) $0 = "0.0 lvs1 Keepalived_vrrp[1]: " $0
        if (output == "cat") sub(/^[0-9]+[.][0-9]+ [^ ]+ [^ ]+: /, "")
        line[++n] = $0
    }
    END {
        for (i = 1; lines != "0" && i <= n; i++) print line[reverse ? n + 1 - i : i]
        if (cursor) print "-- cursor: " NR
        if (file) print NR >file
    }
' "$journal"
