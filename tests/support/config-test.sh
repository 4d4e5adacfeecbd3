#!/bin/sh
# Runs keepalived --config-test on many configs, with an unpacked keepalived and a director's
# interfaces, users, scripts and secrets.
#   unshare --net --mount sh config-test.sh FOLDER CASES
# (without root also with --map-root-user)
# Each folder in CASES has keepalived.conf, secrets, scripts/, and optionally `tracked` with the
# folders of tracked files; it gets `code` and `says`. INTERFACES and USERS are lists of names.
set -eu
folder=$1 cases=$2

{
    n=0
    for interface in $INTERFACES; do
        n=$((n + 1))
        echo "link add name $interface type veth peer name peer$n"
        echo "link set peer$n up"
        echo "link set $interface up"
    done
    cat <<'EOF'
link set lo up
address add 10.10.0.11/24 dev eth0
address add 2001:db8::11/64 dev eth0 nodad
address add 192.0.2.11/24 dev eth1
address add 2001:db8:1::11/64 dev eth1 nodad
EOF
} | ip -batch -

# Other tests share the folder: additions of this one are in memory.
mount -t tmpfs -o mode=0755 tmpfs "$folder/run"
cp -r "$folder/etc" "$folder/run/etc"
mount --bind "$folder/run/etc" "$folder/etc"
mount --rbind /proc "$folder/proc"
mount --rbind /dev "$folder/dev"
mkdir "$folder/etc/keepalived/cases"
mount --bind "$cases" "$folder/etc/keepalived/cases"
ln -s cases/current/secrets "$folder/etc/keepalived/lvs-ha-secrets.conf"

# Without root there is only one user id, whatever the name.
read -r _ _ ids </proc/self/uid_map
id=0
for user in $USERS; do
    echo "$user:x:$id:$id::/:/bin/sh" >>"$folder/etc/passwd"
    echo "$user:x:$id:" >>"$folder/etc/group"
    [ "$ids" -eq 1 ] || id=$((id + 1))
done

scripts=$folder/etc/keepalived/lvs-ha-scripts
for case in "$cases"/[0-9]*; do
    ln -sfn "${case##*/}" "$cases/current"
    rm -rf "$scripts" "$folder/run/tracked"
    # A copy, not a link: keepalived would call linked scripts insecure.
    cp -r "$case/scripts" "$scripts"
    if [ -e "$case/tracked" ]; then
        while read -r tracked; do mkdir -p "$folder$tracked"; done <"$case/tracked"
    fi
    code=0
    # keepalived 2.2.7 sends itself SIGTERM if a script's user differs from its own: lib/notify.c,
    # fixed in 2.2.8.
    timeout -s KILL 20 env --ignore-signal=TERM chroot "$folder" /usr/sbin/keepalived \
        --config-test --use-file /etc/keepalived/cases/current/keepalived.conf \
        >"$case/says" 2>&1 </dev/null || code=$?
    echo "$code" >"$case/code"
done
