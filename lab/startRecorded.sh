#!/bin/sh
# Records its process, then becomes COMMAND: the process that started it may be gone before it could
# record it.
#   startRecorded.sh RECORD COMMAND...
# A process id alone may be reused; with the start time (field 22 of proc_pid_stat(5)) and the boot
# id it is unique.
set -eu

record=$1
shift
printf '{"pid":%d,"startTicks":"%s","bootId":"%s"}' \
    "$$" "$(cut -d ' ' -f 22 "/proc/$$/stat")" "$(cat /proc/sys/kernel/random/boot_id)" >"$record.new"
mv "$record.new" "$record"
exec "$@"
