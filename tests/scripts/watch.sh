#!/bin/sh
# Wraps mv, chmod, sync, flock and stat, under each of these names. Reports in $FOLDER/tmp/careless
# what a script does with files that a power cut, another change or another user would find half
# done. Each sync also sends the script a hangup.
set -eu
name=${0##*/}
PATH=${PATH#*:}
notes=$FOLDER/tmp
for last; do :; done

lasting() {
    case $1 in
    # The timer's next run rewrites these.
    */prometheus/* | */metrics-cursor) return 1 ;;
    /etc/* | /var/lib/*) return 0 ;;
    *) return 1 ;;
    esac
}

case $name in
sync)
    kill -HUP "$PPID"
    ! flock -n /run/lvs-ha.lock true || echo "changed without the lock: $*" >>"$notes/careless"
    for one; do
        if [ -d "$one" ]; then
            grep -vxF "$one" "$notes/unsynced" >"$notes/unsynced.new" || :
            mv "$notes/unsynced.new" "$notes/unsynced"
        else
            stat -c '%i %.9Y' "$one" >>"$notes/synced"
        fi
    done
    ;;
mv)
    into=$last
    [ -d "$last" ] || into=${last%/*}
    if lasting "$last"; then
        echo "$into" >>"$notes/unsynced"
        for one; do
            case $one in -* | "$last") continue ;; esac
            grep -qx "$(stat -c '%i %.9Y' "$one")" "$notes/synced" || echo "not on the disk before it counts: $one" >>"$notes/careless"
        done
    fi
    exec mv "$@"
    ;;
chmod)
    case $1 in
    0*)
        [ ! -s "$notes/strange" ] || exec chmod "$@"
        for one; do
            [ -f "$one" ] || continue
            [ $((0$(stat -c %a "$one") & ~$1)) = 0 ] || echo "was open to more than it is meant for: $one" >>"$notes/careless"
        done
        ;;
    esac
    exec chmod "$@"
    ;;
chown)
    stat -c '%i %.9Y' "$last" | grep -vxF -f - "$notes/strange" >"$notes/strange.new" || :
    mv "$notes/strange.new" "$notes/strange"
    ;;
stat)
    # Pretends that a file belongs to another user, which a test's namespace can't have.
    if grep -qxF "$(stat -c '%i %.9Y' "$last" 2>/dev/null)" "$notes/strange"; then stat "$@" | sed 's/0:0$/1000:0/'; else exec stat "$@"; fi
    ;;
flock)
    # The first program that asks for a run's lock waits for it. The other holder releases it when
    # nothing else can end the wait.
    [ -p "$notes/release" ] || exec flock "$@"
    "$FOLDER/bin/footprint" >"$FOLDER/looks/$(cat "$notes/asking")"
    flock "$@" &
    waits=$!
    until grep -q -- "-> FLOCK .* $waits " /proc/locks || [ ! -e /proc/$waits/fd/9 ]; do :; done
    echo >"$notes/release"
    rm "$notes/release"
    wait $waits
    ;;
esac
