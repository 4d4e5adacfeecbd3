# shellcheck shell=sh
# Sourced by firewall.sh, which says what a back end's script has: ufw, whose rules carry a comment where they are the stack's.
# $client and $ssh_port are who must not be locked out, and $server the address that it came to.
# shellcheck disable=SC2154 # firewall.sh and files.sh set these

ufw_was=/var/lib/lvs-ha/ufw-was
# Kernel values that switching ufw on changed: lines "KEY OLD", of one value each.
ufw_sysctls=/var/lib/lvs-ha/ufw-sysctls
files="$files $ufw_was $ufw_sysctls"

# Before the first change: its state, its rules, and what the kernel has where it would set something else.
ufw_found() {
    [ "$backend" = ufw ] || { [ -e $ufw_was ] && is_installed; } || return 0
    ufw_read
    was=inactive
    ! ufw_is_active || was=active
    printf '%s\n' "$was" "$rules" | remember ufw
    sysctls_of_ufw | while read -r key value; do
        now=$(sysctl -n "$key" 2>/dev/null) || continue
        [ "$now" = "$value" ] || printf '%s %s\n' "$key" "$now"
    done >"$scratch/ufw-found"
    remember ufw-sysctls <"$scratch/ufw-found"
}

ufw_apply() {
    [ -e $ufw_was ] || sed q "$journal/ufw" | record $ufw_was
    [ -z "$admit" ] || ufw_add "$admit" "lvs-ha operator"
    ufw_rules lvs-ha >"$scratch/added"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/added" || ufw_add "$rule" lvs-ha
    done <"$scratch/files/ufw"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/files/ufw" || ufw_delete "$rule" lvs-ha
    done <"$scratch/added"
    [ -z "$client" ] || lets_client_in "" || fail "ufw would not let $client in on port $ssh_port, where this change comes from: a rule before ours denies it; see: ufw show added"
    if ! ufw_is_active; then
        [ -e $ufw_sysctls ] || record $ufw_sysctls <"$journal/ufw-sysctls"
        ufw --force enable >"$scratch/ufw" 2>&1 || fail "ufw enable: $(cat "$scratch/ufw")"
        say "ufw enabled"
    fi
    { ufw_rules lvs-ha && cat "$scratch/theirs"; } >"$scratch/added"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/added" || fail "ufw took the rule '$rule' but doesn't show it: $(cat "$scratch/added")"
    done <"$scratch/files/ufw"
    say "ufw is active with $(wc -l <"$scratch/files/ufw") rules of the stack"
}

# Of the wanted rules, $scratch/theirs gets those that ufw has without our mark: they are the operator's, and stay so. ufw would put our
# mark on such a rule, and our undo would take it away. It would make `allow` of a `deny` or `limit`, too: that is an error.
ufw_check() {
    ! lacks=$(grep -m 1 '^[a-z]* sctp ' "$scratch/files/needed" 2>/dev/null) ||
        fail "ufw is on here, and has no word for what the stack needs: $lacks. Let firewall.backend be nftables, or switch ufw off; nothing was changed"
    admit=
    [ -z "$client" ] || admit="allow from $client to any port $ssh_port proto tcp"
    printf '%s\n' "$admit" | cat - "$scratch/files/ufw" | sed '/^$/d' >"$scratch/wanted"
    ufw_read
    printf '%s\n' "$rules" | awk -v admit="$admit" '
        function about(rule) {
            sub(/ log(-all)? /, " ", rule)
            action = rule
            sub(/^route /, "", action)
            sub(/ .*/, "", action)
            sub(/(allow|deny|reject|limit) /, "", rule)
            return rule
        }
        # What a rule is about but for its ports, which are in ports_of afterwards.
        function place(rule) {
            ports_of = match(rule, / port [^ ]*/) ? substr(rule, RSTART + 6, RLENGTH - 6) : ""
            sub(/ port [^ ]*/, " port", rule)
            return rule
        }
        # 80,8000:8099: whether two lists have a port in common.
        function meet(a, b,    left, right, n, m, i, j, x, y) {
            n = split(a, left, ",")
            m = split(b, right, ",")
            for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) {
                if (split(left[i], x, ":") < 2) x[2] = x[1]
                if (split(right[j], y, ":") < 2) y[2] = y[1]
                if (x[1] + 0 <= y[2] + 0 && y[1] + 0 <= x[2] + 0) return 1
            }
            return 0
        }
        FILENAME == ARGV[1] {
            wanted[about($0)] = $0
            where = place(about($0))
            places[where] = places[where] $0 "\n"
            next
        }
        !/^ufw / || / comment .lvs-ha( operator)?.$/ { next }
        {
            sub(/^ufw /, "")
            sub(/ comment .*/, "")
            key = about($0)
            if (key in wanted) {
                # It lets the client in, all the same.
                mild = action == "limit" && wanted[key] == admit
                print (action == "allow" || mild ? "same" : "opposite") "|" wanted[key] "|" $0
                next
            }
            if (action == "allow") next
            where = place(key)
            theirs = ports_of
            n = split(places[where], ours, "\n")
            for (i = 1; i < n; i++) {
                place(ours[i])
                # As above.
                if (meet(ports_of, theirs) && !(action == "limit" && ours[i] == admit)) print "opposite|" ours[i] "|" $0
            }
        }
    ' "$scratch/wanted" - >"$scratch/shown"
    while IFS='|' read -r kind rule theirs; do
        [ "$kind" = same ] || fail "the stack needs '$rule' in ufw, which has '$theirs' of your own; nothing was changed. Take that out (ufw $(deletion_of "$theirs")), or let firewall.backend be nftables or none"
        say "ufw has $theirs already, which stays yours"
        printf '%s\n' "$rule"
    done <"$scratch/shown" >"$scratch/theirs"
}

# Our rules go. Where ufw stays active then, it must let the SSH client in without them.
ufw_may_go() {
    [ -n "$client" ] && ufw_stays_on || return 0
    lets_client_in "without ours" || fail "ufw was active before the stack, and stays so, but no rule of your own lets $client in on port $ssh_port: without the stack's you would be locked out. Add one, and run this again: ufw allow from $client to any port $ssh_port proto tcp comment 'my own'"
}

# lets_client_in [without ours]: whether ufw's rules let the SSH client in. The first that is about it decides, and without one the default.
# What isn't understood is taken for no help.
lets_client_in() {
    profiles=
    for file in /etc/ufw/applications.d/*; do
        [ ! -f "$file" ] || profiles="$profiles $file"
    done
    default=drop
    ! grep -qs '^DEFAULT_INPUT_POLICY="ACCEPT"' /etc/default/ufw || default=accept
    devices=$(ip -o addr show | awk -v server="$server" 'index($4, server "/") == 1 { printf "%s ", $2 }')
    ufw_read
    # shellcheck disable=SC2086 # files
    printf '%s\n' "$rules" | awk -v client="$client" -v port="$ssh_port" -v server="$server" -v devices=" $devices" -v default_action="$default" -v without_ours="$1" "$networks"'
        # 22, 22/tcp, 22,80:90/tcp; a profile may have several, with | between them.
        function has_port(ports,    list, part, range, n, m, i, j) {
            if (ports == "" || ports == "any") return 1
            n = split(ports, list, "|")
            for (i = 1; i <= n; i++) {
                if (list[i] ~ /\/udp$/) continue
                sub(/\/.*/, "", list[i])
                m = split(list[i], part, ",")
                for (j = 1; j <= m; j++) {
                    if (split(part[j], range, ":") < 2) range[2] = range[1]
                    if (range[1] ~ /^[0-9]+$/ && port + 0 >= range[1] + 0 && port + 0 <= range[2] + 0) return 1
                }
            }
            return 0
        }
        FILENAME != "-" && /^\[/ { name = substr($0, 2, index($0, "]") - 2); next }
        FILENAME != "-" { if (sub(/^ports=/, "")) profile[name] = $0; next }
        !/^ufw / || /^ufw route / { next }
        without_ours && / comment .lvs-ha( operator)?.$/ { next }
        {
            sub(/^ufw /, "")
            sub(/ comment .*/, "")
            sub(/ log(-all)?( |$)/, " ")
            from = to = ports = device = ""
            unclear = other = 0
            action = $1
            sub(/^[^ ]* /, "")
            gsub(/'\''/, "")
            if (/^out /) next
            if (!/(^| )(from|to|in|proto) /) {
                ports = ($0 in profile) ? profile[$0] : $0
            } else {
                for (i = 1; i <= NF; i++) {
                    if ($i == "in" && $(i + 1) == "on") { device = $(i + 2); i += 2 }
                    else if ($i == "from") { from = $++i; side = "from" }
                    else if ($i == "to") { to = $++i; side = "to" }
                    else if ($i == "port" && side == "to") ports = $++i
                    else if ($i == "app" && side == "to") {
                        app = $++i
                        while (i < NF && !(app in profile)) app = app " " $++i
                        ports = (app in profile) ? profile[app] : "-"
                    }
                    else if ($i == "proto") { if ($++i != "tcp") other = 1 }
                    # A port that it comes from is none of those that are written down.
                    else if (($i == "port" || $i == "app") && side == "from") { i++; other = 1 }
                    else unclear = 1
                }
            }
            if (other || !within(client, from) || !within(server, to) || !has_port(ports)) next
            if (device != "" && !index(devices, " " device " ")) next
            lets = action == "allow" || action == "limit"
            if (unclear && lets) next
            decided = 1
            exit
        }
        END { exit !(decided ? lets : default_action == "accept") }
    ' $profiles -
}

# As the next run would have it: `firewall.backend: auto` speaks to an ufw that is on. Of one that was, the stack's rules stay until then.
ufw_verify_if_on() {
    if is_installed && { ! ufw status >"$scratch/status" 2>"$scratch/ufw" || is_active <"$scratch/status"; }; then
        ufw_verify
    elif [ -e $ufw_was ]; then
        echo "it has been switched off since the stack's last change" >"$scratch/why"
        tell note ufw "$scratch/why"
    fi
}

# What the operator has of the wanted rules is as good as ours.
ufw_verify() {
    command -v ufw >"$scratch/program" || {
        tell missing ufw
        return 0
    }
    { ufw status >"$scratch/status" && ufw show added >"$scratch/shown"; } 2>"$scratch/ufw" || {
        cannot_tell ufw "ufw says: $(tail -n 1 "$scratch/ufw")"
        return 0
    }
    sed '/^$/d' "$scratch/files/ufw" | sort -u >"$scratch/wanted"
    sed -n 's/^ufw //p' "$scratch/shown" | awk '
        FILENAME == ARGV[1] { wanted[$0]; next }
        {
            ours = sub(/ comment .lvs-ha.$/, "")
            sub(/ comment .*/, "")
            plain = $0
            sub(/ log(-all)? /, " ", plain)
            if (ours) print
            else if (plain in wanted) print plain
        }
    ' "$scratch/wanted" - | sort -u >"$scratch/theirs"
    { echo "Status: active" && cat "$scratch/wanted"; } >"$scratch/all-wanted"
    { head -n 1 "$scratch/status" && cat "$scratch/theirs"; } >"$scratch/all-found"
    differs ufw "$scratch/all-wanted" "$scratch/all-found"
}

ufw_go_back() {
    [ -e "$journal/ufw" ] || return 0
    { status=$(ufw status) && rules=$(ufw show added); } 2>/dev/null || {
        left="$left; ufw could not be asked"
        return 0
    }
    if ! grep -qx active "$journal/ufw" && printf '%s\n' "$status" | is_active; then
        ufw disable >/dev/null 2>&1 || left="$left; ufw could not be disabled"
        ufw_sysctls_back "$journal/ufw-sysctls"
    fi
    left=$left$(ufw_changes | while read -r did _ rule; do
        ufw_take_back "$did" "$rule" </dev/null >/dev/null 2>&1 || printf '; %s is still %s' "ufw $rule" "$did"
    done)
    # With its rules.
    if grep -qx active "$journal/ufw" && ! printf '%s\n' "$status" | is_active; then
        ufw --force enable >/dev/null 2>&1 || left="$left; ufw could not be enabled"
    fi
}

# Before its service starts; its rules can be asked for later.
ufw_go_back_at_boot() {
    [ -e "$journal/ufw" ] && [ -e /etc/ufw/ufw.conf ] || return 0
    starts=no
    ! grep -qx active "$journal/ufw" || starts=yes
    grep -qx "ENABLED=$starts" /etc/ufw/ufw.conf || sed -i "s/^ENABLED=.*/ENABLED=$starts/" /etc/ufw/ufw.conf || return
    sync /etc/ufw/ufw.conf
}

# Of the stack's rules, those that were added since the journal was begun, and those that were deleted.
ufw_changes() {
    printf '%s\n' "$rules" | awk -v journal="$journal/ufw" '
        function is_ours() { return /^ufw .* comment .lvs-ha( operator)?.$/ }
        BEGIN { while ((getline <journal) > 0) if (is_ours()) { had[$0]; line[++n] = $0 } }
        is_ours() { has[$0]; if (!($0 in had)) print "added", $0 }
        END { for (i = 1; i <= n; i++) if (!(line[i] in has)) print "deleted", line[i] }
    '
}

# ufw_take_back added|deleted RULE, with its comment.
ufw_take_back() {
    mark=lvs-ha
    case $2 in *" operator'") mark="lvs-ha operator" ;; esac
    # shellcheck disable=SC2046,SC2086 # a rule is several words
    case $1 in
    added) ufw $(deletion_of "${2% comment *}") ;;
    deleted) ufw ${2% comment *} comment "$mark" ;;
    esac
}

ufw_undo() {
    [ -e $ufw_was ] || return 0
    is_installed || {
        rm -f $ufw_sysctls $ufw_was
        return 0
    }
    if [ "$(cat $ufw_was)" = inactive ] && ufw_is_active; then
        ufw disable >"$scratch/ufw" 2>&1 || fail "ufw disable: $(cat "$scratch/ufw")"
        ufw_sysctls_back $ufw_sysctls
        say "ufw disabled, as it was"
    fi
    for mark in lvs-ha "lvs-ha operator"; do
        ufw_rules "$mark" >"$scratch/added"
        while read -r rule; do
            ufw_delete "$rule" "$mark"
        done <"$scratch/added"
    done
    rm -f $ufw_sysctls
    rm $ufw_was
}

# What ufw sets when it is switched on, and leaves so when it is switched off: lines "KEY VALUE", keys with slashes. Of a default, each
# interface, too: one that comes up meanwhile, at a boot say, takes it on.
sysctls_of_ufw() {
    [ -e /etc/ufw/sysctl.conf ] || return 0
    sed -n 's/^ *\(net[^ =]*\) *= *\([^ ]*\) *$/\1 \2/p' /etc/ufw/sysctl.conf | while read -r key value; do
        case $key in
        */*) ;;
        *) key=$(printf '%s\n' "$key" | tr . /) ;;
        esac
        printf '%s %s\n' "$key" "$value"
        case $key in
        */conf/default/*)
            for folder in "/proc/sys/${key%/default/*}"/*; do
                case ${folder##*/} in
                all | default) ;;
                *) printf '%s/%s %s\n' "${folder#/proc/sys/}" "${key##*/}" "$value" ;;
                esac
            done
            ;;
        esac
    done
}

# ufw_sysctls_back NOTES. One that has another value than ufw's by now is somebody else's.
ufw_sysctls_back() {
    [ -e "$1" ] || return 0
    while read -r key value; do
        set_to=$(sysctls_of_ufw | sed -n "s|^$key ||p")
        [ "$(sysctl -n "$key")" != "$set_to" ] || sysctl -q -w "$key=$value" || say "$key could not be set back to $value"
    done <"$1"
}

ufw_filters() {
    is_installed && ufw_is_active
}

ufw_stays_on() {
    [ -e $ufw_was ] && [ "$(cat $ufw_was)" = active ] && ufw_filters
}

is_installed() {
    command -v ufw >/dev/null
}

ufw_is_active() {
    status=$(ufw status) || fail "ufw does not tell whether it is active"
    printf '%s\n' "$status" | is_active
}

# is_active: by what `ufw status` says, on standard input.
is_active() {
    grep -qx "Status: active"
}

# Sets $rules to all that ufw has, in the words that made them.
ufw_read() {
    rules=$(ufw show added) || fail "ufw does not tell its rules"
}

# The rules with a comment, in the words that made them.
ufw_rules() {
    ufw_read
    printf '%s\n' "$rules" | sed -n "s/^ufw \(.*\) comment '$1'\$/\1/p"
}

# ufw_add RULE MARK: unless the operator has it.
ufw_add() {
    ! grep -qxF "$1" "$scratch/theirs" || return 0
    # shellcheck disable=SC2086 # a rule is several words
    ufw $1 comment "$2" >"$scratch/ufw" 2>&1 || fail "ufw $1: $(cat "$scratch/ufw")"
    grep -q '^Skipping' "$scratch/ufw" || say "ufw $1"
}

# ufw_delete RULE MARK
ufw_delete() {
    words=$(deletion_of "$1")
    # shellcheck disable=SC2086 # a rule is several words
    ufw $words >"$scratch/ufw" 2>&1 || fail "ufw $words: $(cat "$scratch/ufw")"
    say "ufw $words"
}

deletion_of() {
    case $1 in
    route\ *) printf 'route delete %s' "${1#route }" ;;
    *) printf 'delete %s' "$1" ;;
    esac
}
