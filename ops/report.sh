#!/bin/sh
# Prints facts about a host. It runs as `sh -s -- WORD…` after templates/scripts/vrrp.sh; each word
# is a question. Read-only.
# An answer is a line "STATUS LENGTH NAME", LENGTH bytes and a newline; the line "0 0 end" follows
# the last answer.
set -u
export LC_ALL=C

# tell NAME COMMAND…: prints the command's output and exit status as an answer.
tell() {
    name=$1
    shift
    text=$("$@" && printf .0 || printf '.%s' "$?")
    status=${text##*.}
    text=${text%.*}
    printf '%s %s %s\n%s\n' "$status" "${#text}" "$name" "$text"
}

host() {
    tell now date +%s
    tell kernel uname -r
    tell system sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/os-release
    tell memory grep -E '^(MemTotal|MemAvailable):' /proc/meminfo
    tell conntrack cat /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max
    tell slabs grep -E '^(nf_conntrack|ip_vs_conn) ' /proc/slabinfo
    tell addresses ip -j addr show
    tell arp arp
    tell changed changed
    tell firewall firewall
}

# A change of its firewall that waits for another login, or went back because none came; and of when it is, and from where it came.
firewall() {
    [ -e /var/lib/lvs-ha/firewall-unconfirmed ] || return 0
    if [ -e /run/lvs-ha-firewall-asks ]; then echo waits; else echo back; fi
    cat /var/lib/lvs-ha/firewall-unconfirmed
}

# The time of the last run that changed this host, and its description.
changed() {
    [ ! -e /var/lib/lvs-ha/changed-by ] || { stat -c %Y /var/lib/lvs-ha/changed-by && cat /var/lib/lvs-ha/changed-by; }
}

arp() {
    for key in all.arp_ignore all.arp_announce lo.arp_ignore lo.arp_announce; do
        printf '%s %s\n' "$key" "$(cat "/proc/sys/net/ipv4/conf/$(printf %s "$key" | tr . /)")" || return
    done
}

director() {
    tell keepalived keepalived_version
    tell "service keepalived.service" service keepalived.service
    tell ipvs ipvs -Ln
    tell ipvs-rates ipvs -Ln --rate --exact
    tell ipvs-daemons ipvs -L --daemon
    tell vrrp-states vrrp_states_now
    tell vrrp-metrics vrrp_metrics
    tell pool-log pool_log
}

keepalived_version() {
    keepalived --version 2>&1 | head -n 1
}

# Without the module, print nothing: ipvsadm would load it, and a report changes nothing.
ipvs() {
    [ ! -e /proc/net/ip_vs ] || ipvsadm "$@"
}

service() {
    systemctl show "$1" -p LoadState -p ActiveState -p UnitFileState
}

vrrp_states_now() {
    vrrp_journal | vrrp_states /etc/lvs-ha/director
}

# Prints STATE INSTANCE from what metrics.sh remembers of states that keepalived's log no longer
# has, if it ran in the last 5 minutes. Older versions of metrics.sh lack the words searched for and
# reported unknown instances as backup: they are ignored.
vrrp_metrics() {
    find /var/lib/prometheus/node-exporter/lvs-ha.prom -mmin -5 2>/dev/null | while read -r prom; do
        ! grep -q 'nobody knows its state' "$prom" || sed -n 's/^lvs_ha_vrrp_instance_state{vrrp_instance="\(.*\)",state="\(.*\)"} 1$/\2 \1/p' "$prom"
    done
}

pool_log() {
    newest_first | grep -m 2000 -E '(Add|Remov|Enabl|Disabl)ing (sorry server|service) |Starting Healthcheck(er)? child process|Stopped Keepalived'
}

newest_first() {
    timeout 10 journalctl -r -u keepalived -o short-unix --no-pager -q
}

main() {
    for question in "$@"; do
        about=${question#*=}
        case $question in
        host) host ;;
        director) director ;;
        ipvs-rules)
            tell ipvs-rules ipvs -Sn
            tell ipvs-thresholds ipvs -Ln --thresholds
            ;;
        # Prints the file's text, or has status 1 if there is no such file.
        file=*) tell "file $about" cat "$about" 2>/dev/null ;;
        *)
            printf 'report: no such question: %s\n' "$question" >&2
            exit 64
            ;;
        esac
    done
    printf '0 0 end\n\n'
}

# The shell reads this script from standard input: keep its children from reading it.
main "$@" </dev/null
