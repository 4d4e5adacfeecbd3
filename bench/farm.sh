#!/bin/sh
# The stub hosts: an address on lo and an sshd for each. It is process 1 of namespaces of its own (see farm.ts), and all of it ends
# with it: when its standard input does, which is when the bench does.
#   farm.sh FOLDER SSHD OUTSIDE ADDRESS...
# In FOLDER:
#   sshd_config   what the sshds share, without an address
#   ADDRESS.log   what each says
# OUTSIDE are the mount and the network namespace of whoever starts it, as readlink(1) tells them: this must not run in those.
# SSHD is the machine's own, or in a Debian package that was unpacked: then its helpers and libraries are beside it.
set -eu

folder=$1
sshd=$2
outside=$3
shift 3
unpacked=${sshd%/usr/sbin/sshd}

# What is mounted below would be mounted on the machine itself.
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

# sshd wants these of a machine, which may never have had one: they are mounted here, and nowhere else.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
printf '%s\n' 'root:x:0:0::/:/bin/sh' 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin' >"$folder/passwd"
# Neither a password nor locked.
printf '%s\n' 'root:*:19000:0:99999:7:::' >"$folder/shadow"
chmod 600 "$folder/shadow"
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/shadow" /etc/shadow

if [ -n "$unpacked" ]; then
    # Since 9.8, sshd starts its other half by an absolute path.
    [ ! -e "$unpacked/usr/lib/openssh/sshd-session" ] || mount --bind "$unpacked/usr/lib/openssh" /usr/lib/openssh
    # Only what the machine lacks: the C library and its kin must be the machine's, all of them.
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
