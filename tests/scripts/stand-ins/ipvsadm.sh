#!/bin/sh
# ipvsadm(8) 1.31, as far as the host scripts use it. $FOLDER/ipvs has what the kernel has: table, lines of `ipvsadm -Sn`, which have a
# real server's -x and -y, too; open, connections to each real server; daemons, a role a line. $FOLDER/tmp/edits has what it was told.
set -eu
cd "$FOLDER/ipvs"

# The table as ipvsadm prints it, each line after what it sorts by: marks last, then family, protocol, address and port.
sorted() {
    awk '
        function expanded(address,    sides, n, left, right, i, text) {
            if (address !~ /:/) {
                split(address, left, ".")
                return sprintf("2%03d%03d%03d%03d", left[1], left[2], left[3], left[4])
            }
            n = split(address, sides, "::")
            left["n"] = split(sides[1], left, ":")
            right["n"] = n > 1 ? split(sides[2], right, ":") : 0
            for (i = 1; i <= left["n"]; i++) text = text substr("0000" left[i], length(left[i]) + 1)
            for (i = left["n"] + right["n"]; n > 1 && i < 8; i++) text = text "0000"
            for (i = 1; i <= right["n"]; i++) text = text substr("0000" right[i], length(right[i]) + 1)
            return "6" text
        }
        function place(endpoint,    port) {
            port = endpoint
            sub(/.*:/, "", port)
            sub(/:[0-9]+$/, "", endpoint)
            gsub(/[][]/, "", endpoint)
            return sprintf("%s%05d", expanded(endpoint), port)
        }
        function after(option,    i) {
            for (i = 1; i < NF; i++) if ($i == option) return $(i + 1)
        }
        BEGIN { protocol["-t"] = 6; protocol["-u"] = 17; protocol["--sctp-service"] = 132 }
        {
            at = $2 == "-f" ? sprintf("%010d%d", $3, $4 == "-6" ? 6 : 2) : sprintf("%010d%s%03d%s", 0, substr(place($3), 1, 1), protocol[$2], place($3))
            print at ($1 == "-A" ? "" : place(after("-r"))) "\t" $0
        }
    ' table | LC_ALL=C sort | cut -f 2-
}

# shown HEADING COLUMNS: for people.
shown() {
    printf 'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           %s\n' "$1"
    sorted | awk -v columns="$2" -v open="$(cat open 2>/dev/null || echo 0)" '
        function after(option,    i) {
            for (i = 1; i < NF; i++) if ($i == option) return $(i + 1)
            return 0
        }
        BEGIN {
            protocol["-t"] = "TCP "
            protocol["-u"] = "UDP "
            protocol["--sctp-service"] = "SCTP"
            how["-g"] = "Route"
            how["-m"] = "Masq"
            how["-i"] = "Tunnel"
        }
        $1 == "-A" {
            flags = / -b / ? " (" after("-b") ")" : ""
            if (/ -p /) flags = flags " persistent " after("-p")
            if (/ -M /) flags = flags " mask " after("-M")
            if (/ --pe /) flags = flags " pe " after("--pe")
            if (/ -o( |$)/) flags = flags " ops"
            print ($2 == "-f" ? "FWM  " $3 ($4 == "-6" ? " IPv6" : "") : protocol[$2] " " $3), after("-s") flags
        }
        $1 == "-a" {
            for (method in how) if (index($0, " " method " ")) forward = how[method]
            if (columns == "thresholds") printf "  -> %-28s %-10d %-10d %-10d %-10d\n", after("-r"), after("-x"), after("-y"), open, 0
            else printf "  -> %-28s %-7s %-6d %-10d %-10d\n", after("-r"), forward, after("-w"), open, 0
        }
    '
}

# edit WORDS…: the table after an order; says what is wrong with the order.
edit() {
    awk -v order="$*" '
        function refuse(words) {
            print words >"/dev/stderr"
            refused = 1
            exit 255
        }
        BEGIN {
            n = split(order, word, " ")
            verb = word[1]
            method = "-g"
            weight = 1
            upper = lower = 0
            for (i = 2; i <= n; i++) {
                if (word[i] ~ /^-([tu]|-sctp-service)$/) key = word[i] " " word[++i]
                else if (word[i] == "-f") key = word[i] " " word[++i]
                else if (word[i] == "-6") key = key " -6"
                else if (word[i] == "-r") real = word[++i]
                else if (word[i] ~ /^-[gim]$/) method = word[i]
                else if (word[i] == "-w") weight = word[++i]
                else if (word[i] == "-x") upper = word[++i]
                else if (word[i] == "-y") lower = word[++i]
                else rest = rest " " word[i]
            }
            if (verb ~ /[AE]/ && rest !~ /^ -s [a-z]+/) rest = " -s wlc" rest
            line = verb ~ /[AE]/ ? "-A " key rest : "-a " key " -r " real " " method " -w " weight
            if (verb ~ /[ae]/ && upper + lower) line = line " -x " upper " -y " lower
            if (verb ~ /[aed]/ && real !~ /:[0-9]+$/ || key == "" || verb ~ /[aed]/ && rest != "") refuse("unexpected argument in: " order)
        }
        { sub(/ --tun-type ipip.*/, "") }
        { mine = index($0 " ", "-A " key " -s ") == 1 || index($0, "-a " key " -r ") == 1 }
        mine && $1 == "-A" {
            service = 1
            if (verb == "-A") refuse("Service already exists")
            if (verb == "-D") next
            if (verb == "-E") $0 = line
        }
        mine && $1 == "-a" {
            if (verb == "-D") next
            if (index($0, "-a " key " -r " real " ") == 1) {
                destination = 1
                if (verb == "-a") refuse("Destination already exists")
                if (verb == "-d") next
                if (verb == "-e") $0 = line
            }
        }
        { print }
        END {
            if (refused) exit 255
            if (verb ~ /[ED]/ && !service) refuse("No such service")
            if (verb ~ /[aed]/ && !service) refuse("Service not defined")
            if (verb ~ /[ed]/ && !destination) refuse("No such destination")
            if (verb ~ /[Aa]/) print line
        }
    ' table
}

case $* in
-Sn) sorted | sed 's/ --tun-type ipip.*//; s/ -x .*//; /^-a .* -i /s/$/ --tun-type ipip/' ;;
-Ln) shown 'Forward Weight ActiveConn InActConn' connections ;;
'-Ln --thresholds') shown ' Uthreshold Lthreshold ActiveConn InActConn' thresholds ;;
'-L --daemon')
    [ ! -e daemons ] || sed 's/$/ sync daemon (mcast=eth0, syncid=51, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)/' daemons
    ;;
-C) : >table ;;
'--start-daemon '*)
    echo "$*" >>"$FOLDER/tmp/edits"
    ! grep -qx "$2" daemons 2>/dev/null || { echo "Daemon has already run" >&2 && exit 255; }
    echo "$2" >>daemons
    ;;
'--stop-daemon '*)
    grep -qx "$2" daemons 2>/dev/null || { echo "No daemon is running" >&2 && exit 255; }
    sed -i "/^$2\$/d" daemons
    ;;
-[AEDaed]\ *)
    echo "$*" >>"$FOLDER/tmp/edits"
    edit "$@" >table.new
    mv table.new table
    ;;
*) echo "unexpected: ipvsadm $*" >&2 && exit 64 ;;
esac
