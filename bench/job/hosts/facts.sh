#!/bin/sh
# What a host does, in words of nobody who may have set it up: the checker of `npm run bench -- job`.
# facts.sh VIP
vip=$1
echo "address $(ip -o -4 addr show to "$vip" | awk '{ print $2 }')"
echo "keepalived $(systemctl is-enabled keepalived 2>/dev/null) $(systemctl is-active keepalived 2>/dev/null)"
for name in net.ipv4.vs.expire_nodest_conn net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce; do
    echo "$name $(sysctl -n "$name" 2>/dev/null)"
done
# It is there after the next boot, too: some file that a boot reads has it.
echo "files $(grep -rlF "$vip" /etc 2>/dev/null | wc -l)"
echo "filters $(nft list ruleset 2>/dev/null | grep -c 'hook input')"
ipvsadm -Sn 2>/dev/null | sed 's/^/ipvs /'
