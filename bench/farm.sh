#!/bin/sh
# The stub hosts: one address on lo and one sshd for each. This script is process 1 of its own
# namespaces (see farm.ts). It ends when its standard input ends, which is when the bench ends, and
# everything else ends with it.
#   farm.sh FOLDER SSHD OUTSIDE ADDRESS...
# In FOLDER:
#   sshd_config   the sshds' shared settings, without an address
#   ADDRESS.log   each sshd's log
# OUTSIDE is the caller's mount and network namespace, as readlink(1) prints them: the script must
# not run in those.
# SSHD is the machine's own, or one in an unpacked Debian package with its helpers and libraries
# beside it.
set -eu

folder=$1
sshd=$2
outside=$3
shift 3
unpacked=${sshd%/usr/sbin/sshd}

# In the machine's namespaces, the mounts below would be the machine's own.
refuse() {
    echo "farm.sh: runs in a mount and a network namespace of its own only" >&2
    exit 1
}
for kind in mnt net; do
    own=$(readlink "/proc/self/ns/$kind")
    case $outside in
        *"$own"*) refuse ;;
        *"$kind:["*) ;;
        *) refuse ;;
    esac
done

# sshd needs these on a machine that may never have had one. They are mounted only in this
# namespace.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
printf '%s\n' 'root:x:0:0::/:/bin/sh' 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin' >"$folder/passwd"
# No password, but not locked.
printf '%s\n' 'root:*:19000:0:99999:7:::' >"$folder/shadow"
chmod 600 "$folder/shadow"
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/shadow" /etc/shadow

if [ -n "$unpacked" ]; then
    # Since 9.8, sshd starts its second program by an absolute path.
    [ ! -e "$unpacked/usr/lib/openssh/sshd-session" ] || mount --bind "$unpacked/usr/lib/openssh" /usr/lib/openssh
    # Only libraries that the machine lacks: the C library and its companions must all be the
    # machine's own.
    mkdir "$folder/libraries"
    for library in "$unpacked"/usr/lib/*-linux-gnu/lib*.so.*; do
        [ -e "/${library#"$unpacked/"}" ] || ln -s "$library" "$folder/libraries/"
    done
    export LD_LIBRARY_PATH="$folder/libraries"
fi

ip link set lo up
for address; do
    ip address add "$address/32" dev lo
    "$sshd" -D -f "$folder/sshd_config" -o "ListenAddress=$address" -E "$folder/$address.log" &
done
exec cat
