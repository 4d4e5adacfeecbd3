#!/bin/sh
# ipvsadm(8) 1.31, as far as the host scripts use it. $FOLDER/ipvs is the kernel's state: table has
# lines of `ipvsadm -Sn` with each real server's -x and -y added; open and idle have the number of
# each real server's connections; connections has lines of `ipvsadm -Lnc`; daemons has one role per
# line, with interface and id unless these are eth0 and 51. Orders are logged in $FOLDER/tmp/edits.
set -eu
cd "$FOLDER/ipvs"

# shown HOW: the table as ipvsadm prints it: marks last, sorted by family, protocol, address and
# port. A single awk, because this runs often.
shown() {
    awk -v how="$1" -v open="$active" -v idle="$inactive" '
        function place(endpoint,    port, sides, left, right, i, m, n, text) {
            port = endpoint
            sub(/.*:/, "", port)
            sub(/:[0-9]+$/, "", endpoint)
            if (endpoint !~ /:/) {
                split(endpoint, left, ".")
                return sprintf("2%03d%03d%03d%03d%05d", left[1], left[2], left[3], left[4], port)
            }
            gsub(/[][]/, "", endpoint)
            n = split(endpoint, sides, "::")
            m = split(sides[1], left, ":")
            n = n > 1 ? split(sides[2], right, ":") : -1
            for (i = 1; i <= m; i++) text = text substr("0000" left[i], length(left[i]) + 1)
            for (i = m + n; n >= 0 && i < 8; i++) text = text "0000"
            for (i = 1; i <= n; i++) text = text substr("0000" right[i], length(right[i]) + 1)
            return sprintf("6%s%05d", text, port)
        }
        function after(option,    i) {
            for (i = 1; i < NF; i++) if ($i == option) return $(i + 1)
            return 0
        }
        function said(    flags) {
            if (how == "-Sn") {
                sub(/ -x .*/, "")
                if ($1 == "-a" && / -i / && !/ --tun-type /) $0 = $0 " --tun-type ipip"
                return $0
            }
            if ($1 == "-A") {
                flags = / -b / ? " (" after("-b") ")" : ""
                if (/ -p /) flags = flags " persistent " after("-p")
                if (/ -M /) flags = flags " mask " after("-M")
                if (/ --pe /) flags = flags " pe " after("--pe")
                if (/ -o( |$)/) flags = flags " ops"
                return ($2 == "-f" ? "FWM  " $3 ($4 == "-6" ? " IPv6" : "") : protocol[$2] " " $3) " " after("-s") flags
            }
            if (how ~ /thresholds/) return sprintf("  -> %-28s %-10d %-10d %-10d %-10d", after("-r"), after("-x"), after("-y"), open, idle)
            return sprintf("  -> %-28s %-7s %-6d %-10d %-10d", after("-r"), / -m / ? "Masq" : / -i / ? "Tunnel" : "Route", after("-w"), open, idle)
        }
        BEGIN {
            number["-t"] = "006"; protocol["-t"] = "TCP "
            number["-u"] = "017"; protocol["-u"] = "UDP "
            number["--sctp-service"] = "132"; protocol["--sctp-service"] = "SCTP"
            if (how == "-Sn") heading = ""
            else if (how ~ /thresholds/) heading = "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  -> RemoteAddress:Port"
            else heading = "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"
            if (heading) print "IP Virtual Server version 1.2.1 (size=256)\n" heading
        }
        {
            sub(/ --tun-type ipip.*/, "")
            at = $2 == "-f" ? sprintf("%010d%d", $3, $4 == "-6" ? 6 : 2) : "0000000000" substr(place($3), 1, 1) number[$2] place($3)
            if ($1 == "-a") at = at place(after("-r"))
            for (i = ++n; i > 1 && key[i - 1] > at; i--) {
                key[i] = key[i - 1]
                line[i] = line[i - 1]
            }
            key[i] = at
            line[i] = said()
        }
        END { for (i = 1; i <= n; i++) print line[i] }
    ' table
}

# edit WORDS…: the table after an order; prints an error for a wrong order.
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
-Sn | -Ln | '-Ln --thresholds')
    read -r active 2>/dev/null <open || active=0
    read -r inactive 2>/dev/null <idle || inactive=0
    shown "$*"
    ;;
'-L --daemon')
    [ ! -e daemons ] || awk '{
        print $1 " sync daemon (mcast=" ($2 ? $2 : "eth0") ", syncid=" ($2 ? $3 : 51) ", maxlen=1472, group=" ($4 ? $4 : "224.0.0.81") ", port=" ($5 ? $5 : 8848) ", ttl=" ($6 ? $6 : 1) ")"
    }' daemons
    ;;
-Lnc)
    printf 'IPVS connection entries\npro expire state       source             virtual            destination\n'
    cat connections 2>/dev/null || :
    ;;
'-L --timeout') echo "Timeout (tcp tcpfin udp): 900 120 300" ;;
-C) : >table ;;
'--start-daemon '*)
    echo "$*" >>"$FOLDER/tmp/edits"
    ! grep -q "^$2" daemons 2>/dev/null || { echo "Daemon has already run" >&2 && exit 255; }
    case "$3 $4 $5 $6" in
    "--mcast-interface eth0 --syncid 51") echo "$2" ;;
    "--mcast-interface "*" --syncid "*) echo "$2 $4 $6" ;;
    *) echo "unexpected: $*" >&2 && exit 64 ;;
    esac >>daemons
    ;;
'--stop-daemon '*)
    grep -q "^$2" daemons 2>/dev/null || { echo "No daemon is running" >&2 && exit 255; }
    sed -i "/^$2/d" daemons
    ;;
-[AEDaed]\ *)
    echo "$*" >>"$FOLDER/tmp/edits"
    edit "$@" >table.new
    mv table.new table
    ;;
*) echo "unexpected: ipvsadm $*" >&2 && exit 64 ;;
esac
