#!/bin/sh
# Is this host what the stack config says, and can it carry what is asked? Changes nothing.
# preflight.sh ROLE ID VERSION_ID|VERSION_CODENAME SESSIONS "INTERFACE[=ADDRESS/PREFIX] …" "PACKAGE …" ["REAL_SERVER …"]
# REAL_SERVERs are addresses that the director forwards to by direct routing, of which the stack config doesn't know the network.
set -eu
export LC_ALL=C
role=$1 id=$2 version=$3 sessions=$4 interfaces=$5 real_servers=${7:-}
errors=0

say() {
    printf 'preflight: %s\n' "$*" >&2
}

wrong() {
    say "$@"
    errors=$((errors + 1))
}

[ "$(id -u)" = 0 ] || wrong "needs root, or a login with passwordless sudo"

# Systems that no stack config may name, and why: as components/os/refused.ts has them.
why_refused() {
    case $1 in
    debian\ [89] | debian\ 10 | ubuntu\ 14.04 | ubuntu\ 16.04 | ubuntu\ 18.04 | ubuntu\ 20.04 | centos\ [67])
        echo "its keepalived is older than 2.1.5, the oldest that accepts what the stack writes"
        ;;
    esac
    # RHEL and most of its kin have the point release there: 9.6.
    case ${1%%.*} in
    centos\ [89] | centos\ 10 | rhel\ [89] | rhel\ 10 | rocky\ [89] | rocky\ 10 | almalinux\ [89] | almalinux\ 10 | ol\ [89] | ol\ 10)
        echo "it has dnf and firewalld, which the stack does not support yet"
        ;;
    esac
}

way="import its configuration first (lvs import), then reinstall the directors one by one with a system of docs/systems.md"
if [ ! -r /etc/os-release ]; then
    wrong "there is no /etc/os-release, as on systems that are too old for the stack (CentOS 6, for one): $way"
else
    # A release to come has no VERSION_ID.
    # shellcheck source=/dev/null
    found=$(. /etc/os-release && printf '%s %s' "$ID" "${VERSION_ID:-${VERSION_CODENAME:-}}")
    # shellcheck source=/dev/null
    by_codename=$(. /etc/os-release && printf '%s %s' "$ID" "${VERSION_CODENAME:-}")
    why=$(why_refused "$found")
    if [ -n "$why" ]; then
        wrong "this is $found, which the stack does not support: $why; $way"
    elif [ "$found" != "$id $version" ] && [ "$by_codename" != "$id $version" ]; then
        wrong "the stack config says $id $version, /etc/os-release says $found; set this host's os to what it is"
    fi
fi

[ -d /run/systemd/system ] || wrong "systemd is not running; the stack's services need it"

# Its kernel is another host's: modules and some kernel values can't be set here.
container=$(systemd-detect-virt --container) || container=
case ${container:+$role} in
director) wrong "this is a container ($container), and IPVS is its host's kernel's; a director needs a virtual machine or a machine of its own" ;;
real-server) say "this is a container ($container): what its kernel doesn't let it set must be set on the host that runs it: net.netfilter.nf_conntrack_max and _buckets, and the module nf_conntrack" ;;
esac

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

for address in $real_servers; do
    route=$(ip -o route get "$address" 2>/dev/null) || route="via nothing"
    case $route in
    *"via "*)
        gateway=${route#*via }
        wrong "$address is reached via ${gateway%% *}, and direct routing reaches this host's own segments only; its forwarding must be TUN or NAT"
        ;;
    esac
done

# systemd-networkd takes off an interface that it manages whatever address it didn't put there, at each of its starts (seen of lo with 257).
# drops DEVICE: sets $file to the file by which it would.
drops() {
    file=$(networkctl --no-pager status "$1" 2>/dev/null | sed -n 's/^ *Network File: *\//\//p')
    [ -n "$file" ] || return
    keeps=$(cat "$file" /usr/lib/systemd/network/"${file##*/}".d/*.conf /run/systemd/network/"${file##*/}".d/*.conf /etc/systemd/network/"${file##*/}".d/*.conf 2>/dev/null |
        sed -n 's/^[[:space:]]*KeepConfiguration[[:space:]]*=[[:space:]]*//p' | tail -n 1) || keeps=
    case $keeps in
    yes | static) return 1 ;;
    esac
}

if [ "$role" = real-server ]; then
    ways="have that file match other interfaces ([Match] Name=!lo tunl0 ip6tnl0), or keep what is there ([Network] KeepConfiguration=static)"
    ! drops lo || wrong "systemd-networkd manages lo by $file and takes virtual addresses off it at each of its starts: $ways"
    # Somebody else's tunnels may use these, where the stack has no service by TUN.
    for device in tunl0 ip6tnl0; do
        ! drops $device || say "systemd-networkd manages $device by $file, and would take virtual addresses off it at each of its starts; with forwarding TUN, $ways"
    done
fi

# read_only FOLDER: what is mounted last of what it can be under decides.
read_only() {
    awk -v folder="$1/" '
        index(folder, $2 == "/" ? "/" : $2 "/") == 1 && length($2) >= longest { longest = length($2); options = $4 }
        END { exit options !~ /^ro(,|$)/ }
    ' /proc/mounts
}

for folder in /usr /usr/local/lib /var/lib /etc; do
    ! read_only "$folder" || wrong "$folder is mounted read-only; packages, scripts and files go there"
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

# check_options WHERE WORDS: the options of keepalived(8) that leave it whole, with the stack's config and its log, and that let it clean up
# when it stops: the others of 2.2.7 and 2.3.3 (main.c) don't.
check_options() {
    is_argument=
    for word in $2; do
        [ -z "$is_argument" ] || {
            is_argument=
            continue
        }
        # Several letters can stand behind one -, and the first that takes an argument ends them.
        letters=${word%%[SA]*}
        case $word in
        \$DAEMON_ARGS | \$\{DAEMON_ARGS\}) ;;
        --log-detail | --dump-conf | --dont-fork | --address-monitoring | --snmp | --core-dump | --log-facility=* | --snmp-agent-socket=*) ;;
        --log-facility | --snmp-agent-socket) is_argument=yes ;;
        -[!-]*)
            case $letters in
            -*[!Ddnaxm]*) not_allowed "$1" "$word" "$2" ;;
            "$word") ;;
            *) [ "${#word}" -gt $((${#letters} + 1)) ] || is_argument=yes ;;
            esac
            ;;
        *) not_allowed "$1" "$word" "$2" ;;
        esac
    done
}

not_allowed() {
    wrong "$1 has $2 ($3); take it out: only -D, -d, -n, -a, -x, -m, -S and -A, and their long names, leave keepalived as the stack needs it"
}

# A change is proven by what keepalived says of it, and by the config that it reads.
if [ "$role" = director ]; then
    [ -n "$(journalctl -q -n 1 -o cat --no-pager 2>/dev/null)" ] ||
        wrong "the journal is empty, so that keepalived could say nothing of a change; see Storage= in journald.conf(5)"
    # keepalived says as info that it has taken a config, and in what state VRRP is.
    level=$(systemd-analyze cat-config systemd/journald.conf 2>/dev/null | sed -n 's/^[[:space:]]*MaxLevelStore[[:space:]]*=[[:space:]]*//p' | tail -n 1)
    case $level in
    '' | info | debug | 6 | 7) ;;
    *) wrong "journald.conf has MaxLevelStore=$level, so that the journal lacks what keepalived says of a change; set it to info" ;;
    esac
    # As systemd reads it: a line goes on behind a backslash, the last one counts, and quotes around the whole are none of it.
    inherited=$(sed -n ':line
        /\\$/ { N; s/\\\n/ /; t line
        }
        s/^[[:space:]]*DAEMON_ARGS=//p' /etc/default/keepalived 2>/dev/null | sed -n '$ { s/[[:space:]]*$//; s/^\(["'\'']\)\(.*\)\1$/\2/; p; }')
    check_options "DAEMON_ARGS of /etc/default/keepalived" "$inherited"
    # Where the package is there already. An operator's drop-in may start it otherwise.
    started=$(systemctl show --property=ExecStart --value keepalived.service 2>/dev/null | sed -n '$s/^{ path=[^ ]* ; argv\[\]=[^ ]* \(.*\) ; ignore_errors=.*/\1/p')
    check_options "ExecStart of keepalived.service" "$started"
    [ ! -e /sys/class/net/kube-ipvs0 ] ||
        wrong "kube-proxy forwards by IPVS here (interface kube-ipvs0), and takes out the virtual servers of others; a director needs a host of its own, or kube-proxy another mode"
fi

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
