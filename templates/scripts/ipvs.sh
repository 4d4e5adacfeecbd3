# shellcheck shell=sh
# Sourced by keepalived.sh and drain.sh: what a config wants in IPVS and what is there, as lines alike, in ipvsadm(8)'s own words:
#   -A -t 192.0.2.100:80 -s sh -p 300 -b sh-port      a virtual server
#   -a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1     a real server; * for a weight that a check sets
#   +a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1     one that may be there: a sorry server, one kept in with weight 0
#   -x -t 192.0.2.100:80 -r 192.0.2.21:80 100 75      a real server's thresholds, upper and lower
#   =c -t 192.0.2.100:80 -r 192.0.2.21:80 24 …        a real server's checks: seconds until they have a verdict, and their text
# $scratch, set before, is a folder of the script's own.

# statements CONF: keepalived.conf(5) as its parser reads it: no comments, each brace on a line of its own. What is in quotes is text.
statements() {
    awk '
        # A backslash takes its meaning from the character after it; at the end of a line, the next one goes on.
        function decommented(text,    kept, quoted, c) {
            while (match(text, /[!#"\\]/)) {
                c = substr(text, RSTART, 1)
                if (c == "\\" && RSTART == length(text)) {
                    goes_on = 1
                    return kept substr(text, 1, RSTART - 1) " "
                }
                if (!quoted && (c == "#" || c == "!")) return kept substr(text, 1, RSTART - 1)
                if (c == "\"") quoted = !quoted
                if (c == "\\") RSTART++
                kept = kept substr(text, 1, RSTART)
                text = substr(text, RSTART + 1)
            }
            return kept text
        }
        function tell(text) {
            gsub(/[ \t]+/, " ", text)
            gsub(/^ | $/, "", text)
            if (text != "") print text
        }
        {
            goes_on = 0
            text = held decommented($0)
            held = goes_on ? text : ""
        }
        goes_on { next }
        {
            for (before = ""; match(text, /"[^"]*"?|[$][{][^}]*[}]|[{}]/); text = rest) {
                token = substr(text, RSTART, RLENGTH)
                rest = substr(text, RSTART + RLENGTH)
                before = before substr(text, 1, RSTART - 1)
                if (token == "{" || token == "}") {
                    tell(before)
                    tell(token)
                    before = ""
                } else before = before token
            }
            tell(before text)
        }
    ' "$1"
}

# wanted CONF: keepalived.conf(5) in those lines. What is no virtual server of its own (a group's) is left out.
wanted() {
    statements "$1" | awk '
        # As ipvsadm prints it: 2001:DB8:0:0::1 is 2001:db8::1.
        function spelled(address,    sides, left, right, n, i, groups, zeros, at) {
            if (address !~ /:/) return address
            n = split(tolower(address), sides, "::")
            left = split(sides[1], head, ":")
            right = n > 1 ? split(sides[2], tail, ":") : 0
            groups = ":"
            for (i = 1; i <= left; i++) groups = groups plain(head[i]) ":"
            for (i = left + right; n > 1 && i < 8; i++) groups = groups "0:"
            for (i = 1; i <= right; i++) groups = groups plain(tail[i]) ":"
            for (zeros = ":0:0:0:0:0:0:0:0:"; length(zeros) > 3; zeros = substr(zeros, 3)) {
                at = index(groups, zeros)
                if (at) {
                    groups = substr(groups, 1, at - 1) "::" substr(groups, at + length(zeros))
                    break
                }
            }
            if (groups !~ /^::/) groups = substr(groups, 2)
            if (groups !~ /::$/) groups = substr(groups, 1, length(groups) - 1)
            return groups
        }
        function plain(group) {
            sub(/^0+/, "", group)
            return group == "" ? "0" : group
        }
        function endpoint(address, port) {
            return (address ~ /:/ ? "[" spelled(address) "]" : address) ":" port
        }
        function is_on(value) {
            return value != "" && value !~ /^(off|false|no)$/
        }
        function service(    line, mask, flags, names, name, i) {
            line = key " -s " own["lvs_sched"]
            if (own["persistence_timeout"]) {
                line = line " -p " own["persistence_timeout"]
                mask = own["persistence_granularity"]
                if (mask != "" && mask != "255.255.255.255" && mask != 128) line = line " -M " mask
                if (own["persistence_engine"] != "") line = line " --pe " own["persistence_engine"]
            }
            if (is_on(own["ops"])) line = line " -o"
            names = split("sh-fallback sh-port mh-fallback mh-port", name, " ")
            for (i = 1; i <= names; i++) if (name[i] in own) flags = flags "," name[i]
            return "-A " line (flags == "" ? "" : " -b " substr(flags, 2))
        }
        # Only NAT changes a port; in a fwmark service it stays what the client asked for.
        function real(address, its_port, method) {
            if (method != "NAT") its_port = mark == "" ? port : 0
            return key " -r " endpoint(address, its_port)
        }
        # What a check, its real server or its virtual server says, in this order.
        function setting(i, n, key, otherwise) {
            if (check[i, n, key] != "") return check[i, n, key]
            if (its[i, key] != "") return its[i, key]
            return own[key] != "" ? own[key] : otherwise
        }
        # Seconds until every check of a real server has had its say, at the latest, from a reload or from now. What is not said is
        # the default of keepalived.conf(5); its first second is BOOTSTRAP_DELAY. BFD_CHECK and FILE_CHECK ask nobody: they tell at once.
        function verdict(i,    n, type, loop, first, pause, retry, timeout, seconds, latest) {
            for (n = 1; n <= checks[i]; n++) {
                type = check[i, n, "type"]
                if (type ~ /^(BFD|FILE)_/) continue
                loop = setting(i, n, "delay_loop", 60)
                pause = setting(i, n, "delay_before_retry", type ~ /_GET$/ ? 3 : type == "DNS_CHECK" ? loop : 1)
                retry = setting(i, n, "retry", type == "MISC_CHECK" ? 0 : type == "DNS_CHECK" ? 3 : 1)
                timeout = type == "MISC_CHECK" ? setting(i, n, "misc_timeout", loop) : setting(i, n, "connect_timeout", 5)
                first = setting(i, n, "warmup", loop)
                if (first < loop) first = loop
                seconds = first + (retry + 1) * timeout + retry * pause + 1
                # One URL after the other.
                if (urls[i, n] > 1) seconds += (urls[i, n] - 1) * (loop + timeout)
                if (seconds > latest) latest = seconds
            }
            return int(latest + 0.999)
        }
        function check_text(i,    keys, n, key, text) {
            keys = split("delay_loop connect_timeout retry delay_before_retry warmup virtualhost", key, " ")
            for (n = 1; n <= keys; n++) text = text " " own[key[n]] "/" its[i, key[n]]
            return text its[i, "checks"]
        }
        function tell(    i, method, line, weight, inhibit) {
            if (mark != "") key = "-f " mark (own["ip_family"] == "inet6" ? " -6" : "")
            else key = option[own["protocol"] == "" ? "TCP" : own["protocol"]] " " endpoint(address, port)
            print service()
            for (i = 1; i <= reals; i++) {
                method = its[i, "lvs_method"] == "" ? own["lvs_method"] : its[i, "lvs_method"]
                line = real(its[i, "address"], its[i, "port"], method)
                weight = its[i, "weight"] == "" ? 1 : its[i, "weight"]
                print "-a " line, how[method], "-w", (its[i, "dynamic"] ? "*" : weight)
                inhibit = its[i, "inhibit_on_failure"] == "" ? own["inhibit_on_failure"] : its[i, "inhibit_on_failure"]
                if (is_on(inhibit)) print "+a " line, how[method], "-w 0"
                print "-x " line, its[i, "uthreshold"] + 0, its[i, "lthreshold"] + 0
                if (checks[i]) print "=c " line, verdict(i) check_text(i)
            }
            if ("sorry_server" in own) {
                method = own["sorry_server_lvs_method"] == "" ? own["lvs_method"] : own["sorry_server_lvs_method"]
                line = real(own["sorry_server"], own["sorry_port"], method)
                print "+a " line, how[method], "-w 1"
                if (is_on(own["sorry_server_inhibit"])) print "+a " line, how[method], "-w 0"
            }
        }
        BEGIN {
            option["TCP"] = "-t"
            option["UDP"] = "-u"
            option["SCTP"] = "--sctp-service"
            how["DR"] = "-g"
            how["NAT"] = "-m"
            how["TUN"] = "-i"
        }
        $0 == "{" { depth++ }
        $0 == "}" {
            if (depth > 0) depth--
            if (depth == 0 && inside) tell()
            if (depth == 0) inside = 0
        }
        /^[{}]$/ { next }
        { gsub(/"/, "") }
        depth == 0 { inside = $1 == "virtual_server" && $2 != "group" }
        inside && depth == 0 {
            reals = 0
            split("", own)
            split("", its)
            split("", checks)
            split("", check)
            split("", urls)
            mark = $2 == "fwmark" ? $3 : ""
            address = $2
            port = $3 + 0
        }
        inside && depth == 1 { own[$1] = NF > 1 ? $2 : "on" }
        inside && depth == 1 && $1 == "sorry_server" { own["sorry_port"] = $3 + 0 }
        inside && depth == 1 && $1 == "real_server" {
            reals++
            its[reals, "address"] = $2
            its[reals, "port"] = $3 + 0
        }
        inside && depth == 2 { its[reals, $1] = NF > 1 ? $2 : "on" }
        inside && depth == 2 && NF == 1 && /_(GET|CHECK)$/ {
            check[reals, ++checks[reals], "type"] = $1
            its[reals, "checks"] = its[reals, "checks"] " " $1
        }
        inside && depth == 3 { check[reals, checks[reals], $1] = $2 }
        inside && depth == 3 && $1 == "url" { urls[reals, checks[reals]]++ }
        inside && depth > 2 { its[reals, "checks"] = its[reals, "checks"] " " $0 }
        inside && depth > 1 && ($1 == "FILE_CHECK" || $1 == "misc_dynamic") { its[reals, "dynamic"] = 1 }
    '
}

# wanted_by_drain: real servers that drain.sh keeps clients from; it notes their entries as they were.
wanted_by_drain() {
    [ ! -f /run/lvs-ha-drained ] || sed -n 's/^-a \(.*\) -w [0-9]*.*/+a \1 -w 0/p' /run/lvs-ha-drained
}

# drained_places: the same real servers, as taken_out tells them.
drained_places() {
    [ ! -f /run/lvs-ha-drained ] || sed -n 's/^-a \(.*\) -[gim] -w .*/\1 /p' /run/lvs-ha-drained
}

# live CONF…: what the kernel has of these configs' virtual servers. Others may have services of their own.
# shellcheck disable=SC2154 # $scratch is set by the script that sources this
live() {
    for one in "$@"; do
        [ ! -f "$one" ] || wanted "$one"
    done | sed -n 's/^-A \(.*\) -s .*/\1/p' >"$scratch/ours"
    { ipvsadm -Ln --thresholds && ipvsadm -Sn; } | awk -v ours="$scratch/ours" '
        BEGIN {
            while ((getline line <ours) > 0) is_ours[line]
            option["TCP"] = "-t"
            option["UDP"] = "-u"
            option["SCTP"] = "--sctp-service"
        }
        $1 in option { key = option[$1] " " $2 }
        $1 == "FWM" { key = "-f " $2 ($3 == "IPv6" ? " -6" : "") }
        $1 == "->" && key in is_ours { print "-x " key " -r", $2, $3, $4 }
        $1 == "-A" || $1 == "-a" {
            line = $0
            sub(/^-[Aa] /, "", line)
            sub(/ -[rs] .*/, "", line)
            # A config says nothing of IPIP, which a tunnel is where nothing is said.
            sub(/ --tun-type ipip.*/, "")
            if (line in is_ours) print
        }
    '
}

# taken_out: real servers that keepalived's checks have taken out of IPVS, or to weight 0, by its log since it was started:
# `-t 192.0.2.100:80 -r 192.0.2.21:80 `, and `-f 7 -r 192.0.2.21:` where the log has the check's port, not the service's. And a ?
# when the log doesn't go back to that. Read newest first: a slow journal that is cut off lacks the oldest lines.
taken_out() {
    timeout 10 journalctl -r -b -u keepalived -q --no-pager -o cat | tac | awk '
        function endpoint(text,    address, port) {
            address = text
            sub(/^\[/, "", address)
            sub(/\]:[a-z]+:[0-9]+$/, "", address)
            port = text
            sub(/.*:/, "", port)
            is_ipv6 = address ~ /:/
            return (is_ipv6 ? "[" address "]" : address) ":" (mark == "" ? port " " : "")
        }
        BEGIN {
            option["tcp"] = "-t"
            option["udp"] = "-u"
            option["sctp"] = "--sctp-service"
        }
        /^(Starting Healthcheck(er)? child process|Stopped Keepalived)/ {
            split("", out)
            generation = 0
            is_whole = 1
        }
        /^(Remov|Disabl)ing service [^ ]+ (from|of) VS / { out[$3 " " $6 " " $7] }
        /^(Add|Enabl)ing service [^ ]+ (to|of) VS / { delete out[$3 " " $6 " " $7] }
        # A reload tells of each check that it begins, of no real server that is in. One that a reload has added is in, whatever was
        # said of it when an earlier config had it.
        /^Reinitializing ipvs/ { generation++ }
        /^Activating healthchecker for service / {
            entry = $5 " " $8 " " $9
            if (!(entry in checked) || checked[entry] < generation - 1) delete out[entry]
            checked[entry] = generation
        }
        END {
            for (entry in out) {
                split(entry, words, " ")
                mark = words[2] == "FWM" ? words[3] : ""
                server = endpoint(words[1])
                if (mark == "") {
                    protocol = words[2]
                    sub(/.*\]:/, "", protocol)
                    sub(/:.*/, "", protocol)
                    service = option[protocol] " " endpoint(words[2])
                } else service = "-f " mark (is_ipv6 ? " -6 " : " ")
                print service "-r " server
            }
            if (!is_whole) print "?"
        }
    '
}

# orders: of $scratch/wanted, $scratch/live and $scratch/out (real servers that have a reason to be out), the words for ipvsadm(8)
# that make the kernel's table what the config wants. $scratch/out has a ? where it is not known who is out.
orders() {
    awk '
        function place(line) {
            sub(/^.. /, "", line)
            sub(/ -[gim] -w .*| [0-9]+ [0-9]+$/, " ", line)
            return line
        }
        function service(line) {
            sub(/^-A /, "", line)
            sub(/ -[rs] .*/, "", line)
            return line
        }
        function is_out(at,    one) {
            for (one in out) if (one == "?" || index(at, one) == 1) return 1
            return 0
        }
        function weight_of(line) {
            sub(/.* -w /, "", line)
            return line + 0
        }
        function method_of(line) {
            sub(/ -w .*/, "", line)
            return substr(line, length(line) - 1)
        }
        # `-t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1 -x 100 -y 75`: an edit sets thresholds that it does not name to 0.
        function with_limits(at, words) {
            return at words (limit[at] == "0 -y 0" ? "" : " -x " limit[at])
        }
        FILENAME == ARGV[1] { out[$0]; next }
        FILENAME == ARGV[2] && /^-A/ { services[++services_wanted] = $0 }
        FILENAME == ARGV[2] && /^-a/ {
            at = place($0)
            places[++places_wanted] = at
            method[at] = $(NF - 2)
            weight[at] = $NF
        }
        FILENAME == ARGV[2] && /^[+]a/ { may["-" substr($0, 2)]; may_be[place($0)] }
        FILENAME == ARGV[2] && /^-x/ { limit[place($0)] = $(NF - 1) " -y " $NF }
        FILENAME == ARGV[2] { next }
        /^-A/ { has_service[service($0)] = $0 }
        /^-a/ {
            at = place($0)
            has[at] = $0
            found[++places_found] = at
        }
        /^-x/ { has_limit[place($0)] = $(NF - 1) " -y " $NF }
        END {
            for (i = 1; i <= services_wanted; i++) {
                line = services[i]
                sub(/^-A /, "", line)
                if (!(service(services[i]) in has_service)) print "-A", line
                else if (has_service[service(services[i])] != services[i]) print "-E", line
            }
            for (i = 1; i <= places_found; i++) {
                at = found[i]
                if (at in method) continue
                # A sorry server comes and goes.
                if (at in may_be) {
                    if (weight_of(has[at]) > 0) instead[service("-A " at)]
                } else {
                    line = at
                    sub(/ $/, "", line)
                    print "-d", line
                }
            }
            for (i = 1; i <= places_wanted; i++) {
                at = places[i]
                words = method[at] " -w " weight[at]
                if (!(at in has)) {
                    if (weight[at] != "*" && !(service("-A " at) in instead) && !is_out(at)) print "-a", with_limits(at, words)
                    continue
                }
                if (weight[at] == "*" || (has[at] in may && is_out(at))) words = method[at] " -w " weight_of(has[at])
                if (has[at] != "-a " at words || has_limit[at] != limit[at]) print "-e", with_limits(at, words)
            }
        }
    ' "$scratch/out" "$scratch/wanted" "$scratch/live"
}

# virtual_addresses CONF: keepalived.conf's virtual addresses: ADDRESS INSTANCE. The one that adverts tell of is nobody's.
virtual_addresses() {
    [ -f "$1" ] || return 0
    statements "$1" | awk '
        $1 == "vrrp_instance" { instance = $2 }
        $1 == "{" { next }
        inside && $1 == "}" { inside = 0 }
        inside && !/^(169[.]254[.]255[.]|fe80::5eff:fe00:2)/ { sub(/\/.*/, "", $1); print $1, instance }
        $1 == "virtual_ipaddress" || $1 == "virtual_ipaddress_excluded" { inside = 1 }
    '
}

# wanted_sync_daemon CONF: its connection sync daemon, as the words of `ipvsadm --start-daemon ROLE`; nothing where it has none.
wanted_sync_daemon() {
    [ -f "$1" ] || return 0
    statements "$1" | awk '
        BEGIN {
            n = split("id syncid maxlen sync-maxlen port mcast-port ttl mcast-ttl group mcast-group", words, " ")
            for (i = 1; i < n; i += 2) option[words[i]] = words[i + 1]
        }
        $1 == "lvs_sync_daemon" {
            printf "--mcast-interface %s", $2
            for (i = 3; i < NF; i += 2) printf " --%s %s", option[$i], $(i + 1)
        }
    '
}

# is_wanted_daemon ROLE WORDS: whether `ipvsadm -L --daemon`, on standard input, has the one of this role on the interface and with the id
# of such words.
is_wanted_daemon() {
    awk -v role="$1" -v words="$2" '
        BEGIN {
            n = split(words, word, " ")
            for (i = 1; i < n; i += 2) want[word[i]] = word[i + 1]
        }
        $1 == role && $2 == "sync" {
            gsub(/[(),]/, " ")
            for (i = 4; i <= NF; i++) if (split($i, is, "=") == 2) has[is[1]] = is[2]
            found = has["mcast"] == want["--mcast-interface"] && (!("--syncid" in want) || has["syncid"] == want["--syncid"])
        }
        END { exit !found }
    '
}

# places: of such words, whom they concern: `-t 192.0.2.100:80 -r 192.0.2.21:80`, or `-t 192.0.2.100:80` alone.
places() {
    sed 's/^-[A-Za-z] //; s/ -[gims] .*//'
}

# judged FILE: of the checks among the lines $scratch/changed, those of real servers that FILE, lines of live, has in and $scratch/wanted
# wants in: `24 -t 192.0.2.100:80`, the seconds until they have a verdict, and the virtual server.
judged() {
    awk '
        FILENAME == ARGV[3] && /^=c/ {
            match($0, / -r [^ ]+ /)
            at = substr($0, 4, RSTART + RLENGTH - 4)
            if (was[at] > 0 && wants[at] != 0) print $(split(at, words, " ") + 2), substr($0, 4, RSTART - 4)
        }
        !/^-a/ { next }
        {
            at = $0
            sub(/^-a /, "", at)
            sub(/ -[gim] -w .*/, " ", at)
            weight = $0
            sub(/.* -w /, "", weight)
        }
        FILENAME == ARGV[1] { was[at] = weight + 0 }
        FILENAME == ARGV[2] { wants[at] = weight "" }
    ' "$1" "$scratch/wanted" "$scratch/changed" | sort -u
}

# without_servers: of the virtual servers in $scratch/judged, those of which $scratch/live has no real server that $scratch/wanted wants.
# A sorry server is none.
without_servers() {
    awk '
        !/^-a/ && FILENAME != ARGV[3] { next }
        FILENAME != ARGV[3] {
            at = $0
            sub(/^-a /, "", at)
            sub(/ -[gim] -w .*/, "", at)
        }
        FILENAME == ARGV[1] { wants[at] }
        FILENAME == ARGV[2] && at in wants && !/ -w 0( |$)/ {
            sub(/ -r .*/, "", at)
            serves[at]
        }
        FILENAME == ARGV[3] {
            sub(/^[0-9]+ /, "")
            if (!($0 in serves) && !told[$0]++) print
        }
    ' "$scratch/wanted" "$scratch/live" "$scratch/judged"
}

# compare: of $scratch/wanted and $scratch/live, sets $lacks (virtual servers that are not there), $strange (what nobody asked for),
# $out (real servers that are not there at their weight) and $limits (real servers with other thresholds, as ipvsadm -e takes them).
# shellcheck disable=SC2034 # read by the script that sources this
compare() {
    lacks=$(grep '^-A' "$scratch/wanted" | without "$scratch/live")
    strange=$(grep '^-[Aa]' "$scratch/live" | without "$scratch/wanted")
    out=$(grep '^-a' "$scratch/wanted" | without "$scratch/live")
    limits=$(awk '
        { entry = $0; sub(/^-. /, "", entry); sub(/ -[gim] -w .*| [0-9]+ [0-9]+$/, "", entry) }
        /^-x/ { limit = "-x " $(NF - 1) " -y " $NF }
        FILENAME == ARGV[1] && /^-a/ { how[entry] = $(NF - 2) " -w " $NF }
        FILENAME == ARGV[1] && /^-x/ { has[entry] = limit }
        FILENAME == ARGV[2] && /^-x/ && entry in how && entry in has && has[entry] != limit { print entry, how[entry], limit }
    ' "$scratch/live" "$scratch/wanted")
}

# without FILE: the lines of standard input that FILE doesn't have; * stands for any number at a line's end.
without() {
    awk '
        function any(line) {
            sub(/[0-9]+$/, "*", line)
            return line
        }
        FILENAME == ARGV[1] { sub(/^\+/, "-"); has[$0]; some[any($0)]; next }
        !($0 in has) && !(any($0) in has) && !($0 in some)
    ' "$1" -
}
