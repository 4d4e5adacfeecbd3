#!/bin/sh
# Measures a packet filter in a network namespace of its own: sends SYNs to one address and counts
# how many arrive where IPVS takes them.
#   packets.sh NFT FOLDER SECONDS
# NFT is the root of an unpacked nftables package of Debian. In FOLDER:
#   firewall.nft   the table
#   frames         the frames that frames.pl sends
#   addresses      their destination addresses
# Prints how many SYNs arrived, how many were sent, and the CPU seconds used. The kernel processes
# an arriving packet in its sender's CPU time.
set -eu
nft=$1
folder=$2
seconds=$3

# The machine's own namespace must stay unchanged.
[ "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$PPID/ns/net)" ] || {
    echo "packets.sh: runs in a network namespace of its own only" >&2
    exit 1
}
mount --bind "$folder" "$nft/tmp"
for setting in rp_filter=0 accept_local=1; do
    sysctl -q -w "net.ipv4.conf.all.$setting" "net.ipv4.conf.default.$setting"
done
ip link set lo up
ip link add eth1 address 02:00:00:00:00:01 type veth peer name sender address 02:00:00:00:00:02
ip link set eth1 up
ip link set sender up
while read -r address; do
    ip route add local "$address" dev lo
done <"$folder/addresses"
chroot "$nft" /usr/sbin/nft -f /tmp/firewall.nft
# The hook priority of IPVS itself (ip_vs_core.c). Packets stop here, so no answer is sent.
chroot "$nft" /usr/sbin/nft 'table inet ipvs { counter taken { }; chain in { type filter hook input priority 99; counter name taken; drop; }; }'
perl "${0%/*}/frames.pl" sender "$seconds" <"$folder/frames" >"$folder/sent"
chroot "$nft" /usr/sbin/nft list counter inet ipvs taken | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
cat "$folder/sent"
