#!/bin/sh
# Wraps every program that a host script runs, under the program's name, and counts the calls in
# $FOLDER/tmp/moments. Before call number $AT it does what $DOES says: `kill` ends the script and
# everything that it has started, as a power cut does; `fill` fills the disk; `lock` makes /etc
# read-only, as a kernel does after a disk error.
set -eu
name=${0##*/}
PATH=${PATH#*:}
echo "$name" >>"$FOLDER/tmp/moments"
n=0
while read -r _; do n=$((n + 1)); done <"$FOLDER/tmp/moments"
if [ "$n" -ge "$AT" ] && [ ! -e "$FOLDER/tmp/done" ]; then
    : >"$FOLDER/tmp/done"
    case $DOES in
    kill)
        # The process group is the script's alone: setsid(1) has made it.
        read -r group <"$FOLDER/tmp/group"
        [ "$group" -gt 1 ] && kill -s KILL -- "-$group"
        ;;
    lock) mount -o remount,bind,ro /etc ;;
    fill) dd if=/dev/zero of=/etc/full bs=4k 2>/dev/null || : ;;
    esac
fi
exec "$name" "$@"
