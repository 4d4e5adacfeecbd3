#!/bin/sh
# Virtual addresses on a real server: vip.sh apply|verify OWNER <LINES | vip.sh undo OWNER; the
# service runs `up` and `down`.
# A line is ADDRESS INTERFACE: lo for direct routing, tunl0 (IPv4 in IPv4) or ip6tnl0 (IPv6 in IPv6)
# for tunnels.
# The ARP sysctls come before the address: a real server must never answer ARP for a virtual
# address. (It answers neighbour solicitations only for addresses of the interface that received
# them.)
set -eu
what="virtual addresses"
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
list=/etc/lvs-ha/virtual-addresses
service=lvs-ha-vip.service
unit=/etc/systemd/system/$service
files="$list $unit"
services=$service
# The addresses that this script has added. An address added by someone else must not be removed.
brought=/var/lib/lvs-ha/virtual-addresses-brought

apply() {
    change "$1"
}

swap() {
    written put
}

activate() {
    read_units
    enable_at_boot $service
    systemctl reload-or-restart $service
}

prove() {
    lines_of $list | while read -r address device; do
        is_on "$address" "$device" || fail "$address is not on $device; see: journalctl -u $service"
        say "$address is on $device"
    done
}

# A failing list would also fail at boot and bring no addresses. A failed run may have added some.
switch_back() {
    systemctl -q is-active $service || down
}

verify() {
    verify_owner "$1"
    written verify_file
    verify_service $service
    lines_of "$scratch/input" >"$scratch/lines"
    sed 's/ / on /' "$scratch/lines" >"$scratch/wanted"
    # Addresses outside the list are ignored if someone else has added them.
    { cat "$scratch/lines" && { [ ! -e $brought ] || lines_of $brought; }; } | awk '!seen[$0]++' | while read -r address device; do
        is_on "$address" "$device" || continue
        ip -o link show dev "$device" up >"$scratch/link"
        link=
        [ -s "$scratch/link" ] || link=", whose link is down"
        echo "$address on $device$link"
    done >"$scratch/found"
    differs "virtual addresses" "$scratch/wanted" "$scratch/found"
    tell end verify
}

# written put|verify_file: the files that this script writes.
written() {
    "$1" $list 0644 <"$scratch/input"
    # Starts after ifupdown, which may have the same address in a file of its own. An address that is
    # there already isn't the stack's.
    "$1" $unit 0644 <<UNIT
[Unit]
Description=Virtual addresses of the LVS load balancer
After=systemd-sysctl.service network-pre.target networking.service
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$home/vip.sh up
ExecReload=$home/vip.sh up
ExecStop=$home/vip.sh down

[Install]
WantedBy=multi-user.target
UNIT
}

undo() {
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
    lines_of $brought | while read -r address device; do
        lines_of $list | grep -qxF "$address $device" || take_off "$address" "$device"
    done
    # Noted before adding: an address that exists already stays when this script removes its own.
    ours=$(lines_of $list | while read -r address device; do
        if ! is_on "$address" "$device" || lines_of $brought | grep -qxF "$address $device"; then
            printf '%s %s\n' "$address" "$device"
        fi
    done)
    { [ -z "$ours" ] || printf '%s\n' "$ours"; } | record $brought
    for device in tunl0 ip6tnl0; do
        if lines_of $list | grep -q " $device\$"; then
            raise $device
        else
            lower $device
        fi
    done
    number=0
    lines_of $list | while read -r address device; do
        case $address in
        *:*) options=nodad ;;
        *)
            number=$((number + 1))
            options=
            [ "$device" != lo ] || options="label lo:$number"
            ;;
        esac
        # shellcheck disable=SC2086 # options are several words
        is_on "$address" "$device" || ip addr add "$(whole "$address")" dev "$device" $options
    done
}

down() {
    if [ -e $brought ]; then
        lines_of $brought | while read -r address device; do
            take_off "$address" "$device"
        done
        rm $brought
    fi
    lower tunl0
    lower ip6tnl0
}

# raise DEVICE: raises the kernel's own tunnel interface, which accepts packets from any director.
raise() {
    [ -e "$(was "$1")" ] || {
        before=$(tunnel_state "$1")
        printf '%s\n' "$before" | record "$(was "$1")"
    }
    if [ ! -e "/sys/class/net/$1" ]; then
        modprobe "$(module_of "$1")" || fail "module $(module_of "$1") cannot be loaded on kernel $(uname -r)"
        # udev applies sysctl.d's settings for all interfaces to a new one; ours must come after
        # that.
        udevadm settle --timeout=30
    fi
    # Loose reverse-path filtering (2): a client's packets arrive here, but the answers leave by
    # another interface. The kernel uses the higher of this value and conf.all's, which may be 1,
    # strict (ufw sets that).
    [ "$1" != tunl0 ] || sysctl -q -w net.ipv4.conf.tunl0.rp_filter=2
    ip link set "$1" up
}

# lower DEVICE: restores the state before it was raised.
lower() {
    [ -e "$(was "$1")" ] || return 0
    read -r state rp_filter <"$(was "$1")"
    if [ -e "/sys/class/net/$1" ]; then
        [ "$state" = up ] || ip link set "$1" down
        [ -z "$rp_filter" ] || sysctl -q -w "net.ipv4.conf.$1.rp_filter=$rp_filter"
    fi
    if [ "$state" = absent ] && ! modprobe -r "$(module_of "$1")"; then
        say "module $(module_of "$1") stays: something else uses it"
    fi
    rm "$(was "$1")"
}

# Prints absent, down or up, and for IPv4 the rp_filter.
tunnel_state() {
    if [ ! -e "/sys/class/net/$1" ]; then
        echo absent
    else
        state=$(ip -o link show dev "$1" up)
        state=${state:+up}
        state=${state:-down}
        rp_filter=
        [ "$1" != tunl0 ] || rp_filter=$(sysctl -n net.ipv4.conf.tunl0.rp_filter)
        printf '%s %s\n' "$state" "$rp_filter"
    fi
}

was() {
    printf '/var/lib/lvs-ha/%s-was' "$1"
}

module_of() {
    case $1 in
    tunl0) echo ipip ;;
    ip6tnl0) echo ip6_tunnel ;;
    esac
}

take_off() {
    if is_on "$1" "$2"; then
        ip addr del "$(whole "$1")" dev "$2"
    fi
}

is_on() {
    [ -e "/sys/class/net/$2" ] || return 1
    on=$(ip -o addr show dev "$2") || fail "ip does not tell what addresses $2 has"
    case $on in *" $(whole "$1") "*) ;; *) return 1 ;; esac
}

# The address with its host prefix, /32 or /128.
whole() {
    case $1 in
    *:*) printf '%s/128' "$1" ;;
    *) printf '%s/32' "$1" ;;
    esac
}

# Earlier versions wrote lines with an address only, meant for lo.
lines_of() {
    sed 's/^[^ ]*$/& lo/' "$1"
}

"$@"
