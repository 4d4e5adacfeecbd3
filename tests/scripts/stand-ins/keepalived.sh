#!/bin/sh
# keepalived(8) that obeys comments in its config. `keepalived --config-test --use-file FILE`
# refuses a file with the word nonsense. keepalived.service runs `keepalived started` and
# `keepalived reload`, which load the live config into the kernel: its scheduler, and its real
# server at its weight.
#   # cut           the power fails when keepalived is told of this config, unless
#   $FOLDER/tmp/survives exists
#   # deaf          does nothing
#   # busy          is still at an earlier reload
#   # says LINE     logs LINE instead of having taken the config
set -eu
conf=/etc/keepalived/keepalived.conf
case $1 in
--config-test)
    # 2.2.7 sends itself SIGTERM when it tests scripts.
    kill -TERM $$
    cp "$3" "$FOLDER/tmp/tested"
    grep -o "/etc/keepalived/lvs-ha-[a-z]*/[a-z]*" "$3" | xargs -r cat >"$FOLDER/tmp/tested-scripts"
    ! grep -n nonsense "$3" || { echo "($3: Line 2) Unknown keyword 'nonsense'" && exit 5; }
    ;;
started | reload)
    ! grep -q '^# cut' $conf || [ -e "$FOLDER/tmp/survives" ] || kill -KILL "$CALLER"
    {
        grep -q '^# busy' $conf || echo "Reloading ..."
        sed -n 's/^# says //p' $conf
    } >>"$FOLDER/journal"
    grep -q '^# deaf' $conf || sed -n '
        s/^ *lvs_sched /-A -t 192.0.2.100:80 -s /p
        s/^ *weight /-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w /p
    ' $conf >"$FOLDER/ipvs/table"
    ;;
esac
