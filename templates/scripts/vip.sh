#!/bin/sh
# Virtual addresses on a real server's loopback: vip.sh apply OWNER <ADDRESSES | vip.sh undo OWNER; `up` and `down` are what the service runs.
# The ARP sysctls come first, the address second: for no moment may a real server answer ARP for a virtual address.
set -eu
what="virtual addresses"
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
list=/etc/lvs-ha/virtual-addresses
service=lvs-ha-vip.service
unit=/etc/systemd/system/$service
# The addresses that are on lo because of us: one that somebody else put there is not ours to take off.
brought=/var/lib/lvs-ha/virtual-addresses-brought

apply() {
    lock
    own "$1"
    put $list 0644
    put $unit 0644 <<UNIT
[Unit]
Description=Virtual addresses of the LVS load balancer on lo
After=systemd-sysctl.service network-pre.target
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$0 up
ExecReload=$0 up
ExecStop=$0 down

[Install]
WantedBy=multi-user.target
UNIT
    if [ -n "$changed" ]; then
        systemctl daemon-reload
    fi
    enable_at_boot $service
    systemctl reload-or-restart $service
    while read -r address; do
        is_on_lo "$address" || fail "$address is not on lo; see: journalctl -u $service"
    done <$list
    say "on lo: $(tr '\n' ' ' <$list)"
}

undo() {
    lock
    undo_for "$1"
    if [ -e $unit ]; then
        systemctl -q disable --now $service
    fi
    put_back $unit
    systemctl daemon-reload
    put_back $list
}

up() {
    for key in conf.lo.arp_ignore=1 conf.lo.arp_announce=2 conf.all.arp_ignore=1 conf.all.arp_announce=2; do
        sysctl -q -w "net.ipv4.$key"
    done
    mkdir -p "${brought%/*}"
    touch $brought
    while read -r address; do
        grep -qxF "$address" $list || take_off "$address"
    done <$brought
    # Noted before it is done: an address that is there without us stays there without us.
    while read -r address; do
        if ! is_on_lo "$address" || grep -qxF "$address" $brought; then
            printf '%s\n' "$address"
        fi
    done <$list | record $brought
    number=0
    while read -r address; do
        number=$((number + 1))
        is_on_lo "$address" || ip addr add "$address/32" dev lo label "lo:$number"
    done <$list
}

down() {
    [ -e $brought ] || return 0
    while read -r address; do
        take_off "$address"
    done <$brought
    rm $brought
}

take_off() {
    if is_on_lo "$1"; then
        ip addr del "$1/32" dev lo
    fi
}

is_on_lo() {
    ip -4 -o addr show dev lo | grep -q " $1/32 "
}

"$@"
