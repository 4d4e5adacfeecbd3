#!/bin/sh
# Sets up the files of a director of the VRRP rig: an unpacked keepalived with the test's
# /etc/keepalived. Runs until standard input ends.
#   unshare --net --mount sh vrrp-director.sh FOLDER ETC
set -eu
folder=$1 etc=$2

# Other tests share the folder: additions of this one are in memory.
mount -t tmpfs -o mode=0755 tmpfs "$folder/run"
cp -r "$folder/etc" "$folder/run/etc"
mount --bind "$folder/run/etc" "$folder/etc"
mount --bind "$etc" "$folder/etc/keepalived"
mount --rbind /proc "$folder/proc"
mount --rbind /dev "$folder/dev"
# root exists in any case.
echo root:x:0:0::/:/bin/sh >>"$folder/etc/passwd"
echo root:x:0: >>"$folder/etc/group"
# Part of iproute2 on a real host. Without it, 2.3.3 asks `ip` for its version and crashes if it
# gets no answer.
mkdir -p "$folder/etc/iproute2"
echo 18 keepalived >"$folder/etc/iproute2/rt_addrprotos"
ip link set lo up
echo ready
exec cat
