#!/bin/sh
# Becomes a program, after writing down which process that is: whoever started it may be gone before it could.
#   startRecorded.sh RECORD COMMAND...
# A process id alone may be another process's later; with its start time (field 22 of proc_pid_stat(5)) and the machine's boot
# it is one process for ever.
set -eu

record=$1
shift
printf '{"pid":%d,"startTicks":"%s","bootId":"%s"}' \
    "$$" "$(cut -d ' ' -f 22 "/proc/$$/stat")" "$(cat /proc/sys/kernel/random/boot_id)" >"$record.new"
mv "$record.new" "$record"
exec "$@"
