#!/bin/sh
# Firewall: firewall.sh apply|verify OWNER BACKEND "$SSH_CONNECTION" <FILES | firewall.sh undo OWNER
# The SSH client that brings the change is let in before anything is denied, and stays let in.
# firewall.sh asks | firewall.sh confirm: firewall-guard.sh has what a change waits for.
set -eu
what=firewall
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
table=/etc/lvs-ha/firewall.nft
clients=/etc/lvs-ha/ssh-clients.nft
service=lvs-ha-firewall.service
unit=/etc/systemd/system/$service
services=$service
files="$table $unit"
# Back ends that are more than the table, which every host may have; each has a script. It adds the files that it remembers things in to
# $files, and has these:
#   NAME_check    the stack is to have it: what would stop it is found before anything changes
#   NAME_found    it remembers what NAME_go_back needs
#   NAME_apply    it lets in what $scratch/files/NAME says, and the SSH client before that
#   NAME_verify   it is compared with $scratch/files/NAME, and told, as files.sh says
#   NAME_verify_if_on  the same where it is on, as somebody may have switched it on or off
#   NAME_may_go   another is to take its place: it fails where the SSH client would be locked out
#   NAME_undo     all of it goes, and the host has what it had before
#   NAME_go_back  what NAME_apply and NAME_undo have done in this run is undone
#   NAME_go_back_at_boot  likewise, as far as it would start with the host
# The last four do nothing on a host that doesn't have it.
#   NAME_filters  whether it is switched on
#   NAME_stays_on whether it is, and stays so without the stack, whose rules it has
own_scripts="ufw"
# For awk: within(ADDRESS, SUBNET).
networks='
    # An address, or what a rule has for one, as a text of 0 and 1.
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
'
# shellcheck source=templates/scripts/firewall-ufw.sh
. "${0%/*}/firewall-ufw.sh"
# shellcheck source=templates/scripts/firewall-others.sh
. "${0%/*}/firewall-others.sh"
# shellcheck source=templates/scripts/firewall-guard.sh
. "${0%/*}/firewall-guard.sh"

apply() {
    lock
    backend=$2
    case " $own_scripts auto nftables none " in
    *" $backend "*) ;;
    *) fail "there is no back end $backend; nothing was changed" ;;
    esac
    client_is "$3"
    split_files
    [ "$backend" != auto ] || take_hosts_own
    look_for_client
    # The back end from before goes last: where the new one can't come, the host still has that.
    others_check
    [ ! -f "$scratch/files$table" ] || nft_check
    for other in $own_scripts; do
        if [ "$other" = "$backend" ]; then
            "${other}_check"
        else
            "${other}_may_go"
        fi
    done
    # A first table comes before ufw and its like, which would drop the ends of connections that they see from their middle on. One that is
    # there may be all the firewall that the host has: it stays until the other has come.
    first=table
    [ ! -e $unit ] || first=own
    change "$1"
    [ -f "$scratch/files$table" ] || nft_undo
}

found() {
    guard_found
    for one in $own_scripts; do
        "${one}_found"
    done
}

swap() {
    guard_written
    [ ! -f "$scratch/files$table" ] || nft_written put
}

activate() {
    guard_arm
    [ "$first" = table ] || own_script apply
    [ ! -f "$scratch/files$table" ] || nft_apply
    [ "$first" = own ] || own_script apply
    for other in $own_scripts; do
        [ "$other" = "$backend" ] || "${other}_undo"
    done
}

prove() {
    guard_wait
}

switch_back() {
    for other in $own_scripts; do
        "${other}_go_back"
    done
    guard_disarm
}

switch_back_at_boot() {
    for other in $own_scripts; do
        "${other}_go_back_at_boot"
    done
}

undo() {
    undo_for "$1"
    client_is "$(ssh_connection)"
    for other in $own_scripts; do
        "${other}_may_go"
    done
    for other in $own_scripts; do
        "${other}_undo"
    done
    nft_undo
    guard_disarm
    rm -f $logins $unconfirmed
}

verify() {
    split_files
    verify_owner "$1"
    for other in $own_scripts; do
        if [ "$2" = auto ]; then
            "${other}_verify_if_on"
        elif [ -f "$scratch/files/$other" ]; then
            "${other}_verify"
        fi
    done
    if [ -f "$scratch/files$table" ]; then
        nft_written verify_file
        verify_service $service
        nft_verify
    fi
    tell end verify
}

# The back end that auto comes to: that which is switched on, whoever has done that. Of several, the host has the last.
take_hosts_own() {
    backend=none
    for one in $own_scripts; do
        ! "${one}_filters" || backend=$one
    done
    if [ "$backend" = none ]; then
        say "$own_scripts is not on here: no firewall of this host is changed"
    else
        say "$backend is on here: it lets in what the stack needs"
    fi
}

# own_script VERB: of the back end, if it is more than the table.
own_script() {
    case " $own_scripts " in
    *" $backend "*) "${backend}_$1" ;;
    esac
}

# Whoever brings a change stays let in; the next address of the same operator doesn't.
look_for_client() {
    [ -n "$client" ] && [ "$backend" != none ] && [ -f "$scratch/files/logins" ] || return 0
    awk -v client="$client" "$networks"'
        $1 != "" && within(client, $1) { is_found = 1 }
        END { exit !is_found }
    ' "$scratch/files/logins" ||
        say "$client, where this change comes from, is in neither firewall.sshFrom nor firewall.allowFrom: it stays let in, another address of yours would not be"
}

# client_is "CLIENT CLIENT_PORT SERVER SERVER_PORT", as sshd(8) has it; nothing where nobody has come by SSH. A link-local address ends in
# %INTERFACE, which no firewall reads.
client_is() {
    client=${1%% *}
    client=${client%%%*}
    client_port=${1#* }
    client_port=${client_port%% *}
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

# nft_written put|verify_file: the table last, which replaces the one that is live in one transaction. nftables.service flushes every table
# when it starts, reloads and stops: the unit follows (systemd.unit(5)). It is stopped and restarted with it (PartOf), and started again
# where it was stopped (WantedBy). Only a start that no stop came before goes unnoticed.
nft_written() {
    "$1" $unit 0644 <<UNIT
[Unit]
Description=Packet filter of the LVS load balancer
After=nftables.service ufw.service
Before=network-pre.target keepalived.service
Wants=network-pre.target
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f $table
ExecReload=/usr/sbin/nft -f $table
ExecStop=/usr/sbin/nft delete table inet lvs_ha

[Install]
WantedBy=sysinit.target nftables.service
UNIT
    "$1" $table 0644 <"$scratch/files$table"
}

nft_apply() {
    read_units
    # Not enable_at_boot: one that was enabled by an earlier unit has not all that this one asks for.
    systemctl -q enable $service
    systemctl reload-or-restart $service
    nft list table inet lvs_ha >"$scratch/nft" 2>&1 || fail "the table is not in the kernel; see: journalctl -u $service"
    say "nftables table lvs_ha is live"
}

# Of the table, the chain that lets in what is listed, and nothing else. An nft that can't tell is taken for one without it.
nftables_filters() {
    nft list table inet lvs_ha >"$scratch/live" 2>"$scratch/nft" && grep -q 'chain input ' "$scratch/live"
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

nft_undo() {
    if [ -e $unit ]; then
        systemctl -q disable --now $service
        put_back $unit
        systemctl daemon-reload
        put_back $table
        say "nftables table lvs_ha is gone"
    fi
    # A change that failed has left it, too.
    rm -f $clients
}

"$@"
