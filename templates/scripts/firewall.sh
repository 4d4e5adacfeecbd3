#!/bin/sh
# Firewall: firewall.sh apply OWNER BACKEND "$SSH_CONNECTION" <FILES | firewall.sh undo OWNER
# The SSH client that brings the change is let in before anything is denied, and stays let in.
set -eu
what=firewall
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
lock
table=/etc/lvs-ha/firewall.nft
clients=/etc/lvs-ha/ssh-clients.nft
service=lvs-ha-firewall.service
unit=/etc/systemd/system/$service
ufw_was=/var/lib/lvs-ha/ufw-was
# Kernel values that switching ufw on changed: lines "KEY OLD", of one value each.
ufw_sysctls=/var/lib/lvs-ha/ufw-sysctls

apply() {
    own "$1"
    backend=$2
    # CLIENT CLIENT_PORT SERVER SERVER_PORT, as sshd(8) sets it. A link-local CLIENT ends in %INTERFACE, which no firewall reads.
    client=${3%% *}
    client=${client%%%*}
    ssh_port=${3##* }
    make_scratch
    split_files
    # The back end from before goes last: where the new one can't come, the host still has that.
    [ ! -f "$scratch/files$table" ] || nft_check
    [ "$backend" != ufw ] || ufw_apply
    if [ -f "$scratch/files$table" ]; then
        nft_apply
    else
        nft_undo
    fi
    [ "$backend" = ufw ] || ufw_undo
}

undo() {
    undo_for "$1"
    make_scratch
    ufw_undo
    nft_undo
}

ufw_apply() {
    [ -e $ufw_was ] || ufw_state | record $ufw_was
    [ -z "$client" ] || ufw_add "allow from $client to any port $ssh_port proto tcp" "lvs-ha operator"
    ufw_rules lvs-ha >"$scratch/added"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/added" || ufw_add "$rule" lvs-ha
    done <"$scratch/files/ufw"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/files/ufw" || ufw_delete "$rule"
    done <"$scratch/added"
    if [ "$(ufw_state)" = inactive ]; then
        [ -e $ufw_sysctls ] || sysctls_of_ufw | while read -r key value; do
            now=$(sysctl -n "$key" 2>/dev/null) || continue
            [ "$now" = "$value" ] || printf '%s %s\n' "$key" "$now"
        done | record $ufw_sysctls
        ufw --force enable >"$scratch/ufw" 2>&1 || fail "ufw enable: $(cat "$scratch/ufw")"
        say "ufw enabled"
    fi
    ufw_rules lvs-ha >"$scratch/added"
    while read -r rule; do
        grep -qxF "$rule" "$scratch/added" || fail "ufw took the rule '$rule' but doesn't show it: $(cat "$scratch/added")"
    done <"$scratch/files/ufw"
    say "ufw is active with $(wc -l <"$scratch/files/ufw") rules of the stack"
}

ufw_undo() {
    [ -e $ufw_was ] || return 0
    if [ "$(cat $ufw_was)" = inactive ] && [ "$(ufw_state)" = active ]; then
        ufw disable >"$scratch/ufw" 2>&1 || fail "ufw disable: $(cat "$scratch/ufw")"
        ufw_sysctls_back
        say "ufw disabled, as it was"
    fi
    for owner in lvs-ha "lvs-ha operator"; do
        ufw_rules "$owner" >"$scratch/added"
        while read -r rule; do
            ufw_delete "$rule"
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

ufw_add() {
    # shellcheck disable=SC2086 # a rule is several words
    ufw $1 comment "$2" >"$scratch/ufw" 2>&1 || fail "ufw $1: $(cat "$scratch/ufw")"
    grep -q '^Skipping' "$scratch/ufw" || say "ufw $1"
}

ufw_delete() {
    case $1 in
    route\ *) words="route delete ${1#route }" ;;
    *) words="delete $1" ;;
    esac
    # shellcheck disable=SC2086 # a rule is several words
    ufw $words >"$scratch/ufw" 2>&1 || fail "ufw $words: $(cat "$scratch/ufw")"
    say "ufw $words"
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

nft_apply() {
    or_go_back $table $unit
    put $unit 0644 <<UNIT
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
    # It replaces the table that is live in one transaction.
    put $table 0644 <"$scratch/files$table"
    systemctl daemon-reload
    enable_at_boot $service
    systemctl reload-or-restart $service
    nft list table inet lvs_ha >"$scratch/nft" 2>&1 || fail "the table is not in the kernel; see: journalctl -u $service"
    no_way_back
    say "nftables table lvs_ha is live"
}

go_back() {
    [ -f "$scratch/before$unit" ] || systemctl -q disable --now $service || :
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
