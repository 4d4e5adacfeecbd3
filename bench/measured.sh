#!/bin/sh
# Runs a command as process 1 of a process namespace, and says what it and all that it started have cost, children of children included:
# who loses its parent there becomes a child of this shell, which waits for every one of them.
#   measured.sh FILE COMMAND...
# FILE gets what times(1p) prints: the second line is the children's, user and system.
set -u

file=$1
shift
status=0
"$@" || status=$?
# What it has left running.
kill -s KILL -- -1 2>/dev/null
while kill -s 0 -- -1 2>/dev/null; do sleep 0.02; done
times >"$file"
exit "$status"
