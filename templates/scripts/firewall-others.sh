# shellcheck shell=sh
# Sourced by firewall.sh: packet filters on the host that are neither the stack's nor its back end's. An accept in one table is not final:
# another table's chain may still drop the packet.
# shellcheck disable=SC2154 # firewall.sh and files.sh set these

# others_check: what $scratch/files/needed says must come in. A chain that drops it for certain is an error; where that can't be told from
# its rules, or it is only about what is forwarded, it is a warning. Lines of needed are pairs of words:
#   STATE PROTOCOL [in DEVICE] [from ADDRESS] [to ADDRESS] [sport PORTS] [dport PORTS]   comes in; conntrack has it as new or untracked
#   forwarded …                                                                          goes past
others_check() {
    [ -f "$scratch/files/needed" ] && command -v nft >/dev/null || return 0
    ignored=
    # Rules of ufw's, where that is the back end, or goes with the stack's.
    if [ "$backend" = ufw ] || { [ -e "$ufw_was" ] && [ "$(cat "$ufw_was")" = inactive ]; }; then
        # Those of IPv6 are ufw6-before-input and so on.
        ignored='ufw6?-'
    fi
    # Protocols by number, whatever /etc/protocols has.
    nft -s -p list ruleset >"$scratch/ruleset" 2>"$scratch/nft" || {
        say "whether another packet filter drops what the stack needs can't be told: nft says: $(tail -n 1 "$scratch/nft")"
        return 0
    }
    verdicts "$ignored" <"$scratch/ruleset" >"$scratch/others" || fail "the host's packet filters can't be read; nothing was changed"
    while IFS='|' read -r verdict chain need more; do
        case $verdict in
        drops) fail "$chain of your own drops what the stack needs, whatever the stack's own table lets in: $need$more. Let it in there, too, or take that chain away; nothing was changed" ;;
        may-drop) say "$chain of your own drops what its rules don't let in; whether they let in $need$more can't be told: please look" ;;
        esac
    done <"$scratch/others"
}

# verdicts IGNORED: a line "drops|may-drop|CHAIN|NEED|MORE" for each chain of the ruleset on standard input, but for those that jump to
# chains whose names begin with IGNORED.
verdicts() {
    awk -v ignored="$1" '
        BEGIN { number["tcp"] = 6; number["udp"] = 17; number["sctp"] = 132; number["vrrp"] = 112 }
        FILENAME == ARGV[1] { need_of[++needs] = $0; next }
        /^table / { table = $2 " " $3; family = $2; next }
        table == "inet lvs_ha" || family !~ /^(ip|ip6|inet)$/ { next }
        /^\tchain / { chain = table " " $2; next }
        /^\t}/ { chain = ""; next }
        chain == "" || /^\t*#/ { next }
        /^\t\ttype .* hook / {
            if (/type filter hook (input|forward) /) {
                hook[chain] = /hook input/ ? "input" : "forward"
                bases[++base_count] = chain
            }
            policy[chain] = /policy drop/ ? "drop" : "accept"
            next
        }
        {
            sub(/^\t+/, "")
            rule[chain, ++rules[chain]] = $0
            if (ignored != "" && $0 ~ "(^| )(jump|goto) " ignored) skip[chain] = 1
        }
        END {
            for (b = 1; b <= base_count; b++) {
                if (skip[bases[b]]) continue
                worst = first = ""
                count = 0
                for (n = 1; n <= needs; n++) {
                    read_need(need_of[n])
                    if ((need["state"] == "forwarded") != (hook[bases[b]] == "forward")) continue
                    split(bases[b], name, " ")
                    if (name[1] == "ip" && need["family"] == 6 || name[1] == "ip6" && need["family"] == 4) continue
                    verdict = judged(bases[b])
                    if (verdict == "in") continue
                    if (verdict == "drops" && hook[bases[b]] == "forward") verdict = "may-drop"
                    if (worst != "drops" && verdict == "drops") first = ""
                    if (first == "") first = need_of[n]
                    if (worst != "drops") worst = verdict
                    count++
                }
                if (worst == "") continue
                split(bases[b], name, " ")
                print worst "|table " name[1] " " name[2] ", chain " name[3] "|" first "|" (count > 1 ? " and " count - 1 " more" : "")
            }
        }

        function read_need(line,    word, i, count) {
            split("", need)
            count = split(line, word, " ")
            need["state"] = word[1]
            need["protocol"] = word[2]
            for (i = 3; i < count; i += 2) need[word[i]] = word[i + 1]
            need["family"] = (need["from"] need["to"]) ~ /:/ ? 6 : (need["from"] need["to"]) ~ /[.]/ ? 4 : 0
        }

        # The worst that a base chain does with any port of the need: in, may-drop, drops.
        function judged(base,    key, list, count, i, verdict, worst) {
            key = need["dport"] != "" ? "dport" : "sport"
            count = split(need[key] == "" ? "any" : need[key], list, ",")
            worst = "in"
            for (i = 1; i <= count; i++) {
                need["port"] = list[i] == "any" ? "" : list[i]
                need["side"] = key
                unsure = 0
                verdict = walked(base, 0)
                if (verdict == "") verdict = policy[base] == "drop" ? "out" : "in"
                verdict = verdict == "in" ? "in" : unsure || verdict == "unsure" ? "may-drop" : "drops"
                if (verdict == "drops" || worst == "in") worst = verdict
            }
            return worst
        }

        # What a chain does with it: in, out, unsure, or nothing. unsure gets 1 where a rule may have let it in.
        function walked(at, depth,    i, text, does, fits, verdict) {
            if (depth > 20) return "unsure"
            for (i = 1; i <= rules[at]; i++) {
                text = rule[at, i]
                sub(/ comment ".*"$/, "", text)
                does = verdict_of(text)
                if (does == "") continue
                fits = matched(text)
                if (fits == "no") continue
                if (does ~ /^(jump|goto) /) {
                    verdict = walked(at_chain(at, substr(does, 6)), depth + 1)
                    if (verdict == "" && does ~ /^goto/ && fits == "yes") return ""
                } else {
                    verdict = does
                }
                if (verdict == "return") {
                    if (fits == "yes") return ""
                } else if (verdict == "unsure" || (verdict == "in" && fits == "maybe")) {
                    unsure = 1
                } else if (verdict != "" && fits == "yes") {
                    return verdict
                }
            }
            return ""
        }

        function at_chain(at, name,    part) {
            split(at, part, " ")
            return part[1] " " part[2] " " name
        }

        function verdict_of(text) {
            if (text ~ / vmap | map |queue|tproxy|dup |fwd /) {
                if (text !~ /^ct state vmap /) return "unsure"
                if (!match(text, "(^|[ {,])" need["state"] " : [a-z]+( [^ ,}]+)?")) return ""
                text = substr(text, RSTART, RLENGTH)
            }
            if (text ~ /(^| )accept$/) return "in"
            if (text ~ /(^| )drop$/ || text ~ /(^| )reject( with .*)?$/) return "out"
            if (text ~ /(^| )return$/) return "return"
            if (match(text, /(jump|goto) [^ ]+$/)) return substr(text, RSTART, RLENGTH)
            return ""
        }

        # Whether a rule is about it: yes, no, maybe. Each condition is taken off the text; what is left then is none that is known here.
        function matched(text,    sure, answer, condition) {
            if (text ~ /^ct state vmap /) return "yes"
            sub(/(^| )(accept|drop|return|reject( with .*)?|(jump|goto) [^ ]+)$/, "", text)
            gsub(/(^| )counter( packets [0-9]+ bytes [0-9]+)?/, "", text)
            sub(/(^| )log( (prefix "[^"]*"|level [a-z]+|flags [a-z ,]+|group [0-9]+))*/, "", text)
            sure = "yes"
            while (match(text, /(ct state|ct status|iifname|iif|meta l4proto|ip protocol|ip6 nexthdr|meta nfproto|(tcp|udp|sctp|th) [ds]port|ip6? [ds]addr|fib daddr type) (!= )?([{][^}]*[}]|"[^"]*"|[^ ]+)/)) {
                condition = substr(text, RSTART, RLENGTH)
                text = substr(text, 1, RSTART - 1) substr(text, RSTART + RLENGTH)
                answer = answered(condition)
                if (answer == "no") return "no"
                if (answer == "maybe") sure = "maybe"
            }
            if (text ~ /(^| )(icmp|icmpv6|igmp|esp|ah|dccp) /) return "no"
            return text ~ /[^ ]/ ? "maybe" : sure
        }

        function answered(condition,    isnt, answer, list, count, i, one) {
            isnt = condition ~ / != /
            sub(/ != /, " ", condition)
            match(condition, /([{][^}]*[}]|"[^"]*"|[^ ]+)$/)
            list = substr(condition, RSTART)
            condition = substr(condition, 1, RSTART - 2)
            gsub(/[{}" ]/, "", list)
            if (list ~ /@/) return "maybe"
            count = split(list, one, ",")
            answer = "no"
            for (i = 1; i <= count && answer != "yes"; i++) {
                one[0] = fits(condition, one[i])
                if (one[0] != "no") answer = one[0]
            }
            if (!isnt || answer == "maybe") return answer
            # A packet of another protocol or family has no such field at all.
            if (condition ~ /^(tcp|udp|sctp) / && substr(condition, 1, index(condition, " ") - 1) != need["protocol"]) return "no"
            if (condition ~ /^ip /  && need["family"] == 6 || condition ~ /^ip6 / && need["family"] == 4) return "no"
            return answer == "yes" ? "no" : "yes"
        }

        # Whether the field that a condition names is that value.
        function fits(condition, value,    word) {
            split(condition, word, " ")
            if (condition == "ct state") return value == (need["state"] == "forwarded" ? "invalid" : need["state"]) ? "yes" : "no"
            # One that conntrack leaves alone has none.
            if (condition == "ct status") return need["state"] == "untracked" ? "no" : "maybe"
            if (condition ~ /^iif/) {
                if (value == "lo") return "no"
                if (value ~ /[*]$/ || need["in"] == "") return "maybe"
                return value == need["in"] ? "yes" : "no"
            }
            if (condition ~ /^(meta l4proto|ip protocol|ip6 nexthdr)$/) {
                if (word[1] == "ip" && need["family"] == 6 || word[1] == "ip6" && need["family"] == 4) return "no"
                return value == number[need["protocol"]] || value == need["protocol"] ? "yes" : "no"
            }
            if (condition == "meta nfproto") return need["family"] == 0 ? "maybe" : value == "ipv" need["family"] ? "yes" : "no"
            if (condition == "fib daddr type") return value == "local" ? "yes" : value ~ /^(broadcast|anycast)$/ ? "no" : "maybe"
            if (word[2] ~ /port$/) {
                if (word[1] != "th" && word[1] != need["protocol"] || need["protocol"] == "vrrp") return "no"
                return need["side"] != word[2] || need["port"] == "" ? "maybe" : ports(value)
            }
            word[3] = need[word[2] == "saddr" ? "from" : "to"]
            if (need["family"] != 0 && need["family"] != (word[1] == "ip" ? 4 : 6)) return "no"
            if (word[3] == "" || value ~ /-/) return "maybe"
            if (value == word[3]) return "yes"
            if (value !~ /\// && word[3] !~ /\//) return "no"
            return value ~ /[.]/ && word[3] !~ /\// ? within(word[3], value) : "maybe"
        }

        # Whether the ports needed are all, none or some of those.
        function ports(value,    theirs, ours) {
            if (split(value, theirs, "-") < 2) theirs[2] = theirs[1]
            if (split(need["port"], ours, "-") < 2) ours[2] = ours[1]
            if (theirs[1] + 0 <= ours[1] + 0 && ours[2] + 0 <= theirs[2] + 0) return "yes"
            return theirs[1] + 0 > ours[2] + 0 || theirs[2] + 0 < ours[1] + 0 ? "no" : "maybe"
        }

        function within(address, net,    part, size) {
            split(net, part, "/")
            size = 2 ^ (32 - part[2])
            return int(value_of(address) / size) == int(value_of(part[1]) / size) ? "yes" : "no"
        }

        function value_of(address,    byte) {
            split(address, byte, ".")
            return ((byte[1] * 256 + byte[2]) * 256 + byte[3]) * 256 + byte[4]
        }
    ' "$scratch/files/needed" -
}
