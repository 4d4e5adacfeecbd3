#!/bin/sh
# A server's power supply and reset circuit: runs a guest, and restarts it when it ends (a reboot),
# until it is switched off.
#   supervise.sh DIRECTORY COMMAND...
# In DIRECTORY:
#   off          the power is off while this file exists
#   guest.pid    the guest's process, which leads its own session and process group, while it runs
#   console.log  output of the guest and of this script
set -eu

directory=$1
shift
console=$directory/console.log
quick_ends=0

say() { printf '%s supervisor: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>"$console"; }

while [ ! -e "$directory/off" ]; do
    say "power on"
    started=$(date +%s)
    console_size=$(wc -c <"$console")
    setsid "$@" >>"$console" 2>&1 </dev/null &
    guest=$!
    echo "$guest" >"$directory/guest.pid"
    status=0
    wait "$guest" || status=$?
    rm -f "$directory/guest.pid"
    [ ! -e "$directory/off" ] || break

    # A guest that was shut down stays off, like a real machine. Its kernel's last message tells a
    # shutdown from a reboot.
    if tail -c "+$((console_size + 1))" "$console" | tail -n 5 | grep -aq 'reboot: Power down\|reboot: System halted'; then
        say "the guest was shut down"
        : >"$directory/off"
        break
    fi
    say "the guest ended with status $status"
    if [ $(($(date +%s) - started)) -ge 3 ]; then
        quick_ends=0
    else
        quick_ends=$((quick_ends + 1))
    fi
    if [ "$quick_ends" -ge 3 ]; then
        say "it ended at once three times in a row: not trying again"
        exit 1
    fi
done
say "power off"
