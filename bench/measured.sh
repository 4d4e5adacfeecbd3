#!/bin/sh
# Runs a command as process 1 of a process namespace, and writes the cost of it and everything that
# it started. That includes grandchildren: a process that loses its parent becomes a child of this
# shell, which waits for all of them.
#   measured.sh FILE COMMAND...
# FILE gets what times(1p) prints: the second line is the children's, user and system. The third has when the command began and ended, in
# seconds of the epoch.
set -u

# In the machine's own namespace, it would wait for every process on the machine.
[ "$$" = 1 ] || {
    echo "measured.sh: runs as process 1 of a process namespace only, and this is process $$" >&2
    exit 1
}

file=$1
shift
status=0
began=$(date +%s.%N)
"$@" || status=$?
ended=$(date +%s.%N)
# What it has left running counts if it ends within 5 s. The kernel kills the rest, with this shell: no signal is sent here, which would
# reach the whole machine if the namespace were missing. 0 only asks.
tries=0
while [ "$tries" -lt 250 ] && kill -s 0 -- -1 2>/dev/null; do
    sleep 0.02
    tries=$((tries + 1))
done
{
    times
    echo "$began $ended"
} >"$file"
exit "$status"
