#!/bin/sh
# nft(8), as far as firewall.sh uses it. $FOLDER/nft/lvs_ha is the table in the kernel,
# $FOLDER/nft/others the rest of the ruleset. It parses only addresses, and copies standard input to
# $FOLDER/tmp/checked. A network namespace other than the host's has a table of its own until that
# is listed. If $FOLDER/tmp/broken exists, the kernel refuses the next table.
set -eu
table=$FOLDER/nft/lvs_ha
clients=/etc/lvs-ha/ssh-clients.nft
[ "$(readlink /proc/self/ns/net)" = "$NETWORK" ] || table=$FOLDER/tmp/nft-elsewhere
case $* in
'-c -f -')
    cat >"$FOLDER/tmp/checked"
    if grep -E 'saddr [^ ]*[%U]' "$FOLDER/tmp/checked"; then exit 1; fi
    ;;
'-c -f '* | '-f '*)
    for file; do :; done
    if grep -hE 'saddr [^ ]*[%U]' "$file" $clients; then exit 1; fi
    [ "$1" = -f ] || exit 0
    if rm "$FOLDER/tmp/broken" 2>/dev/null; then exit 1; fi
    cat "$file" $clients >"$table"
    ;;
'list table inet lvs_ha') cat "$table" ;;
'-s list table inet lvs_ha')
    cat "$table" || exit
    rm -f "$FOLDER/tmp/nft-elsewhere"
    ;;
'list tables') ;;
'-s -p list ruleset') [ ! -e "$FOLDER/nft/others" ] || cat "$FOLDER/nft/others" ;;
'delete table inet lvs_ha') rm "$table" ;;
*) echo "unexpected: nft $*" >&2 && exit 64 ;;
esac
