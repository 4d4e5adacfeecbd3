#!/bin/sh
# Builds the guests' kernel, user-mode Linux, from Debian's packaged kernel source.
#   kernel.sh SOURCE-PACKAGE CONFIG DIRECTORY
# DIRECTORY gets `linux`, the kernel, and `modules`, what /usr/lib/modules is to have.
set -eu

package=$1
config=$2
directory=$3

export LC_ALL=C.UTF-8
work=$directory/work
source=$work/source
objects=$work/objects
mkdir -p "$source" "$objects"

echo "unpacking"
dpkg-deb -x "$package" "$work/package"
tar -xf "$work"/package/usr/src/linux-source-*.tar.xz -C "$source" --strip-components=1

um_make() { make -C "$source" "O=$objects" ARCH=um "$@"; }

echo "configuring"
um_make allnoconfig
(cd "$objects" && sh "$source/scripts/kconfig/merge_config.sh" -m .config "$config")
um_make olddefconfig
# Kconfig drops what it doesn't know or what lacks a dependency, and says nothing.
sed 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1=n/' "$objects/.config" >"$work/settings"
if lost=$(grep '^CONFIG_' "$config" | grep -Fvx -f "$work/settings"); then
    echo "this kernel version does not take these settings of $config, see its Kconfig files for why:" >&2
    echo "$lost" >&2
    exit 1
fi

um_make "-j$(nproc)"
um_make modules_install "INSTALL_MOD_PATH=$work/installed" INSTALL_MOD_STRIP=1

strip -o "$directory/linux" "$objects/linux"
mv "$work/installed/lib/modules" "$directory/modules"
# They would dangle in the guest.
find "$directory/modules" -type l -delete
rm -rf "$work"
