#!/bin/sh
# A real server, likewise.
# real-server.sh VIP PORT MANAGEMENT
set -e
vip=$1 port=$2 management=$3
export DEBIAN_FRONTEND=noninteractive
dpkg-query -W nftables >/dev/null 2>&1 || {
    apt-get -qq update
    apt-get -qq install --no-install-recommends nftables >/dev/null
}
cat >/etc/sysctl.d/60-lvs.conf <<END
net.ipv4.conf.all.arp_ignore = 1
net.ipv4.conf.all.arp_announce = 2
net.ipv4.conf.lo.arp_ignore = 1
net.ipv4.conf.lo.arp_announce = 2
END
sysctl -q -p /etc/sysctl.d/60-lvs.conf
cat >/etc/systemd/system/lvs-vip.service <<END
[Unit]
Description=Virtual IP address
After=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/ip addr replace $vip/32 dev lo label lo:1
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl -q enable lvs-vip
systemctl restart lvs-vip
cat >/etc/nftables.conf <<END
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        ip saddr $management accept
        ip daddr $vip tcp dport $port accept
        ip saddr 192.0.2.0/24 tcp dport $port accept
    }
}
END
systemctl -q enable nftables
systemctl restart nftables
