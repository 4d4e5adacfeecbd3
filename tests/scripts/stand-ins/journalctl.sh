#!/bin/sh
# journalctl(1) of keepalived, as far as the host scripts use it. $FOLDER/journal has its messages, oldest first, a line each, with or
# without the time, host and process that -o short-unix prints; a line `-- Boot --` comes before those of another boot of the host.
# A cursor is a number of lines.
set -eu
journal=$FOLDER/journal
reverse='' boot='' from='' file='' unit='' output=short lines='' cursor=''
while [ $# -gt 0 ]; do
    case $1 in
    -q | --no-pager) ;;
    -r) reverse=yes ;;
    -b) boot=yes ;;
    -u) unit=$2 && shift ;;
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
if [ "$lines" != 0 ]; then
    tail -n +$((${from:-0} + 1)) "$journal" |
        if [ "$boot" ]; then awk '/^-- Boot/ { n = 0; next } { line[++n] = $0 } END { for (i = 1; i <= n; i++) print line[i] }'; else cat; fi |
        if [ "$output" = cat ]; then sed -E '/^-- Boot/d; s/^[0-9]+\.[0-9]+ [^ ]+ [^ ]+: //'; else cat; fi |
        if [ "$reverse" ]; then tac; else cat; fi
fi
[ -z "$cursor" ] || echo "-- cursor: $(wc -l <"$journal")"
[ -z "$file" ] || wc -l <"$journal" >"$file"
