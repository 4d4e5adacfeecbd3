# shellcheck shell=sh
# Sourced by a director's scripts after foreign.sh. Tells what the config says, from the data that
# came with it, and what IPVS has, in lines of the same form, in ipvsadm(8)'s own words:
#   -A -t 192.0.2.100:80 -s sh -p 300 -b sh-port      a virtual server
#   -a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1     a real server; * for a weight that a check
#   sets
#   +a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1     an entry that may be there: a sorry server, or
#   a real server kept in with weight 0
#   -x -t 192.0.2.100:80 -r 192.0.2.21:80 100 75      a real server's thresholds, upper and lower
#   =c -t 192.0.2.100:80 -r 192.0.2.21:80 24 …        a real server's checks: the seconds until they
#   have a verdict, what distinguishes them from other checks, and the scripts that they run
# and, in the data only, in any order:
# \  =n -t 192.0.2.100:80 -r 192.0.2.21:80 web1        a real server's name in the stack; without
# -r, a virtual server's
#   =o ?                                              some real server starts out of the pool, which
#   keepalived's log doesn't mention
#   =d --mcast-interface eth0 --syncid 51             the connection sync daemons, as
#   `ipvsadm --start-daemon ROLE` takes them
#   =i VI_1   =v 192.0.2.100 VI_1   =g VG_1 VI_1      a VRRP instance; an address that moves with
#   it; a sync group that it is in
#   =m VI_1 vrrp7                                     the VMAC that carries an instance's addresses,
#   and its name if the config gives one
#   =p 192.0.2.13                                     a unicast peer in maintenance
#   =t 4 vrrp_script …                                something that VRRP tracks: the longest time
#   in seconds until a failure shows, and its text
#   =r on eth1 192.0.2.11                             what keepalived needs from the network: see
#   network.sh
# The script sets $scratch, a folder of its own, before.

# Written with each config of the stack. While a change is not proven yet, the file of the config
# before it is kept, too. The first line names the config that the data belong to: `=conf` and its
# SHA-256.
director_data=/etc/lvs-ha/director

# told CONF: all that a config says. Data belong to one text: a config without data, or one edited
# since, is parsed instead.
told() (
    sum=$(sha256sum <"$1")
    for data in $director_data ${director_data%/*}/.${director_data##*/}.lvs-ha-before; do
        [ -f "$data" ] || continue
        read -r line <"$data" || :
        [ "$line" = "=conf ${sum%% *}" ] || continue
        cat "$data"
        return
    done
    foreign "$1"
)

# told_of KIND CONF: the lines of one kind without their first word; nothing if there is no config.
told_of() {
    [ ! -f "$2" ] || told "$2" | sed -n "s/^=$1 //p"
}

# wanted CONF: the IPVS entries that the config wants.
wanted() {
    told "$1" | sed -n '/^[-+=][Aacx] /p'
}

# virtual_addresses CONF: prints ADDRESS INSTANCE. The address that only adverts carry is left out.
virtual_addresses() {
    told_of v "$1"
}

# carry CONF: makes the config's virtual addresses the ones that `held` looks for.
# shellcheck disable=SC2154 # $scratch is set by the script that sources this
carry() {
    virtual_addresses "$1" | sed 's/ .*//' | sort -u >"$scratch/carried"
}

# held: prints the addresses in $scratch/carried that this director has.
# shellcheck disable=SC2154 # $scratch is set by the script that sources this
held() {
    ip -o addr show >"$scratch/addresses"
    awk 'FILENAME == ARGV[1] { sub(/\/.*/, "", $4); has[$4] = 1; next } $1 in has' "$scratch/addresses" "$scratch/carried"
}

# wanted_sync_daemon CONF: the config's connection sync daemon, as arguments of
# `ipvsadm --start-daemon ROLE`; nothing without one.
wanted_sync_daemon() {
    told_of d "$1"
}

# wanted_by_drain: the real servers that drain.sh has drained, at weight 0. drain.sh notes their
# earlier entries.
wanted_by_drain() {
    [ ! -f /run/lvs-ha-drained ] || sed -n 's/^-a \(.*\) -w [0-9]*.*/+a \1 -w 0/p' /run/lvs-ha-drained
}

# drained_places: the same real servers, in the form that taken_out prints.
drained_places() {
    [ ! -f /run/lvs-ha-drained ] || sed -n 's/^-a \(.*\) -[gim] -w .*/\1 /p' /run/lvs-ha-drained
}

# find_table OPTION CONF…: writes the kernel's table (`ipvsadm -Ln OPTION`) to $scratch/table, and
# the virtual servers of these configs to $scratch/ours.
# shellcheck disable=SC2154 # $scratch is set by the script that sources this
find_table() {
    # shellcheck disable=SC2086 # none is no word
    ipvsadm -Ln $1 >"$scratch/table" || fail "ipvsadm does not tell what IPVS has"
    shift
    for one; do
        [ ! -f "$one" ] || wanted "$one"
    done | sed -n 's/^-A \(.*\) -s .*/\1/p' >"$scratch/ours"
}

# awk(1) rules for that table: `key` is the virtual server as `ipvsadm -Sn` names it; is_ours holds
# those of $scratch/ours.
# shellcheck disable=SC2016 # awk's own
table_words='
    FILENAME == ARGV[1] { is_ours[$0]; next }
    $1 ~ /^(TCP|UDP|SCTP)$/ { key = ($1 == "TCP" ? "-t" : $1 == "UDP" ? "-u" : "--sctp-service") " " $2 }
    $1 == "FWM" { key = "-f " $2 ($3 == "IPv6" ? " -6" : "") }
'

# live CONF…: the kernel's entries for these configs' virtual servers. Other owners may have
# services of their own.
# shellcheck disable=SC2154 # $scratch is set by the script that sources this
live() {
    find_table --thresholds "$@"
    ipvsadm -Sn >"$scratch/saved" || fail "ipvsadm does not tell what IPVS has"
    awk "$table_words"'
        $1 == "->" && key in is_ours { print "-x " key " -r", $2, $3, $4 }
        $1 == "-A" || $1 == "-a" {
            line = $0
            sub(/^-[Aa] /, "", line)
            sub(/ -[rs] .*/, "", line)
            # A config says nothing of IPIP, which a tunnel is where nothing is said.
            sub(/ --tun-type ipip.*/, "")
            if (line in is_ours) print
        }
    ' "$scratch/ours" "$scratch/table" "$scratch/saved"
}

# connections CONF: prints a line for each real server in this config's virtual servers.
# `37 1 -t 192.0.2.100:80 -r 192.0.2.21:80` has the open connections (ActiveConn; on a standby,
# those that connection sync has reported) and the weight.
# shellcheck disable=SC2154 # $scratch is set by the script that sources this
connections() {
    find_table "" "$1"
    awk "$table_words"'
        # Above 65535, it is how a check reaches a real server, and no service.
        $1 == "FWM" && $2 > 65535 { key = "" }
        $1 == "->" && key in is_ours { print $5, $4, key " -r " $2 }
    ' "$scratch/ours" "$scratch/table"
}

# taken_out: prints the real servers that keepalived's checks have removed from IPVS or set to
# weight 0 since it was started, by its log: `-t 192.0.2.100:80 -r 192.0.2.21:80 `, or
# `-f 7 -r 192.0.2.21:` where the log has the check's port instead of the service's. Prints a ? if
# the log doesn't reach back to the start. The journal is read newest first, so a slow one that is
# cut off lacks its oldest lines.
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
        # Before 2.2.3 it was "to", whatever was done (108e26b6).
        /^(Remov|Disabl)ing service [^ ]+ (from|of|to) VS / { out[$3 " " $6 " " $7] }
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

# orders: compares $scratch/wanted with $scratch/live and prints the arguments for ipvsadm(8) that
# make the kernel's table match the config. $scratch/out has the real servers with a reason to be
# out, and a ? if that is not known for all.
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

# is_wanted_daemon ROLE WORDS: whether `ipvsadm -L --daemon`, on standard input, lists a daemon of
# this role that WORDS would start. Compares only what both ends must have alike. What WORDS leave
# out has the kernel's default; what the kernel doesn't list counts as right.
is_wanted_daemon() {
    awk -v role="$1" -v words="$2" '
        function is_as(name, option, otherwise) {
            return !(name in has) || has[name] == (option in want ? want[option] : otherwise)
        }
        BEGIN {
            n = split(words, word, " ")
            for (i = 1; i < n; i += 2) want[word[i]] = word[i + 1]
        }
        $1 == role && $2 == "sync" {
            gsub(/[(),]/, " ")
            for (i = 4; i <= NF; i++) if (split($i, is, "=") == 2) has[is[1]] = is[2]
            found = has["mcast"] == want["--mcast-interface"] && (!("--syncid" in want) || has["syncid"] == want["--syncid"])
            found = found && is_as("group", "--mcast-group", "224.0.0.81") && is_as("port", "--mcast-port", 8848) && is_as("ttl", "--mcast-ttl", 1)
        }
        END { exit !found }
    '
}

# places: the service and real server of such arguments: `-t 192.0.2.100:80 -r 192.0.2.21:80`, or
# `-t 192.0.2.100:80` alone.
places() {
    sed 's/^-[A-Za-z] //; s/ -[gims] .*//'
}

# judged FILE: for the checks in $scratch/changed, prints `24 -t 192.0.2.100:80`: the seconds until
# they have a verdict, and the virtual server. Includes only real servers that are in according to
# FILE (lines of live) and wanted in by $scratch/wanted.
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

# without_servers: prints the virtual servers in $scratch/judged for which $scratch/live has none of
# the real servers in $scratch/wanted. A sorry server doesn't count.
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

# compare: compares $scratch/wanted with $scratch/live. Sets $lacks (missing virtual servers),
# $strange (entries that the config doesn't want), $out (real servers missing or at another weight)
# and $limits (real servers with other thresholds, as ipvsadm -e takes them).
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

# without FILE: the lines of standard input that FILE lacks. A * at a line's end matches any number.
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
