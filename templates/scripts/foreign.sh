# shellcheck shell=sh
# Reads a keepalived.conf that came without data: one from before the stack, one of an earlier
# version, or one edited by hand since. No other code reads such a text. Sourced before ipvs.sh,
# which explains the lines.

# foreign CONF: all that the config says. Such a config has no names of real servers.
foreign() {
    read_ipvs "$1"
    read_sync_daemon "$1" | sed 's/^/=d /'
    # With `alpha`, a real server starts out of the pool.
    statements "$1" | sed -n 's/^alpha$/=o ?/p; s/^alpha on$/=o ?/p; s/^vrrp_instance /=i /p' | sort -u
    read_vmacs "$1" | sed 's/^/=m /'
    read_addresses "$1" | sed 's/^/=v /'
    read_groups "$1"
    read_tracked "$1" | sed 's/^/=t /'
    read_requirements "$1" | sed 's/^/=r /'
}

# statements CONF: keepalived.conf(5) as its parser reads it: without comments, and with each brace
# on its own line. Quotes keep their text whole.
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

# read_ipvs CONF: the IPVS entries that it wants. A virtual server group is left out.
read_ipvs() {
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

# read_vmacs CONF: prints INSTANCE, and the name of its VMAC if it has one.
read_vmacs() {
    statements "$1" | awk '
        $1 == "vrrp_instance" { instance = $2 }
        $1 == "use_vmac" { print instance ($2 == "" ? "" : " " $2) }
    '
}

# read_addresses CONF: prints ADDRESS INSTANCE.
read_addresses() {
    statements "$1" | awk '
        $1 == "vrrp_instance" { instance = $2 }
        $1 == "{" { next }
        inside && $1 == "}" { inside = 0 }
        inside && !/^(169[.]254[.]255[.]|fe80::5eff:fe00:2)/ { sub(/\/.*/, "", $1); print $1, instance }
        $1 == "virtual_ipaddress" || $1 == "virtual_ipaddress_excluded" { inside = 1 }
    '
}

# read_sync_daemon CONF
read_sync_daemon() {
    statements "$1" | awk '
        BEGIN {
            n = split("id syncid maxlen sync-maxlen port mcast-port ttl mcast-ttl group mcast-group", words, " ")
            for (i = 1; i < n; i += 2) option[words[i]] = words[i + 1]
        }
        $1 == "lvs_sync_daemon" {
            printf "--mcast-interface %s", $2
            for (i = 3; i < NF; i += 2) printf " --%s %s", option[$i], $(i + 1)
            print ""
        }
    '
}

# read_groups CONF: prints each instance of each sync group.
read_groups() {
    statements "$1" | awk '
        inside && $1 == "}" { inside = 0; group = "" }
        inside && $1 != "{" { print "=g", group, $1 }
        $1 == "vrrp_sync_group" { group = $2 }
        $1 == "group" && group != "" { inside = 1 }
    '
}

# read_tracked CONF: prints SECONDS TEXT for each script, process, file and BFD session, and for
# each place that tracks one of these or an interface. SECONDS is the longest time from a reload
# until a failure shows.
read_tracked() {
    statements "$1" | awk '
        function own(key, otherwise) {
            return key in said ? said[key] : otherwise
        }
        function larger(one, other) {
            return one + 0 > other + 0 ? one + 0 : other + 0
        }
        # A script runs at once, and what it says counts after so many runs that may each be cut off by its timeout. One that is taken for
        # failed at first must succeed as often before it is not.
        function takes(    interval, timeout, runs) {
            if (kind == "vrrp_script") {
                interval = own("interval", 1)
                timeout = own("timeout", interval)
                runs = "init_fail" in said ? larger(own("fall", 1), own("rise", 1)) : own("fall", 1)
                return larger(interval, timeout) * runs + timeout
            }
            if (kind == "vrrp_track_process") return larger(own("fork_delay", 0), own("terminate_delay", 0))
            # Milliseconds; a session that is not up yet goes by idle_tx.
            if (kind == "bfd_instance") {
                return own("multiplier", 5) * larger(own("idle_tx", 1000), larger(own("min_rx", 10), own("min_tx", 10))) / 1000
            }
            return 0
        }
        function whole(seconds) {
            return int(seconds) + (seconds > int(seconds))
        }
        BEGIN {
            block["vrrp_script"] = "track_script"
            block["vrrp_track_process"] = "track_process"
            block["track_file"] = "track_file"
            block["bfd_instance"] = "track_bfd"
        }
        $1 == "{" {
            depth++
            next
        }
        $1 == "}" {
            if (--depth == 0 && kind != "") {
                seconds[block[kind], name] = whole(takes())
                print seconds[block[kind], name], kind, name text
            }
            next
        }
        depth == 0 {
            kind = $1 in block ? $1 : ""
            place = $1 ~ /^vrrp_(instance|sync_group)$/ ? $0 : ""
            name = $2
            text = ""
            split("", said)
        }
        depth == 1 && kind != "" {
            said[$1] = $2
            text = text "; " $0
        }
        depth == 1 { list = $1 }
        depth == 2 && place != "" && list ~ /^track_(script|process|file|bfd|interface)$/ {
            print seconds[list, $1] + 0, place, list, $0
        }
    '
}

# read_requirements CONF: prints the needs in the form that network.sh reads.
read_requirements() {
    statements "$1" | awk '
        # A VMAC: keepalived makes its interface. Without a name, it is vrrp.ID, or vrrp4.ID where another has that.
        function is_made(name,    number) {
            if (name in made) return 1
            number = name
            return sub(/^vrrp[0-9]*[.]/, "", number) && number in numbered
        }
        depth == 0 && $1 !~ /^[{}]$/ { top = $1 }
        $1 == "lvs_sync_daemon" {
            family = "inet"
            used[$2]
            for (i = 3; i < NF; i++) if ($i ~ /^(group|mcast_group)$/ && $(i + 1) ~ /:/) family = "inet6"
            print "on", $2, family
        }
        $1 == "real_server" || $1 == "sorry_server" { print "server", $2 }
        $1 == "vrrp_instance" {
            inside = 1
            interface = source = peers = id = ""
            vmac = 0
            family = "inet"
        }
        $1 == "{" { depth++ }
        depth == 1 && inside && $1 == "interface" { interface = $2; used[$2] }
        depth == 1 && inside && $1 == "virtual_router_id" { id = $2 }
        depth == 1 && inside && $1 == "use_vmac" { if ($2 == "") vmac = 1; else made[$2] }
        depth == 2 && top ~ /^vrrp_(instance|sync_group)$/ && block == "track_interface" && $1 !~ /^[{}]$/ { link[$1] }
        (depth == 2 && block ~ /^virtual_(ipaddress|ipaddress_excluded|routes)$/) || (depth == 1 && top ~ /^static_(ipaddress|routes)$/) {
            for (i = 2; i < NF; i++) if ($i == "dev") link[$(i + 1)]
        }
        depth == 1 && inside && $1 ~ /^(unicast|mcast)_src_ip$/ { source = $2 }
        depth == 2 && inside && block == "unicast_peer" && $1 != "{" && $1 != "}" { peers = peers " " $1 }
        depth == 2 && inside && block == "virtual_ipaddress" && $1 ~ /:/ { family = "inet6" }
        depth == 1 { block = $1 }
        $1 == "}" { depth-- }
        $1 == "}" && depth == 0 && inside {
            inside = 0
            if (vmac) numbered[id]
            print "on", interface, source == "" ? family : source
            n = split(peers, peer, " ")
            for (i = 1; i <= n; i++) print "peer", interface, peer[i]
        }
        END { for (name in link) if (!(name in used) && !is_made(name)) print "link", name }
    ' | sort -u
}
