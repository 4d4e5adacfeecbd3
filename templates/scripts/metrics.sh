#!/bin/sh
# Metrics for Prometheus: metrics.sh apply|verify OWNER ROLE STATE SECONDS <SUMS | metrics.sh undo
# OWNER
# The timer runs `metrics.sh collect ROLE STATE`.
# ROLE is director or real-server. STATE is the wanted state of the host, serving or stopped. SUMS
# are lines of sha256sum(1).
# prometheus-node-exporter serves what `collect` writes. How the exporter is started is up to the
# host: the collectors needed here (ipvs, conntrack, textfile) are on by default.
set -eu
what=metrics
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
# shellcheck source=templates/scripts/foreign.sh
. "${0%/*}/foreign.sh"
# shellcheck source=templates/scripts/ipvs.sh
. "${0%/*}/ipvs.sh"
# shellcheck source=templates/scripts/vrrp.sh
. "${0%/*}/vrrp.sh"
packages="curl prometheus-node-exporter"
exporter=prometheus-node-exporter.service
prom=/var/lib/prometheus/node-exporter/lvs-ha.prom
sums=/etc/lvs-ha/files.sha256
timer=lvs-ha-metrics.timer
service=lvs-ha-metrics.service
units=/etc/systemd/system
services="$exporter $timer"
service_was=/var/lib/lvs-ha/exporter-was
# The place in the journal up to which it has been read.
cursor=/var/lib/lvs-ha/metrics-cursor
conf=/etc/keepalived/keepalived.conf
files="$sums $units/$service $units/$timer $service_was"

apply() {
    role=$2 state=$3 seconds=$4
    change "$1"
    say "$(grep -c '^lvs_ha_' $prom) of the load balancer, every $seconds s, on port 9100"
}

# Notes the exporter's state before its package is installed, because that starts it.
swap() {
    [ -e $service_was ] || service_state $exporter | record $service_was
    "${0%/*}/packages.sh" "$packages"
    written put
}

activate() {
    read_units
    enable_at_boot $exporter
    systemctl start $exporter
    enable_at_boot $timer
    systemctl restart $timer
    systemctl start $service || fail "they cannot be collected; see: journalctl -u $service"
}

prove() {
    shown || fail "$exporter does not show them on port 9100 of this host; see ARGS in /etc/default/prometheus-node-exporter, and: journalctl -u $exporter"
}

switch_back() {
    [ -e $units/$timer ] || rm -f $prom $cursor
}

verify() {
    verify_owner "$1"
    sh "${0%/*}/packages.sh" --verify "$packages"
    role=$2 state=$3 seconds=$4
    written verify_file
    verify_service $exporter
    verify_service $timer
    tell end verify
}

# written put|verify_file: the files that this script writes.
written() {
    "$1" $sums 0644 <"$scratch/input"
    "$1" $units/$service 0644 <<UNIT
[Unit]
Description=Metrics of the LVS load balancer

[Service]
Type=oneshot
ExecStart=$home/metrics.sh collect $role $state
TimeoutStartSec=60
Nice=10
# What systemd says of every run is information; what the script says is a failure.
LogLevelMax=notice
SyslogLevel=notice
RuntimeDirectory=lvs-ha-metrics
Environment=TMPDIR=/run/lvs-ha-metrics
CapabilityBoundingSet=CAP_NET_ADMIN CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/lvs-ha ${prom%/*}
ProtectHome=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
UNIT
    "$1" $units/$timer 0644 <<UNIT
[Unit]
Description=Metrics of the LVS load balancer, every $seconds s

[Timer]
OnActiveSec=1
OnUnitInactiveSec=$seconds
AccuracySec=1

[Install]
WantedBy=timers.target
UNIT
}

undo() {
    undo_for "$1"
    if [ -e $units/$timer ]; then
        systemctl -q disable --now $timer
        systemctl stop $service
    fi
    put_back $units/$timer
    put_back $units/$service
    systemctl daemon-reload
    put_back $sums
    rm -f $prom $cursor
    if [ -e $service_was ]; then
        read -r enabled active <$service_was
        [ "$enabled" = enabled ] || systemctl -q disable $exporter
        if [ "$active" != active ]; then
            systemctl stop $exporter
            say "$exporter stopped, as it was"
        fi
        rm $service_was
    fi
}

# Whether the exporter shows the collected metrics within 20 s.
shown() {
    tries=0
    until curl -fsS -m 5 --noproxy '*' http://127.0.0.1:9100/metrics >"$scratch/shown" 2>"$scratch/curl" && grep -q '^lvs_ha_' "$scratch/shown"; do
        tries=$((tries + 1))
        [ $tries -lt 20 ] || return 1
        sleep 1
    done
}

collect() {
    make_scratch
    umask 022
    if [ -f $prom ]; then
        cp $prom "$scratch/previous"
    else
        : >"$scratch/previous"
    fi
    {
        case $1 in
        director) director "$2" ;;
        real-server) real_server ;;
        esac
        drift
    } >$prom.new
    # The exporter reads only files whose name ends in .prom, so it never sees a half-written one.
    mv -f $prom.new $prom
    [ ! -e "$scratch/cursor" ] || mv -f "$scratch/cursor" $cursor
}

# metric NAME TYPE HELP: prints a metric. Each line of standard input is a sample: labels and value.
metric() {
    printf '# HELP lvs_ha_%s %s\n# TYPE lvs_ha_%s %s\n' "$1" "$3" "$1" "$2"
    sed "s/^/lvs_ha_$1/"
}

# is COMMAND…: prints 1 if the command succeeds, else 0.
is() {
    if "$@" >/dev/null 2>&1; then
        echo 1
    else
        echo 0
    fi
}

director() {
    up=0
    [ "$(running keepalived)" != running ] || up=1
    printf ' %s\n' "$up" | metric keepalived_up gauge "1: keepalived runs."
    is [ "$1" = serving ] | sed 's/^/ /' | metric keepalived_wanted gauge "1: keepalived is meant to run; 0: the stack has it in maintenance."
    news >"$scratch/log"
    virtual_addresses $conf >"$scratch/addresses"
    ip -o addr show >"$scratch/addr"
    awk '{ sub(/\/.*/, "", $4); print $4 }' "$scratch/addr" >"$scratch/own"
    vrrp_journal | vrrp_states $director_data >"$scratch/states"
    vrrp "$up"
    pool
    sync_daemon
}

# keepalived's log lines since the last run, or since the host's boot: SECONDS MESSAGE.
news() {
    [ ! -e $cursor ] || cp $cursor "$scratch/cursor"
    timeout 30 journalctl -q --no-pager -b -u keepalived -o short-unix --cursor-file="$scratch/cursor" >"$scratch/journal"
    sed -n 's/^\([0-9]*\)\.[0-9]* [^ ]* [^ ]*: /\1 /p' "$scratch/journal"
}

# From $scratch/previous, log, states, own and addresses: which addresses this director holds, since
# when, and how often that has changed. An instance with an unknown state has no state metric.
vrrp() {
    for name in held changed state transitions; do
        : >"$scratch/$name"
    done
    now=$(date +%s)
    awk -v up="$1" -v now="$now" -v out="$scratch/" -v members="$(vrrp_members $director_data)" "$vrrp_words"'
        function carried(name, labels) {
            return previous["lvs_ha_" name labels]
        }
        # Scripts that had no word for it took an instance for a backup of which they knew nothing.
        function carried_state(name,    j, labels) {
            for (j = 1; knew && j <= 3; j++) {
                labels = "{vrrp_instance=\"" name "\",state=\"" states[j] "\"}"
                if (carried("vrrp_instance_state", labels) == 1) return states[j]
            }
            return ""
        }
        # The log says some changes twice.
        function enter(name, to) {
            if (!(name in was)) was[name] = carried_state(name)
            if (was[name] != to && !vrrp_init) {
                entered[name, to]++
                last[name] = at
            }
            was[name] = to
        }
        BEGIN {
            split("master backup fault", states, " ")
            n_members = split(members, member, " ")
        }
        FILENAME ~ /previous$/ && /nobody knows its state/ { knew = 1 }
        FILENAME ~ /previous$/ { key = $0; sub(/ [^ ]*$/, "", key); previous[key] = $NF; next }
        FILENAME ~ /log$/ {
            at = $1
            sub(/^[0-9]+ /, "")
            to = tolower(vrrp_state($0))
            if (to == "") next
            if (!vrrp_group) enter(vrrp_name, to)
            else for (i = 1; i < n_members; i += 2) if (member[i] == vrrp_name) enter(member[i + 1], to)
            next
        }
        FILENAME ~ /states$/ && $2 == "started" { started = 1; next }
        FILENAME ~ /states$/ { to = tolower($2); sub(/^[^ ]+ [^ ]+ /, ""); state[$0] = to; next }
        FILENAME ~ /own$/ { own[$1]; next }
        {
            labels = "{address=\"" $1 "\",vrrp_instance=\"" $2 "\"}"
            held = ($1 in own) + 0
            at = carried("virtual_address_changed_timestamp_seconds", labels)
            if (carried("virtual_address_held", labels) != held "" || $2 in last) at = ($2 in last) ? last[$2] : now
            print labels, held >(out "held")
            print labels, at >(out "changed")
            if (held) holds[$2]
            if (!($2 in known)) { known[$2]; instances[++n] = $2 }
        }
        END {
            for (i = 1; i <= n; i++) {
                name = instances[i]
                # It said so longer ago than its log goes back.
                if (!(name in state) && !started) state[name] = carried_state(name)
                if (state[name] == "" && name in holds) state[name] = "master"
                for (j = 1; j <= 3; j++) {
                    labels = "{vrrp_instance=\"" name "\",state=\"" states[j] "\"}"
                    if (!up || state[name] != "") print labels, (up && state[name] == states[j]) + 0 >(out "state")
                    print labels, carried("vrrp_transitions_total", labels) + entered[name, states[j]] >(out "transitions")
                }
            }
        }
    ' "$scratch/previous" "$scratch/log" "$scratch/states" "$scratch/own" "$scratch/addresses"
    metric virtual_address_held gauge "1: this director has the virtual address." <"$scratch/held"
    metric virtual_address_changed_timestamp_seconds gauge "When it got or lost it." <"$scratch/changed"
    metric vrrp_instance_state gauge "1: the VRRP instance is in this state. None: nobody knows its state." <"$scratch/state"
    metric vrrp_transitions_total counter "Times that it has gone into this state, since the first look." <"$scratch/transitions"
}

# What keepalived.conf wants in IPVS, and what the kernel has. A fwmark above 65535 is the path of a
# check to a real server, not a service.
pool() {
    for name in wanted present in_pool wanted_weight weight changes; do
        : >"$scratch/$name"
    done
    [ ! -f $conf ] || wanted $conf >"$scratch/wanted"
    live $conf >"$scratch/live"
    : >"$scratch/names"
    [ ! -f $director_data ] || sed -n 's/^=n //p' $director_data >"$scratch/names"
    awk -v out="$scratch/" '
        # -t 192.0.2.100:80 is TCP 192.0.2.100:80; -f 1 -6 is FWM 1 IPv6.
        function service_of(    kind, i) {
            split("-t TCP -u UDP --sctp-service SCTP -f FWM", words, " ")
            for (i = 1; i <= 8; i += 2) if (words[i] == $2) kind = words[i + 1]
            return kind " " $3 ($4 == "-6" ? " IPv6" : "")
        }
        function place() {
            return $2 " " $3 ($4 == "-6" ? " -6" : "")
        }
        # One that was added by hand has none.
        function named(at, otherwise) {
            return at in name ? name[at] : otherwise
        }
        function word_after(option,    i) {
            for (i = 1; i < NF; i++) if ($i == option) return $(i + 1)
        }
        # As the log has it: [192.0.2.21]:tcp:80 is 192.0.2.21:80.
        function endpoint(logged,    address, port) {
            address = substr(logged, 2, index(logged, "]") - 2)
            port = logged
            sub(/.*:/, "", port)
            return (address ~ /:/ ? "[" address "]" : address) ":" port
        }
        function logged_service(at,    protocol) {
            if ($at == "FWM") return "FWM " $(at + 1)
            protocol = $at
            sub(/^[^]]*]:/, "", protocol)
            sub(/:.*/, "", protocol)
            return toupper(protocol) " " endpoint($at)
        }
        FILENAME ~ /previous$/ { key = $0; sub(/ [^ ]*$/, "", key); previous[key] = $NF; next }
        FILENAME ~ /log$/ {
            if ($2 ~ /^(Add|Remov|Enabl|Disabl)ing$/ && $3 == "service" && $6 == "VS") changes[logged_service(7), endpoint($4)]++
            next
        }
        FILENAME ~ /names$/ { at = $0; sub(/ [^ ]*$/, "", at); name[at] = $NF; next }
        FILENAME ~ /live$/ && $1 == "-A" { present[service_of()]; next }
        FILENAME ~ /live$/ && $1 == "-a" { weight[service_of(), word_after("-r")] = word_after("-w"); next }
        $2 == "-f" && $3 > 65535 { next }
        $1 == "-A" {
            service = service_of()
            virtual = "virtual_server=\"" named(place(), service) "\",service=\"" service "\""
            print "{" virtual "}", (service in present) + 0 >(out "present")
        }
        $1 == "-a" {
            real = word_after("-r")
            labels = "{" virtual ",real_server=\"" named(place() " -r " real, real) "\",destination=\"" real "\"}"
            print labels, ((service, real) in weight) + 0 >(out "in_pool")
            print labels, weight[service, real] + 0 >(out "weight")
            if (word_after("-w") != "*") print labels, word_after("-w") >(out "wanted_weight")
            logged = service
            sub(/ IPv6$/, "", logged)
            print labels, previous["lvs_ha_real_server_check_changes_total" labels] + changes[logged, real] >(out "changes")
        }
    ' "$scratch/previous" "$scratch/log" "$scratch/names" "$scratch/live" "$scratch/wanted"
    metric virtual_server_present gauge "1: the virtual server is in the kernel." <"$scratch/present"
    metric real_server_in_pool gauge "1: the real server is in IPVS." <"$scratch/in_pool"
    metric real_server_weight gauge "Its weight in IPVS; 0 where it is not there." <"$scratch/weight"
    metric real_server_wanted_weight gauge "Its weight in keepalived.conf, unless a check sets it." <"$scratch/wanted_weight"
    metric real_server_check_changes_total counter "Times that its checks have taken it out or in, since the first look." <"$scratch/changes"
}

# Only the daemons that the config wants: another owner's say nothing about this pair.
sync_daemon() {
    ipvsadm -L --daemon >"$scratch/daemons"
    options=$(wanted_sync_daemon $conf)
    is [ -n "$options" ] | sed 's/^/ /' | metric sync_daemon_wanted gauge "1: keepalived.conf wants the connection sync daemon."
    for role in master backup; do
        printf '{role="%s"} %s\n' $role "$(is is_wanted_daemon $role "$options" <"$scratch/daemons")"
    done | metric sync_daemon_running gauge "1: the kernel's connection sync daemon of this role runs, on the interface and with the id that keepalived.conf says."
}

real_server() {
    sed 's/^[^ ]*$/& lo/' /etc/lvs-ha/virtual-addresses | while read -r address device; do
        ip -o addr show dev "$device" >"$scratch/device" 2>/dev/null || : >"$scratch/device"
        printf '{address="%s",interface="%s"} %s\n' "$address" "$device" "$(is grep -qF " $address/" "$scratch/device")"
    done | metric loopback_address_present gauge "1: the real server has the virtual address."
}

# Files and sysctls that differ from what the stack has set.
drift() {
    sha256sum -c $sums 2>/dev/null >"$scratch/sums" || :
    sed -n 's/^\(.*\): OK$/{path="\1"} 0/p; s/^\(.*\): FAILED.*$/{path="\1"} 1/p' "$scratch/sums" |
        metric file_drifted gauge "1: the file is not as the stack wrote it."
    while read -r key _ value; do
        now=$(sysctl -n "${key#-}" 2>/dev/null | tr '\t' ' ') || now=
        # A - as in sysctl.d(5): the kernel needn't know the key.
        case $key in -*) [ -n "$now" ] || continue ;; esac
        printf '{sysctl="%s"} %s\n' "${key#-}" "$(is [ "$now" != "$value" ])"
    done </etc/sysctl.d/90-lvs-ha.conf | metric sysctl_drifted gauge "1: the sysctl has another value than the stack gave it."
    if [ -e /etc/lvs-ha/firewall.nft ]; then
        printf ' %s\n' "$(is nft list table inet lvs_ha)" | metric packet_filter_present gauge "1: the nftables table lvs_ha is in the kernel."
    fi
}

"$@"
