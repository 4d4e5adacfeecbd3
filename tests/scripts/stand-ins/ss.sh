#!/bin/sh
# ss(8), as far as firewall-guard.sh uses it: the connections to sshd are the lines of $FOLDER/tmp/connections. Where it is asked, a change
# waits for a login: one comes, unless a file of the name $FOLDER/tmp/nobody-logs-in is there.
set -eu
case $* in
'-Htn state established sport = :22') ;;
*) echo "unexpected: ss $*" >&2 && exit 64 ;;
esac
cat "$FOLDER/tmp/connections" 2>/dev/null || :
[ -e "$FOLDER/tmp/nobody-logs-in" ] || echo 198.51.100.7 >/run/lvs-ha-firewall-confirmed
