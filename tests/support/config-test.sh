#!/bin/sh
# keepalived --config-test on standard input, by an unpacked keepalived, with a director's interfaces in namespaces of its own.
# unshare --map-root-user --net --mount sh config-test.sh FOLDER SECRETS
set -eu
folder=$1
for interface in eth0 eth1; do
    ip link add "$interface" type veth peer name "peer-$interface"
    ip link set "$interface" up
    ip link set "peer-$interface" up
done
ip link set lo up
ip addr add 10.10.0.11/24 dev eth0
ip addr add 192.0.2.11/24 dev eth1
mount -t tmpfs tmpfs "$folder/tmp"
mount --rbind /proc "$folder/proc"
mount --rbind /dev "$folder/dev"
cat >"$folder/tmp/keepalived.conf"
# The folder itself is shared with other tests: what this one adds is in a copy. (2.3.3 reads its build options from there.)
mkdir "$folder/tmp/keepalived"
cp -r "$folder/etc/keepalived/." "$folder/tmp/keepalived"
mount --bind "$folder/tmp/keepalived" "$folder/etc/keepalived"
printf '%s' "$2" >"$folder/etc/keepalived/lvs-ha-secrets.conf"
exec chroot "$folder" /usr/sbin/keepalived --config-test --use-file /tmp/keepalived.conf
