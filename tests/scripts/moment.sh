#!/bin/sh
# Stands before every program that a host script runs, under its name, and counts them in $FOLDER/tmp/moments. Before the one of number $AT
# it does what $DOES says: `kill` ends the script and all that it has started, as a power cut does; `fill` fills the disk; `lock` has /etc be
# read-only, as a kernel does that has found an error on the disk.
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
        # Its group is its own: setsid(1) has made it.
        read -r group <"$FOLDER/tmp/group"
        [ "$group" -gt 1 ] && kill -s KILL -- "-$group"
        ;;
    lock) mount -o remount,bind,ro /etc ;;
    fill) dd if=/dev/zero of=/etc/full bs=4k 2>/dev/null || : ;;
    esac
fi
exec "$name" "$@"
