#!/bin/sh
# systemd-run(1), as far as firewall-guard.sh uses it: a timer that is active until it is stopped. It never runs out: $FOLDER/tmp/timer has
# what it would run, and after how many seconds. A file of the name $FOLDER/tmp/no-timers makes it fail.
set -eu
[ ! -e "$FOLDER/tmp/no-timers" ] || { echo "Failed to start transient timer unit: no" >&2 && exit 1; }
unit='' seconds=''
while :; do
    case $1 in
    --unit=*) unit=${1#*=} ;;
    --on-active=*) seconds=${1#*=} ;;
    -q | --collect | --timer-property=AccuracySec=1s) ;;
    -*) echo "unexpected: systemd-run $1" >&2 && exit 64 ;;
    *) break ;;
    esac
    shift
done
cd "$FOLDER/systemd"
[ ! -e "active/$unit.timer" ] || { echo "Failed to start transient timer unit: Unit $unit.timer was already loaded" >&2 && exit 1; }
echo "# transient" >"lib/$unit.timer"
echo active >"active/$unit.timer"
echo "$seconds $*" >"$FOLDER/tmp/timer"
