#!/bin/sh
# Virtual addresses on a real server's loopback: vip.sh apply <ADDRESSES | undo; `up` and `down` are what the service runs.
# The ARP sysctls come first, the address second: for no moment may a real server answer ARP for a virtual address.
set -eu
what="virtual addresses"
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
list=/etc/lvs-ha/virtual-addresses
service=lvs-ha-vip.service
unit=/etc/systemd/system/$service

apply() {
    lock
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
        ip -4 -o addr show dev lo | grep -q " $address/32 " || fail "$address is not on lo; see: journalctl -u $service"
    done <$list
    say "on lo: $(tr '\n' ' ' <$list)"
}

undo() {
    lock
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
    ours | while read -r address label; do
        grep -qxF "$address" $list || ip addr del "$address/32" dev lo label "$label"
    done
    number=0
    while read -r address; do
        number=$((number + 1))
        ip -4 -o addr show dev lo | grep -q " $address/32 " ||
            ip addr add "$address/32" dev lo label "lo:$number"
    done <$list
}

down() {
    ours | while read -r address label; do
        ip addr del "$address/32" dev lo label "$label"
    done
}

# Addresses on lo that carry a label of ours.
ours() {
    ip -4 -o addr show dev lo | sed -n 's|.* inet \([0-9.]*\)/32 .* \(lo:[0-9]*\)\\.*|\1 \2|p'
}

"$1"
