# shellcheck shell=sh
# Sourced by transaction.sh. Turns a change that was interrupted under a version of the stack
# without journals into a change with a journal, so that the next run can continue it or go back.
# That version kept the earlier content beside each file. FILE.lvs-ha-previous is complete if there
# is a mark; the mark holds the state before the change. FILE.lvs-ha-before is a second name, which
# exists from before the change until after it.
# shellcheck disable=SC2154 # the scripts that source transaction.sh set these

adopt() {
    mark='' kind=previous
    case $what in
    keepalived)
        mark=/var/lib/lvs-ha/keepalived-unproven
        set -- "$conf" "$data"
        for one in "$scripts"/* "$scripts.lvs-ha-previous"/*; do
            ! is_there "$one" || set -- "$@" "$scripts/${one##*/}"
        done
        ;;
    secrets)
        mark=$files.changed
        set -- "$files"
        ;;
    version)
        mark=/var/lib/lvs-ha/keepalived-version-unproven
        set --
        ;;
    *)
        kind=before
        # shellcheck disable=SC2086 # paths of ours
        set -- $files
        ;;
    esac
    is_begun || adopt_files "$@"
    [ -z "$mark" ] || rm -f "$mark" "$mark.new"
    for one; do
        rm -f "$(earlier_of "$one")" "$one.lvs-ha-new" "${one%/*}/.lvs-ha-new"
    done
    [ -z "${scripts:-}" ] || rm -rf "$scripts.lvs-ha-previous"
}

# earlier_of FILE
earlier_of() {
    case $1 in
    "${scripts:-/}"/*) echo "$scripts.lvs-ha-previous/${1##*/}" ;;
    *) echo "$1.lvs-ha-$kind" ;;
    esac
}

adopt_files() {
    [ -z "$mark" ] || [ -e "$mark" ] || return 0
    # The second names were made one by one: a file after the last one may have existed, too.
    unsure=
    for one; do
        before=$(earlier_of "$one")
        # An existing note of the time before the stack stays, unless it says the same as this.
        noted=new
        if is_there "$before"; then
            ln -fP "$before" "$(before_of "$one")"
            ! is_there "$original$one" || is_same "$before" "$original$one" || noted=noted
            [ ! -e "$original$one.absent" ] || noted=noted
            printf '%s%s\n' "$unsure" "there $noted $one"
            unsure=
        else
            ! is_there "$original$one" || noted=noted
            unsure="${unsure}absent $noted $one
"
        fi
    done >"$scratch/kept"
    [ -z "$mark" ] || printf '%s' "$unsure" >>"$scratch/kept"
    [ -n "$mark" ] || [ -s "$scratch/kept" ] || return 0
    case $what in
    keepalived)
        sed 's/$/ keepalived/; q' "$mark" | record "$journal/services"
        sed 1d "$mark" | record "$journal/in"
        ;;
    *)
        for one in $services; do
            if grep -qx "absent [a-z]* /etc/systemd/system/$one" "$scratch/kept"; then
                echo "absent inactive $one"
            else
                echo "enabled active $one"
            fi
        done | record "$journal/services"
        ;;
    esac
    [ "$what" != kernel ] || sysctls_before | record "$journal/values"
    [ "$what" != version ] || cut -d ' ' -f 2- "$mark" | record "$journal/version"
    cut -d ' ' -f 3- "$scratch/kept" | record "$journal/all"
    record "$journal/files" <"$scratch/kept"
}

# The kernel's values before the change: from the stack's previous file, and for keys that it didn't
# set, from the note of the time before the stack.
sysctls_before() {
    for one in "$(earlier_of "$sysctls")" "$others" "$values"; do
        [ ! -f "$one" ] || cat "$one"
        echo "="
    done | awk '
        $0 == "=" { file++; next }
        file == 0 && $2 == "=" { key = $1; sub(/^-/, "", key); sub(/^[^=]*= */, ""); had[key]; print key, $0 }
        file == 1 { of[$1] = of[$1] $2 " " $3 "\n" }
        file == 2 && !($1 in had) { print; printf "%s", of[$1] }
    '
}

# is_same FILE FILE: whether two regular files have the same text, mode and owner.
is_same() {
    [ -f "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c '%F %a %u:%g' "$1")" = "$(stat -c '%F %a %u:%g' "$2")" ]
}
