#!/bin/sh
# Prints what the VRRP process of an unpacked keepalived has read from a config, in its own words
# (--dump-conf).
#   unshare --net --mount --pid --fork --kill-child sh keepalived-dump.sh FOLDER CONFIG
# (without root also with --map-root-user)
set -eu
folder=$1 config=$2

ip link add name eth0 type veth peer name eth1
for interface in lo eth0 eth1; do ip link set "$interface" up; done
ip address add 10.10.0.11/24 dev eth0

# Other tests share the folder: additions of this one are in memory.
mount -t tmpfs -o mode=0755 tmpfs "$folder/run"
cp -r "$folder/etc" "$folder/run/etc"
mount --bind "$folder/run/etc" "$folder/etc"
mount --rbind /proc "$folder/proc"
mount --rbind /dev "$folder/dev"
mkdir -p "$folder/etc/iproute2" "$folder/etc/keepalived"
# Part of iproute2 on a real host. Without it, 2.3.3 asks `ip` for its version and crashes if it
# gets no answer.
echo 18 keepalived >"$folder/etc/iproute2/rt_addrprotos"
# root exists in any case.
echo root:x:0:0::/:/bin/sh >>"$folder/etc/passwd"
echo root:x:0: >>"$folder/etc/group"
cp "$config" "$folder/etc/keepalived/keepalived.conf"

said=$folder/run/said
chroot "$folder" /usr/sbin/keepalived --vrrp --dont-fork --log-console --dump-conf \
    --use-file /etc/keepalived/keepalived.conf >"$said" 2>&1 </dev/null &
keepalived=$!
for _ in $(seq 100); do
    if grep -q -- '---< Interfaces >---' "$said"; then break; fi
    sleep 0.1
done
kill "$keepalived"
wait "$keepalived" || :
cat "$said"
