#!/bin/sh
# systemctl(1), as far as the host scripts use it. $FOLDER/systemd has a file for each unit in
# enabled/ and in active/ (running, or failed), packages' units in lib/, and in loaded/ what systemd
# has read of /etc/systemd/system. Orders are logged in $FOLDER/tmp/told. Programs that a unit runs
# find in $CALLER the process that gave the order.
set -eu
export CALLER=$PPID
now='' verb='' unit=''
for word; do
    case $word in
    -q) exec >/dev/null ;;
    --now) now=yes ;;
    --no-block) ;;
    -*) echo "Unknown option $word" >&2 && exit 64 ;;
    *) if [ "$verb" ]; then unit=$word; else verb=$word; fi ;;
    esac
done
case $unit in '' | *.*) ;; *) unit=$unit.service ;; esac
cd "$FOLDER/systemd"

read_units() {
    rm -rf loaded
    mkdir loaded
    [ ! -d /etc/systemd/system ] || cp -R /etc/systemd/system/. loaded
    # Files with other names are ignored.
    find loaded -type f ! -name '*.service' ! -name '*.timer' ! -name '*.conf' -delete
}

# The unit's file: the text that was read, or a file that has appeared since units were last read.
file() {
    for found in "loaded/$unit" "/etc/systemd/system/$unit" "lib/$unit"; do
        [ ! -f "$found" ] || return 0
    done
    return 1
}

# commands KEY: runs the unit's KEY=… lines. Programs of Debian's are run by name only, so that a
# test can replace them.
commands() {
    lines=$(sed -n "s|^$1=||p" "$found" | sed -E 's,^/usr/s?bin/,,')
    while read -r command; do
        sh -c "$command" >&2 9>&- </dev/null || {
            echo "Job for $unit failed because the control process exited with error code." >&2
            return 1
        }
    done <<LINES
$lines
LINES
}

begin() {
    commands ExecStart || {
        echo failed >"active/$unit"
        return 1
    }
    # A oneshot service is active only while it works, unless it says otherwise.
    if grep -q '^Type=oneshot' "$found" && ! grep -q '^RemainAfterExit=yes' "$found"; then
        rm -f "active/$unit"
    else
        echo active >"active/$unit"
    fi
}

end() {
    ! is_active || commands ExecStop || :
    rm -f "active/$unit"
    ! grep -q '^# transient' "$found" || rm "$found"
}

is_active() {
    read -r state 2>/dev/null <"active/$unit" && [ "$state" = active ]
}

known() {
    file || {
        echo "Failed to $verb $unit: Unit $unit not found." >&2
        exit "$1"
    }
}

case $verb in
is-active | is-enabled | daemon-reload) ;;
*) echo "$verb $unit" >>"$FOLDER/tmp/told" ;;
esac
case $verb in
is-active)
    is_active && echo active && exit 0
    cat "active/$unit" 2>/dev/null || echo inactive
    exit 3
    ;;
is-enabled)
    file || { echo "Failed to get unit file state for $unit: No such file or directory" >&2 && exit 1; }
    [ -e "enabled/$unit" ] && echo enabled && exit 0
    echo disabled
    exit 1
    ;;
enable | disable)
    known 1
    if [ "$verb" = enable ]; then echo >"enabled/$unit"; else rm -f "enabled/$unit"; fi
    read_units
    [ -z "$now" ] || if [ "$verb" = enable ]; then begin; else end; fi
    ;;
daemon-reload) read_units ;;
start)
    known 5
    is_active || begin
    ;;
stop)
    known 5
    end
    ;;
restart | reload-or-restart)
    known 5
    if [ "$verb" != restart ] && is_active && grep -q '^ExecReload=' "$found"; then
        commands ExecReload
    else
        end
        begin
    fi
    ;;
reload)
    known 5
    is_active || { echo "$unit is not active, cannot reload." >&2 && exit 1; }
    commands ExecReload
    ;;
*) echo "Unknown command verb $verb" >&2 && exit 64 ;;
esac
