#!/bin/sh
# Firewall: firewall.sh apply|verify OWNER BACKEND "$SSH_CONNECTION" <FILES | firewall.sh undo OWNER
# The SSH client that brings the change is let in before anything is denied, and stays let in.
set -eu
what=firewall
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
table=/etc/lvs-ha/firewall.nft
clients=/etc/lvs-ha/ssh-clients.nft
service=lvs-ha-firewall.service
unit=/etc/systemd/system/$service
ufw_was=/var/lib/lvs-ha/ufw-was
# Kernel values that switching ufw on changed: lines "KEY OLD", of one value each.
ufw_sysctls=/var/lib/lvs-ha/ufw-sysctls

apply() {
    lock
    own "$1"
    backend=$2
    client_is "$3"
    split_files
    # The back end from before goes last: where the new one can't come, the host still has that.
    [ ! -f "$scratch/files$table" ] || nft_check
    if [ "$backend" = ufw ]; then
        ufw_theirs
    else
        ufw_may_go
    fi
    or_go_back $table $unit $ufw_was $ufw_sysctls
    # A first table comes before ufw, which would drop the ends of connections that it sees from their middle on. One that is there may be
    # all the firewall that the host has: it stays until ufw has come.
    first=table
    [ ! -e $unit ] || first=ufw
    [ "$backend $first" != "ufw ufw" ] || ufw_apply
    [ ! -f "$scratch/files$table" ] || nft_apply
    [ "$backend $first" != "ufw table" ] || ufw_apply
    no_way_back
    [ -f "$scratch/files$table" ] || nft_undo
    [ "$backend" = ufw ] || ufw_undo
}

undo() {
    lock
    undo_for "$1"
    make_scratch
    client_is "$(ssh_connection)"
    ufw_may_go
    ufw_undo
    nft_undo
}

verify() {
    split_files
    verify_owner "$1"
    [ ! -f "$scratch/files/ufw" ] || ufw_verify
    if [ -f "$scratch/files$table" ]; then
        nft_written verify_file
        verify_service $service
        nft_verify
    fi
    tell end verify
}

go_back() {
    ufw_go_back
    nft_go_back
    as_before $ufw_was $ufw_sysctls
    rm -f $table.lvs-ha-before $unit.lvs-ha-before
}

# client_is "CLIENT CLIENT_PORT SERVER SERVER_PORT", as sshd(8) has it; nothing where nobody has come by SSH. A link-local address ends in
# %INTERFACE, which no firewall reads.
client_is() {
    client=${1%% *}
    client=${client%%%*}
    server=${1% *}
    server=${server##* }
    server=${server%%%*}
    ssh_port=${1##* }
}

# What sshd told the login's shell. sudo doesn't pass it on, but has it itself.
ssh_connection() {
    pid=$$
    while [ "${pid:-0}" -gt 1 ] && tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null >"$scratch/environ"; do
        if grep -q '^SSH_CONNECTION=' "$scratch/environ"; then
            sed -n 's/^SSH_CONNECTION=//p' "$scratch/environ"
            return
        fi
        pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status")
    done
}

ufw_apply() {
    [ -e $ufw_was ] || ufw_state | record $ufw_was
    [ -z "$admit" ] || ufw_add "$admit" "lvs-ha operator"
    ufw_rules lvs-ha >"$scratch/added"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/added" || ufw_add "$rule" lvs-ha
    done <"$scratch/files/ufw"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/files/ufw" || ufw_delete "$rule" lvs-ha
    done <"$scratch/added"
    [ -z "$client" ] || lets_client_in "" || fail "ufw would not let $client in on port $ssh_port, where this change comes from: a rule before ours denies it; see: ufw show added"
    if [ "$(ufw_state)" = inactive ]; then
        [ -e $ufw_sysctls ] || sysctls_of_ufw | while read -r key value; do
            now=$(sysctl -n "$key" 2>/dev/null) || continue
            [ "$now" = "$value" ] || printf '%s %s\n' "$key" "$now"
        done | record $ufw_sysctls
        echo "enabled||" >>"$scratch/ufw-done"
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
ufw_theirs() {
    admit=
    [ -z "$client" ] || admit="allow from $client to any port $ssh_port proto tcp"
    printf '%s\n' "$admit" | cat - "$scratch/files/ufw" | sed '/^$/d' >"$scratch/wanted"
    ufw show added | awk -v admit="$admit" '
        function about(rule) {
            sub(/ log(-all)? /, " ", rule)
            action = rule
            sub(/^route /, "", action)
            sub(/ .*/, "", action)
            sub(/(allow|deny|reject|limit) /, "", rule)
            return rule
        }
        FILENAME == ARGV[1] { wanted[about($0)] = $0; next }
        !/^ufw / || / comment .lvs-ha( operator)?.$/ { next }
        {
            sub(/^ufw /, "")
            sub(/ comment .*/, "")
            key = about($0)
            if (!(key in wanted)) next
            # It lets the client in, all the same.
            mild = action == "limit" && wanted[key] == admit
            print (action == "allow" || mild ? "same" : "opposite") "|" wanted[key] "|" $0
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
    [ -e $ufw_was ] && [ -n "$client" ] && [ "$(cat $ufw_was) $(ufw_state)" = "active active" ] || return 0
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
    # shellcheck disable=SC2086 # files
    ufw show added | awk -v client="$client" -v port="$ssh_port" -v server="$server" -v devices=" $devices" -v default_action="$default" -v without_ours="$1" '
        # An address, or what an ufw rule has for one, as a text of 0 and 1.
        function bits(address,    part, n, i, j, sides, head, tail, all, digit, value, text) {
            if (address !~ /:/) {
                n = split(address, part, ".")
                for (i = 1; i <= n; i++) for (j = 128; j >= 1; j /= 2) text = text (int(part[i] / j) % 2)
                return text
            }
            split(address, sides, "::")
            n = split(sides[1], head, ":")
            for (i = 1; i <= n; i++) all = all substr("0000" head[i], length(head[i]) + 1)
            n = address ~ /::/ ? split(sides[2], tail, ":") : 0
            text = ""
            for (i = 1; i <= n; i++) text = text substr("0000" tail[i], length(tail[i]) + 1)
            while (length(all text) < 32) all = all "0"
            all = all text
            text = ""
            for (i = 1; i <= 32; i++) {
                value = index("0123456789abcdef", substr(all, i, 1)) - 1
                for (j = 8; j >= 1; j /= 2) text = text (int(value / j) % 2)
            }
            return text
        }
        function within(address, net,    part, length_of) {
            if (net == "" || net == "any") return 1
            if ((address ~ /:/) != (net ~ /:/)) return 0
            length_of = split(net, part, "/") > 1 ? part[2] : 128
            return substr(bits(address), 1, length_of) == substr(bits(part[1]), 1, length_of)
        }
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
    [ -e "$scratch/ufw-done" ] || return 0
    tac "$scratch/ufw-done" | while IFS='|' read -r did mark rule; do
        # shellcheck disable=SC2046,SC2086 # a rule is several words
        case $did in
        added) ufw $(deletion_of "$rule") ;;
        deleted) ufw $rule comment "$mark" ;;
        enabled) ufw disable && ufw_sysctls_back ;;
        esac </dev/null >"$scratch/ufw" 2>&1 || say "what could not be taken back: ufw $did $rule: $(cat "$scratch/ufw")"
    done
    say "ufw has the rules that it had before this change"
}

ufw_undo() {
    [ -e $ufw_was ] || return 0
    if [ "$(cat $ufw_was)" = inactive ] && [ "$(ufw_state)" = active ]; then
        ufw disable >"$scratch/ufw" 2>&1 || fail "ufw disable: $(cat "$scratch/ufw")"
        ufw_sysctls_back
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

# One that has another value than ufw's by now is somebody else's.
ufw_sysctls_back() {
    [ -e $ufw_sysctls ] || return 0
    sysctls_of_ufw >"$scratch/sysctls"
    while read -r key value; do
        set_to=$(sed -n "s|^$key ||p" "$scratch/sysctls")
        [ "$(sysctl -n "$key")" != "$set_to" ] || sysctl -q -w "$key=$value" || say "$key could not be set back to $value"
    done <$ufw_sysctls
}

ufw_state() {
    if ufw status | grep -qx "Status: active"; then
        echo active
    else
        echo inactive
    fi
}

# The rules with a comment, in the words that made them.
ufw_rules() {
    ufw show added | sed -n "s/^ufw \(.*\) comment '$1'\$/\1/p"
}

# ufw_add RULE MARK: unless the operator has it.
ufw_add() {
    ! grep -qxF "$1" "$scratch/theirs" || return 0
    # shellcheck disable=SC2086 # a rule is several words
    ufw $1 comment "$2" >"$scratch/ufw" 2>&1 || fail "ufw $1: $(cat "$scratch/ufw")"
    grep -q '^Skipping' "$scratch/ufw" || {
        printf 'added|%s|%s\n' "$2" "$1" >>"$scratch/ufw-done"
        say "ufw $1"
    }
}

# ufw_delete RULE MARK
ufw_delete() {
    words=$(deletion_of "$1")
    # shellcheck disable=SC2086 # a rule is several words
    ufw $words >"$scratch/ufw" 2>&1 || fail "ufw $words: $(cat "$scratch/ufw")"
    printf 'deleted|%s|%s\n' "$2" "$1" >>"$scratch/ufw-done"
    say "ufw $words"
}

deletion_of() {
    case $1 in
    route\ *) printf 'route delete %s' "${1#route }" ;;
    *) printf 'delete %s' "$1" ;;
    esac
}

# The table as a whole, with the SSH client let in.
nft_check() {
    mkdir -p "${clients%/*}"
    touch $clients
    case $client in
    *:*) admit="ip6 saddr $client tcp dport $ssh_port accept" ;;
    ?*) admit="ip saddr $client tcp dport $ssh_port accept" ;;
    *) admit= ;;
    esac
    if [ -n "$admit" ] && ! grep -qxF "$admit" $clients; then
        # One that nft can't read would stay, and fail every later run and the service at boot.
        printf 'table inet lvs_ha_check { chain ssh { %s; }; }\n' "$admit" | nft -c -f - >"$scratch/nft" 2>&1 || fail "nft refuses the SSH client's address: $(cat "$scratch/nft")"
        { cat $clients && printf '%s\n' "$admit"; } | record $clients
    fi
    nft -c -f "$scratch/files$table" >"$scratch/nft" 2>&1 || fail "nft refuses the table: $(cat "$scratch/nft")"
}

# nft_written put|verify_file: the table last, which replaces the one that is live in one transaction.
nft_written() {
    "$1" $unit 0644 <<UNIT
[Unit]
Description=Packet filter of the LVS load balancer
After=nftables.service ufw.service
Before=network-pre.target keepalived.service
Wants=network-pre.target
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f $table
ExecReload=/usr/sbin/nft -f $table
ExecStop=/usr/sbin/nft delete table inet lvs_ha

[Install]
WantedBy=sysinit.target
UNIT
    "$1" $table 0644 <"$scratch/files$table"
}

nft_apply() {
    nft_begun=yes
    nft_written put
    systemctl daemon-reload
    enable_at_boot $service
    systemctl reload-or-restart $service
    nft list table inet lvs_ha >"$scratch/nft" 2>&1 || fail "the table is not in the kernel; see: journalctl -u $service"
    say "nftables table lvs_ha is live"
}

# The table as it is, and as its text makes it in a network namespace of its own: the same words if the text is live.
nft_verify() {
    # shellcheck disable=SC2016 # the inner shell's own argument
    unshare --net sh -c 'nft -f "$1" && nft -s list table inet lvs_ha' sh "$scratch/files$table" >"$scratch/reference" 2>"$scratch/nft" || {
        cannot_tell "nftables table lvs_ha" "its text can't be tried in a network namespace of its own: $(tail -n 1 "$scratch/nft")"
        return 0
    }
    if nft -s list table inet lvs_ha >"$scratch/live" 2>"$scratch/nft"; then
        differs "nftables table lvs_ha" "$scratch/reference" "$scratch/live"
    elif nft list tables >"$scratch/tables" 2>"$scratch/nft"; then
        tell missing "nftables table lvs_ha"
    else
        cannot_tell "nftables table lvs_ha" "nft says: $(tail -n 1 "$scratch/nft")"
    fi
}

nft_begun=
nft_go_back() {
    [ -n "$nft_begun" ] || return 0
    was_there $unit || systemctl -q disable --now $service || :
    as_before $table $unit
    systemctl daemon-reload || :
    [ ! -f $unit ] || systemctl reload-or-restart $service || say "the table from before could not be loaded; see: journalctl -u $service"
    say "put back the table that was there before this change"
}

nft_undo() {
    [ -e $unit ] || return 0
    systemctl -q disable --now $service
    put_back $unit
    systemctl daemon-reload
    put_back $table
    rm -f $clients
    say "nftables table lvs_ha is gone"
}

"$@"
