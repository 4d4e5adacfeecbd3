#!/bin/sh
# A director, set up by nothing but what it takes: the floor of `npm run bench -- job`. Nothing is proven, and there is no way back.
# director.sh VIP PORT MANAGEMENT KEEPALIVED_CONF_IN_BASE64
set -e
vip=$1 port=$2 management=$3
export DEBIAN_FRONTEND=noninteractive
dpkg-query -W keepalived ipvsadm nftables >/dev/null 2>&1 || {
    apt-get -qq update
    apt-get -qq install --no-install-recommends keepalived ipvsadm nftables >/dev/null
}
cat >/etc/sysctl.d/60-lvs.conf <<END
net.ipv4.vs.expire_nodest_conn = 1
END
modprobe ip_vs
sysctl -q -p /etc/sysctl.d/60-lvs.conf
cat >/etc/nftables.conf <<END
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        ip saddr $management accept
        ip protocol vrrp accept
        ip daddr $vip tcp dport $port accept
    }
}
END
systemctl -q enable nftables
systemctl restart nftables
printf '%s' "$4" | base64 -d >/etc/keepalived/keepalived.conf
systemctl -q enable keepalived
systemctl reload-or-restart keepalived
