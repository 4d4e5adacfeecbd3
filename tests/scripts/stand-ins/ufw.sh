#!/bin/sh
# ufw(8), as far as firewall.sh uses it. $FOLDER/ufw has its rules as `ufw show added` prints them,
# and a file active while ufw is on. Orders are logged in $FOLDER/tmp/asked. Like the real one
# (UFWRule.match() in common.py), it replaces a rule that differs only in action or comment. It
# refuses what $FOLDER/tmp/refused names.
set -eu
cd "$FOLDER/ufw"
words=$*
echo "$words" >>"$FOLDER/tmp/asked"
without() {
    grep -qF "ufw $1 comment '" added || { echo "Could not delete non-existent rule" && return 0; }
    grep -vF "ufw $1 comment '" added >added.new || :
    mv added.new added
}
case $words in
'--force enable')
    : >active
    # As ufw-init does, which sets sysctls and never sets them back.
    grep ^net /etc/ufw/sysctl.conf 2>/dev/null | while read -r line; do sysctl -q -e -w "$line"; done
    # As after a boot, when interfaces take over the default.
    [ ! -e /etc/ufw/sysctl.conf ] || sysctl -q -w net.ipv4.conf.lo.accept_redirects=0
    ;;
disable) rm -f active ;;
status) if [ -e active ]; then echo "Status: active"; else echo "Status: inactive"; fi ;;
'show added') echo "Added user rules (see 'ufw status' for running firewall):" && cat added ;;
'route delete '*) without "route ${words#route delete }" ;;
'delete route'*) echo "ERROR: Invalid syntax" && exit 1 ;;
'delete '*) without "${words#delete }" ;;
*' comment '*)
    line="ufw ${words% comment *} comment '${words##* comment }'"
    if grep -qxF "ufw ${words% comment *}" "$FOLDER/tmp/refused" 2>/dev/null; then echo "ERROR: Bad rule" && exit 1; fi
    if grep -qxF "$line" added; then
        echo "Skipping adding existing rule"
    else
        awk -v line="$line" '
            function about(rule) {
                sub(/ comment .*/, "", rule)
                sub(/ log(-all)? /, " ", rule)
                sub(/(allow|deny|reject|limit) /, "", rule)
                return rule
            }
            about($0) == about(line) { $0 = line; found = 1 }
            { print }
            END { if (!found) print line }
        ' added >added.new
        mv added.new added
        echo "Rule added"
    fi
    ;;
*) echo "unexpected: ufw $words" >&2 && exit 64 ;;
esac
