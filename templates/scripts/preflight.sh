#!/bin/sh
# Is this host what the stack config says, and can it carry what is asked? Changes nothing.
# preflight.sh ROLE ID VERSION_ID SESSIONS "INTERFACE[=ADDRESS/PREFIX] …" "PACKAGE …"
set -eu
role=$1 id=$2 version=$3 sessions=$4 interfaces=$5
errors=0

say() {
    printf 'preflight: %s\n' "$*" >&2
}

wrong() {
    say "$@"
    errors=$((errors + 1))
}

[ "$(id -u)" = 0 ] || wrong "needs root, or a login with passwordless sudo"

# shellcheck source=/dev/null
found=$(. /etc/os-release && printf '%s %s' "$ID" "${VERSION_ID:-}")
[ "$found" = "$id $version" ] ||
    wrong "the stack config says $id $version, /etc/os-release says $found; set this host's os to what it is"

[ -d /run/systemd/system ] || wrong "systemd is not running; the stack's services need it"

for entry in $interfaces; do
    interface=${entry%%=*}
    if [ ! -e "/sys/class/net/$interface" ]; then
        have=$(cd /sys/class/net && printf '%s ' *)
        wrong "no interface $interface; this host has: $have"
        continue
    fi
    case $entry in
    *=*)
        address=${entry#*=}
        has=" $(ip -o addr show dev "$interface" | awk '{ printf "%s ", $4 }')"
        case $has in
        *" $address "*) ;;
        *) wrong "interface $interface does not have $address; it has:$has" ;;
        esac
        ;;
    esac
done

# Room for the packages and their lists.
for folder in /usr /var /etc; do
    free=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge 204800 ] || wrong "$folder has $((free / 1024)) MiB free; at least 200 are needed"
done

# What a session costs: the slab's own figure where the kernel tells it (256 B on 6.18), and tells it to this login, else 320 B, which
# covers every kernel since 5.10.
bytes=$(awk '$1 == "nf_conntrack" { print $4 }' /proc/slabinfo 2>/dev/null) || bytes=
bytes=${bytes:-320}
need=$((sessions * bytes / 1048576))
memory=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
say "conntrack: $sessions sessions x $bytes B = $need MiB when full, of $memory MiB memory"
[ "$need" -le "$memory" ] ||
    wrong "a full conntrack table would not fit in memory: lower kernel.conntrackMax (kernel.realServerConntrackMax on real servers) to at most $((memory * 1048576 / bytes))"

if [ "$role" = director ] && ! modprobe -n -q ip_vs && [ ! -e /proc/net/ip_vs ]; then
    wrong "this kernel ($(uname -r)) has no ip_vs module; a director needs it"
fi

# ipvsadm's own service would bring rules and sync daemons beside keepalived's at boot, and clears IPVS when its package is upgraded.
[ "$role" != director ] || for setting in AUTO=false DAEMON=none; do
    value=$(sed -n "s/^[[:space:]]*${setting%=*}=[\"']\{0,1\}\([^\"'[:space:]#]*\).*/\1/p" /etc/default/ipvsadm 2>/dev/null | tail -n 1)
    case $value in
    '' | "${setting#*=}") ;;
    *) wrong "/etc/default/ipvsadm has ${setting%=*}=$value: ipvsadm's own service would change what keepalived has in IPVS; set $setting there" ;;
    esac
done

[ "$errors" = 0 ] || {
    say "$errors found; nothing was changed on this host"
    exit 1
}
say "$found, kernel $(uname -r): fit to be a $role"
