#!/bin/sh
# Builds the disk image that guests of one Debian release boot from.
#   image.sh RELEASE OUTPUT MIRROR SECURITY-MIRROR GUEST-FILES [APT-OPTION...]
# The image has what a freshly installed minimal server has, plus nginx for the web hosts (off) and a unit that
# applies each guest's own seed disk. What the stack installs (keepalived, ipvsadm, a firewall) is not in it.
set -eu

release=$1
output=$2
mirror=$3
security=$4
files=$5
shift 5

# debootstrap's tools read these; a caller's locale isn't in the image.
export LC_ALL=C.UTF-8

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
root=$output.root
rm -rf "$root" "$output"
trap 'rm -rf "$root"' EXIT

packages=systemd-sysv,udev,dbus,kmod,procps,iproute2,ifupdown,iputils-ping,netbase
packages=$packages,openssh-server,sudo,ca-certificates,nginx-light

for option in "$@"; do
    set -- "$@" "--aptopt=$option"
    shift
done

# Before Debian 12 no package links / to /usr, as the installer does; the kernel's modules go to /usr/lib.
case $release in
bullseye)
    # shellcheck disable=SC2016 # $1 is the hook's
    set -- "$@" '--setup-hook=for folder in bin sbin lib lib32 lib64 libx32; do mkdir -p "$1/usr/$folder" && ln -s "usr/$folder" "$1/$folder" || exit; done'
    ;;
# Lists of a release to come are valid for a week, and a mirror may lag behind.
forky) set -- "$@" '--aptopt=Acquire::Check-Valid-Until "false"' ;;
esac

# The package lists stay (cleanup/apt), as on a real host: a guest's apt-get update is then mostly a question whether they
# changed.
mmdebstrap --mode=root --variant=minbase --format=directory --quiet \
    --keyring="$keyring" \
    --include="$packages" \
    --skip=cleanup/apt \
    --aptopt='Apt::Install-Recommends "false"' \
    --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$@" \
    "$release" "$root" \
    "deb [signed-by=$keyring] $mirror $release main" \
    "deb [signed-by=$keyring] $mirror $release-updates main" \
    "deb [signed-by=$keyring] $security $release-security main"

cp -a "$files/." "$root/"
chown -R 0:0 "$root/etc" "$root/usr/lib/lvs-ha-lab"

# apt's own index of the lists takes a guest 20 s to make.
chroot "$root" apt-cache gencaches >/dev/null
rm -f "$root"/var/cache/apt/archives/*.deb

# Each guest has its own: host keys come from the seed, the machine id is made at first boot.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"
: >"$root/etc/machine-id"
# This build's options for apt and dpkg; what guests need is in the guest files.
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
[ "$release" != forky ] || echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90-lab-testing"

rm "$root/etc/systemd/system/multi-user.target.wants/nginx.service"
mkdir -p "$root/etc/systemd/system/sysinit.target.requires"
ln -s ../lab-seed.service "$root/etc/systemd/system/sysinit.target.requires/lab-seed.service"

# Boot speed: hardware is not probed (devtmpfs has the disks, the seed names the interfaces), nobody sits at a console, and
# nothing is to wake up by itself during a measurement. logind, which a login without PAM has no use for, comes when it is asked
# for, by `reboot` for instance.
rm "$root/usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service"
for unit in \
    systemd-udev-trigger.service systemd-udev-settle.service ifupdown-pre.service ifupdown-wait-online.service \
    getty@.service serial-getty@.service console-getty.service getty-static.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer systemd-tmpfiles-clean.timer motd-news.timer man-db.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# Caches are as new as what they are made of; without these marks the first boot would make them again.
touch "$root/etc/.updated" "$root/var/.updated"

mke2fs -q -t ext4 -L lab-root -d "$root" "$output" 3G
