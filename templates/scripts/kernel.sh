#!/bin/sh
# Loads modules and sets sysctls: kernel.sh apply|verify OWNER <FILES | kernel.sh undo OWNER
# Every sysctl is read back. If the kernel has stored another value or doesn't know the key, the
# script fails and restores all earlier values.
# As in sysctl.d(5), a - before a key marks one that the kernel needn't know.
set -eu
what=kernel
# shellcheck source=templates/scripts/transaction.sh
. "${0%/*}/transaction.sh"
values=/var/lib/lvs-ha/sysctl-original
# Lines "KEY OTHER VALUE": the value of OTHER before the stack set KEY, which changes OTHER, too.
others=/var/lib/lvs-ha/sysctl-original-others
# The value of net.ipv4.vs.expire_nodest_conn that drain.sh found before turning it on for a while.
anew_was=/run/lvs-ha-expire-nodest-conn-was
modules=/etc/modules-load.d/lvs-ha.conf
options=/etc/modprobe.d/lvs-ha.conf
sysctls=/etc/sysctl.d/90-lvs-ha.conf
files="$options $modules $sysctls $values $others"

apply() {
    split_files
    new=$scratch/files
    : >"$scratch/without"
    change "$1"
    rm -f $anew_was
    [ -f "$new$options" ] || put_back $options
    say "$(without "$scratch/sysctls") sysctls and $(without $modules) modules as configured, read back"
    # Only a warning: the file is the operator's, perhaps from a pair that is being taken over.
    later=$(otherwise)
    [ -z "$later" ] || printf '%s\n' "$later" | while read -r line; do
        say "the next boot undoes this: $line; take the line out of that file, or set the value in the stack config"
    done
}

# The module options come before the modules, which read them when loaded. The other files come when
# the kernel has accepted everything.
swap() {
    touch $values $others
    written put $options
}

activate() {
    while read -r module; do
        modprobe "$module" || not_here "$module" "module $module cannot be loaded on kernel $(uname -r)"
    done <"$new$modules"
    pending=$(after_reboot)
    [ -z "$pending" ] || say "$pending"
    known "$new$sysctls" >"$scratch/sysctls"
    note_values
    # A sysctl that the stack no longer sets goes back to what it was.
    while read -r key value; do
        sets "$key" "$scratch/sysctls" || restore "$key" "$value"
    done <"$scratch/values"
    while read -r key equals value; do
        sets "$key" "$scratch/without" || [ "$(read_value "$key")" = "$value" ] || write "$key" "$value"
    done <"$scratch/sysctls"
}

# Some sysctls change others: forwarding for all interfaces changes it for each one.
prove() {
    while read -r key equals value; do
        ! sets "$key" "$scratch/without" || continue
        now=$(read_value "$key")
        [ "$now" = "$value" ] || fail "$key was set to $value but reads back as $now: another line of $sysctls changes it, too"
    done <"$scratch/sysctls"
    written put $modules $sysctls
    still_set "$scratch/others" | record $others
    still_set "$scratch/values" | record $values
}

# Notes the current value of everything that may change: for undo, and in the journal for going
# back.
note_values() {
    cp $values "$scratch/values"
    cp $others "$scratch/others"
    while read -r key equals value; do
        [ "$equals" = "=" ] || fail "not a sysctl line: $key $equals $value"
        now=$(read_value "$key") || {
            not_here "$key" "$key: this kernel ($(uname -r)) doesn't know it"
            continue
        }
        sets "$key" "$scratch/values" || {
            [ "$key" != net.ipv4.vs.expire_nodest_conn ] || [ ! -e $anew_was ] || now=$(cat $anew_was)
            printf '%s %s\n' "$key" "$now" >>"$scratch/values"
            changed_by "$key" | sed "s|^|$key |" >>"$scratch/others"
        }
    done <"$scratch/sysctls"
    # A note left by an interrupted run is older and therefore wins. Each key is followed by the
    # keys that change with it.
    {
        [ ! -e "$journal/values" ] || cat "$journal/values"
        while read -r key value; do
            now=$(read_value "$key") || continue
            printf '%s %s\n' "$key" "$now"
            changed_by "$key"
        done <"$scratch/values"
    } | awk '{ if (!($1 in first)) first[$1] = $0; print first[$1] }' >"$scratch/before"
    record "$journal/values" <"$scratch/before"
    record $others <"$scratch/others"
    record $values <"$scratch/values"
}

verify() {
    split_files
    new=$scratch/files
    verify_owner "$1"
    written verify_file $options $modules $sysctls
    while read -r module; do
        ! is_loaded "$module" || echo "$module"
    done <"$new$modules" >"$scratch/loaded"
    differs "kernel modules" "$new$modules" "$scratch/loaded"
    after_reboot >"$scratch/pending"
    [ ! -s "$scratch/pending" ] || tell note "size of IPVS's table" "$scratch/pending"
    known "$new$sysctls" >"$scratch/sysctls"
    while read -r key equals value; do
        now=$(read_value "$key") || now=
        printf '%s = %s\n' "$key" "$now"
    done <"$scratch/sysctls" >"$scratch/values"
    differs "sysctls" "$scratch/sysctls" "$scratch/values"
    # A run of this script also only reports these.
    if otherwise >"$scratch/otherwise"; then
        differs "sysctls that the next boot sets otherwise" /dev/null "$scratch/otherwise"
    else
        cannot_tell "sysctls that the next boot sets otherwise" "the files in sysctl.d can't be read"
    fi
    tell end verify
}

# written put|verify_file FILE…: for each of these files that the stack has.
written() {
    with=$1
    shift
    for file; do
        [ ! -f "$new$file" ] || "$with" "$file" 0644 <"$new$file"
    done
}

# A module parameter keeps the value that the module was loaded with.
after_reboot() {
    parameter=/sys/module/ip_vs/parameters/conn_tab_bits
    [ -f "$new$options" ] && [ -r $parameter ] || return 0
    wanted_bits=$(sed -n 's/^options ip_vs conn_tab_bits=//p' "$new$options")
    live_bits=$(cat $parameter)
    if [ -n "$wanted_bits" ] && [ "$live_bits" != "$wanted_bits" ]; then
        echo "ip_vs was loaded with conn_tab_bits=$live_bits; $wanted_bits comes with the next reboot"
    fi
}

# Loaded, or built into the kernel.
is_loaded() {
    [ -e "/sys/module/$(printf %s "$1" | tr - _)" ] ||
        grep -qs "/$(printf %s "$1" | sed 's/[-_]/[-_]/g')\.ko" "/lib/modules/$(uname -r)/modules.builtin"
}

# Lists what the next boot would set to other values, because a file read after the stack's says so,
# one per line: FILE:LINE: KEY = VALUE, in place of VALUE. Follows sysctl.d(5): files in order of
# their names; of two files with the same name, the one in the folder listed first here; the last
# line wins; a pattern never beats a name. ufw's own file comes last, if ufw is on.
otherwise() {
    [ -f $sysctls ] || return 0
    {
        read_after $sysctls
        ! grep -qi '^ENABLED=yes' /etc/ufw/ufw.conf 2>/dev/null || echo /etc/ufw/sysctl.conf
    } | {
        while read -r file; do
            [ ! -f "$file" ] || printf '%s\n' "$file"
        done
    } | awk -v ours=$sysctls '
        # The kernel has one value under both names.
        function name(text) {
            text = spelled(text)
            if (text == "net/ipv4/conf/all/forwarding") return "net/ipv4/ip_forward"
            if (text == "net/nf_conntrack_max") return "net/netfilter/nf_conntrack_max"
            return text
        }
        # With slashes; where the first of both is a dot, each stands for the other.
        function spelled(text,    swapped, i, c) {
            sub(/^-/, "", text)
            if (match(text, /[.\/]/) == 0 || substr(text, RSTART, 1) == "/") return text
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                swapped = swapped (c == "." ? "/" : c == "/" ? "." : c)
            }
            return swapped
        }
        function read(file,    line, number, at, key, value) {
            while ((getline line <file) > 0) {
                number++
                if (line ~ /^[ \t]*([#;]|$)/ || !(at = index(line, "="))) continue
                key = substr(line, 1, at - 1)
                value = substr(line, at + 1)
                gsub(/[ \t]/, "", key)
                gsub(/[ \t]+/, " ", value)
                gsub(/^ | $/, "", value)
                if (file == ours) {
                    wanted[name(key)] = value
                    order[++keys] = name(key)
                } else {
                    now[name(key)] = value
                    said[name(key)] = file ":" number ": " key " = " value
                }
            }
            close(file)
        }
        BEGIN { read(ours) }
        { read($0) }
        END {
            for (i = 1; i <= keys; i++)
                if (order[i] in now && now[order[i]] != wanted[order[i]])
                    print said[order[i]] ", in place of " wanted[order[i]]
        }
    ' || return
    # modprobe passes the options from all files; if an option appears twice, the last one counts.
    [ -f $options ] || return 0
    bits=$(sed -n 's/^options ip_vs conn_tab_bits=//p' $options)
    [ -n "$bits" ] || return 0
    read_after $options | while read -r file; do
        [ ! -f "$file" ] || awk -v OFS=: '$1 == "options" && $2 ~ /^ip[-_]vs$/ { print FILENAME, NR, " " $0 }' "$file"
    done | sed -n 's/\(.*: \).*[[:space:]]conn_tab_bits=\([0-9]*\).*/\1conn_tab_bits = \2/p' | sed -n "\$ { / = $bits\$/!s/\$/, in place of $bits/p; }"
}

# read_after FILE: the files read after FILE, in order, from the folders of the same kind.
read_after() {
    kind=${1%/*}
    for folder in /etc /run /usr/local/lib /usr/lib; do
        for file in "$folder/${kind##*/}"/*.conf; do
            [ ! -e "$file" ] || printf '%s\t%s\n' "${file##*/}" "$file"
        done
    done | awk -F '\t' -v ours="${1##*/}" '!seen[$1]++ && $1 > ours' | sort | cut -f 2
}

switch_back() {
    [ -e "$journal/values" ] || return 0
    while read -r key value; do
        now=$(read_value "$key") || continue
        [ "$now" = "$value" ] || (write "$key" "$value") || left="$left; $key could not be set to $value"
    done <"$journal/values"
}

undo() {
    undo_for "$1"
    if [ -f $values ]; then
        [ ! -f $others ] || cp $others "$scratch/others"
        while read -r key value; do
            restore "$key" "$value"
        done <$values
        rm $values
        rm -f $others
    fi
    for file in $options $modules $sysctls; do
        put_back "$file"
    done
}

# known FILE: its lines, without the optional ones that this kernel doesn't know.
known() {
    while read -r key equals value; do
        name=${key#-}
        [ "$name" = "$key" ] || read_value "$name" >/dev/null || continue
        printf '%s %s %s\n' "$name" "$equals" "$value"
    done <"$1"
}

# sets KEY FILE: whether a line of FILE begins with KEY.
sets() {
    awk -v key="$1" '$1 == key { found = 1 } END { exit !found }' "$2"
}

# still_set NOTES: the notes whose keys the stack still sets.
still_set() {
    while read -r key value; do
        ! sets "$key" "$scratch/sysctls" || printf '%s %s\n' "$key" "$value"
    done <"$1"
}

# changed_by KEY: prints "OTHER VALUE" for each key that the kernel changes along with KEY.
# Forwarding for all interfaces sets it for each interface, and for IPv4 also the acceptance of
# redirects for all: inet_forward_change() in devinet.c, addrconf_fixup_forwarding() in addrconf.c.
changed_by() {
    case $(printf '%s\n' "$1" | tr . /) in
    net/ipv4/ip_forward | net/ipv4/conf/all/forwarding)
        family=ipv4
        set -- net/ipv4/conf/all/accept_redirects
        ;;
    net/ipv6/conf/all/forwarding)
        family=ipv6
        set --
        ;;
    *) return 0 ;;
    esac
    for file in "/proc/sys/net/$family/conf"/*/forwarding; do
        case $file in
        */all/forwarding) ;;
        *) set -- "$@" "${file#/proc/sys/}" ;;
        esac
    done
    for other; do
        printf '%s %s\n' "$other" "$(read_value "$other")"
    done
}

# sysctl(8) takes keys as sysctl.d(5) writes them: net.ipv4.conf.eth1.accept_local,
# net/ipv4/conf/eth1.100/accept_local.
read_value() {
    value_now=$(sysctl -n "$1" 2>/dev/null) || return 1
    printf '%s\n' "$value_now" | tr '\t' ' '
}

# A key of an interface disappears with it. Values that the kernel changed along with this one are
# restored after it.
restore() {
    if read_value "$1" >/dev/null; then
        write "$1" "$2"
    else
        say "$1 is no more"
    fi
    [ -f "$scratch/others" ] || return 0
    awk -v key="$1" '$1 == key { print $2, $3 }' "$scratch/others" >"$scratch/of-key"
    while read -r other was; do
        now=$(read_value "$other") || continue
        [ "$now" = "$was" ] || write "$other" "$was"
    done <"$scratch/of-key"
}

# not_here NAME WORDS: an error, except in a container, where the kernel is the host's: there the
# script continues without NAME.
not_here() {
    container=$(systemd-detect-virt --container) || fail "$2"
    say "$2; this is a container ($container): set it on the host that runs it; this goes on without it"
    echo "$1" >>"$scratch/without"
}

# without FILE: the number of its lines that apply on this host.
without() {
    while read -r name rest; do
        sets "$name" "$scratch/without" || echo "$name $rest"
    done <"$1" | wc -l
}

# write KEY VALUE
write() {
    case $1 in
    net[./]ipv4[./]vs[./]conn_lfactor) resize "$1" "$2" ;;
    *) set_value "$1" "$2" ;;
    esac
}

# While a kernel resizes IPVS's table, a lookup finds the old connection of a client's port rather
# than a newer one on the same port (conn_resize_work_handler() in 7.2's ip_vs_conn.c). Until that
# is over, a reused port goes where it went before, so that no second entry is made for it.
resize() {
    reuse=$(read_value net.ipv4.vs.conn_reuse_mode)
    set -- "$1" "$2" "$reuse" "$(read_value net.ipv4.vs.expire_nodest_conn)"
    set_value net.ipv4.vs.conn_reuse_mode 0
    set_value net.ipv4.vs.expire_nodest_conn 0
    set_value "$1" "$2"
    # The resize waits for readers of the table, which are packets, and then moves the entries.
    sleep 1
    set_value net.ipv4.vs.expire_nodest_conn "$4"
    set_value net.ipv4.vs.conn_reuse_mode "$3"
}

set_value() {
    sysctl -q -w "$1=$2" >&2 || {
        not_here "$1" "$1 = $2 was refused"
        return 0
    }
    now=$(read_value "$1")
    [ "$now" = "$2" ] || {
        not_here "$1" "$1 was set to $2 but reads back as $now"
        return 0
    }
    say "$1 = $2"
}

"$@"
