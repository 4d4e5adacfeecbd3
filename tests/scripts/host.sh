#!/bin/sh
# A pretend host for templates/scripts, in namespaces, without root: /etc, /var/lib, /run and the
# uptime belong to the test.
# unshare --map-root-user --net --mount sh host.sh FOLDER COMMAND…: programs in FOLDER/bin come
# first, then those in FOLDER/stand-ins, then the machine's.
set -eu
folder=$1
shift
mount --bind "$folder/etc" /etc
mount --bind "$folder/var" /var/lib
mount --bind "$folder/run" /run
mount --bind "$folder/uptime" /proc/uptime
# Shows this namespace's interfaces instead of the machine's.
mount -t sysfs sysfs /sys
NETWORK=$(readlink /proc/self/ns/net)
export NETWORK FOLDER="$folder" PATH="$folder/bin:$folder/stand-ins:/usr/sbin:/usr/bin:/sbin:/bin" TMPDIR="$folder/tmp"
exec "$@"
