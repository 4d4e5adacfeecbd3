# shellcheck shell=sh
# Sourced by the scripts that change a host, which have files.sh by it: a change is whole, or it is as if it had not been.
#
# change OWNER [FILE…] makes it. Of its steps, a script says what is its own:
#   $files        the files that the change may bring, change or remove, but for those that it is told
#   $services     the services that it may switch on or off
#   found         what else must be known to go back; `remember NAME` keeps it
#   swap          the files come: `put` for each
#   activate      they are switched on
#   prove         it fails where the host doesn't do what the files say
#   switch_back   the files and services are as before, and so is the rest after this; it adds to $left what could not be done
#   switch_back_at_boot   of the rest, what starts with the host by itself does so as before
# The first thing on the disk is a journal: which of the files were there, as second names beside them, and what the services did. So going
# back needs no room. A script that ends before the change is proven goes back; the engine doesn't record a change that failed, and
# runs nothing when it is reverted.
#
# A run that is killed leaves its journal. The next one goes on, and doesn't go back first: it makes the same change in most cases, and twice
# is a disturbance more. If it fails, it goes back to what was there before the first. SCRIPT rollback goes back at once; `undo` does so first;
# and so does the next boot, with the files alone, before anything starts by them: what is not proven doesn't start by itself.
# shellcheck source=templates/scripts/files.sh
. "${0%/*}/files.sh"
# shellcheck source=templates/scripts/earlier.sh
. "${0%/*}/earlier.sh"

files=
services=
# Set where this run goes on with what one that was killed has left.
resumed=

change() {
    begin "$@"
    swap
    activate
    prove
    commit
}

found() { :; }
prove() { :; }
switch_back() { :; }
switch_back_at_boot() { :; }

# take_up: this script has the lock, and of a change that was cut off, there is a journal after this, which `is_begun` looks for, or nothing at all.
take_up() {
    lock
    make_scratch
    adopt
    is_begun || forget
}

# begin OWNER [FILE…]: this host's part that the script sets up is the stack's resource OWNER from now on.
begin() {
    take_up
    ! is_begun || {
        resumed=yes
        say "goes on with a change that was cut off"
    }
    owner=$1
    shift
    # shellcheck disable=SC2086 # paths of ours
    set -- "$owners/${0##*/}" $files "$@"
    mkdir -p "$journal"
    chmod 0700 /var/lib/lvs-ha
    # Of what fails in these, nothing keeps the rest from being done.
    trap 'if is_begun; then go_back || :; else forget || :; fi; rm -rf "$scratch"' EXIT
    { [ ! -e "$journal/all" ] || cat "$journal/all" && printf '%s\n' "$@"; } | record "$journal/all"
    for one in $services; do
        printf '%s %s\n' "$(service_state "$one")" "$one"
    done >"$scratch/services"
    remember services <"$scratch/services"
    found
    {
        [ -z "$resumed" ] || kept_before
        for one; do
            [ -z "$resumed" ] || ! cut -d ' ' -f 3- "$journal/files" | grep -qxF "$one" || continue
            keep "$one"
        done
    } >"$scratch/kept"
    # The mark. Before it, nothing has changed.
    record "$journal/files" <"$scratch/kept"
    own "$owner"
}

# There is a change that isn't proven: this run's, or one of before that was killed.
is_begun() {
    [ -e "$journal/files" ]
}

# keep FILE: its second name, and a line of the journal: whether it was there, and whether it was noted already what was there before
# the stack.
keep() {
    before=$(before_of "$1")
    rm -f "$before"
    noted=noted
    is_there "$original$1" || is_there "$original$1.absent" || noted=new
    if is_there "$1"; then
        # A symbolic link itself.
        ln -P "$1" "$before"
        echo "there $noted $1"
    else
        echo "absent $noted $1"
    fi
}

# The journal of a run before this one. A file without its second name was put back already, before something else failed.
kept_before() {
    while read -r was noted one; do
        echo "$was $noted $one"
        [ "$was" = absent ] || is_there "$(before_of "$one")" || ln -P "$one" "$(before_of "$one")"
    done <"$journal/files"
}

# before_of FILE: what FILE was before the change. Nobody reads files of such a name.
before_of() {
    echo "${1%/*}/.${1##*/}.lvs-ha-before"
}

# remember NAME: standard input becomes $journal/NAME, if no run before this has left one.
remember() {
    if [ -n "$resumed" ] && [ -e "$journal/$1" ]; then
        cat >/dev/null
    else
        record "$journal/$1"
    fi
}

# is_there FILE: of a symbolic link, wherever it leads.
is_there() {
    [ -e "$1" ] || [ -L "$1" ]
}

# The change is made when the mark is gone.
commit() {
    no_mark
    trap 'rm -rf "$scratch"' EXIT
    forget || say "second names of what was there before this change could not be removed; the next run does that"
}

no_mark() {
    ! is_begun || { rm -f "$journal/files" && sync "$journal"; }
}

# The mark goes first: without it, what is left is cleared away by the next run.
forget() {
    no_mark || return
    [ ! -e "$journal/all" ] || while read -r one; do
        take_away "$(before_of "$one")" || return
    done <"$journal/all"
    rm -rf "$journal"
}

# go_back [boot]: everything is done before anything is said of it, and one thing that can't be done doesn't keep the others from it.
go_back() {
    trap '' INT TERM
    left=
    # A boot has put the services back, and they are somebody else's since.
    states=$journal/services
    [ -e "$states" ] || states=/dev/null
    # While its files are there.
    while read -r enabled active one; do
        [ -n "${1:-}" ] || ! was_off || [ "$(service_state "$one")" = "$enabled $active" ] ||
            systemctl stop "$one" || left="$left; $one could not be stopped"
        case $enabled in
        disabled | absent | not-found)
            # A boot has its start on its list already.
            ! systemctl -q is-enabled "$one" 2>/dev/null || { systemctl -q disable "$one" && { [ -z "${1:-}" ] || systemctl --no-block stop "$one"; }; } ||
                left="$left; $one could not be disabled"
            ;;
        esac
    done <"$states"
    unread='' stuck=''
    while read -r was noted one; do
        as_before || {
            left="$left; $one could not be put back"
            stuck="$stuck$was $noted $one
"
            continue
        }
        [ "$noted" = noted ] || rm -f "$original$one" "$original$one.absent"
        case $one in /etc/systemd/system/*) unread=yes ;; esac
    done <"$journal/files"
    [ -z "$unread" ] || systemctl daemon-reload || left="$left; systemd could not read its units"
    while read -r enabled active one; do
        [ "$enabled" != enabled ] || enable_at_boot "$one" || left="$left; $one could not be enabled"
        [ -n "${1:-}" ] || was_off || systemctl reload-or-restart "$one" || left="$left; $one does not run as before, see: journalctl -u $one"
    done <"$states"
    if [ -n "${1:-}" ]; then switch_back_at_boot; else switch_back; fi || left="$left; not everything could be switched back"
    if [ -z "$left${1:-}" ]; then
        forget || left="; $journal could not be removed"
    else
        # A file that is back may be somebody else's by the next time.
        printf '%s' "$stuck" | record "$journal/files" && { [ -z "${1:-}" ] || [ -n "$left" ] || rm -f "$journal/services"; } ||
            left="$left; $journal could not be written"
    fi
    if [ -n "$left" ]; then
        say "of what was there before this change, not everything could be put back$left; the next run tries again"
        return 1
    fi
    say "put back ${1:+the files of }what was there before this change"
}

# Of $active, a state of systemctl(1)'s.
was_off() {
    case $active in inactive | failed | deactivating) ;; *) return 1 ;; esac
}

# $one, of which the journal says $was, is as it was. One without its second name is so already.
as_before() {
    rm -f "$one.lvs-ha-new" "$original$one.new" "$original$one.absent.new"
    case $one in /var/lib/lvs-ha/*) rm -f "$one.new" ;; esac
    before=$(before_of "$one")
    if [ "$was" = absent ]; then
        take_away "$one"
    elif is_there "$before"; then
        move "$before" "$one"
    fi && { [ ! -d "${one%/*}" ] || sync "${one%/*}"; }
}

# take_away FILE: and a folder that is for such files alone, with the last of them.
take_away() {
    rm -f "$1" || return
    case ${1%/*} in
    *.service.d | */lvs-ha-scripts) [ ! -d "${1%/*}" ] || rmdir --ignore-fail-on-non-empty "${1%/*}" ;;
    esac
}

# move NAME FILE: what NAME is a second name of takes FILE's place. Where that is its first name, there is nothing to move.
move() {
    if [ "$(stat -c %d:%i "$1")" = "$(stat -c %d:%i "$2" 2>/dev/null)" ]; then
        rm -f "$1"
    else
        mv -fT "$1" "$2"
    fi
}

# rollback [boot]: goes back where a run was killed.
rollback() {
    go_back_if_begun "$@"
}

# go_back_if_begun [boot]: no change that a run has left halfway is there after this.
go_back_if_begun() {
    take_up
    ! is_begun || go_back "$@" || return
}

# systemd reads the units that have come, where the run that brought them hasn't lived to have them read, too.
read_units() {
    [ -z "$changed$resumed" ] || systemctl daemon-reload
}

# own OWNER: this host's part that the script sets up is now the stack's resource OWNER.
own() {
    printf '%s\n' "$1" | record "$owners/${0##*/}"
    chmod 0700 /var/lib/lvs-ha
}

# undo_for OWNER: ends the script when the part has another owner by now: a renamed resource is made under its new name first
# and undone under its old one last, on the same host. Of a change that was killed, the engine doesn't know.
undo_for() {
    take_up
    ! is_begun || go_back || :
    if [ -f "$owners/${0##*/}" ]; then
        owner=$(cat "$owners/${0##*/}")
        if [ "$owner" != "$1" ]; then
            say "kept, it belongs to $owner now"
            exit 0
        fi
        rm "$owners/${0##*/}"
    fi
    # What is to come is further back.
    forget
}

# put PATH MODE: standard input becomes PATH, whole or not at all. Sets $changed when it was not so already.
changed=
put() {
    { mkdir -p "${1%/*}" && (umask 077 && cat >"$1.lvs-ha-new") && chmod "$2" "$1.lvs-ha-new"; } || {
        rm -f "$1.lvs-ha-new"
        return 1
    }
    if [ -f "$1" ] && cmp -s "$1.lvs-ha-new" "$1" && [ "$(stat -c '%a %u:%g' "$1")" = "${2#0} 0:0" ]; then
        rm "$1.lvs-ha-new"
        return
    fi
    { keep_original "$1" && sync "$1.lvs-ha-new" && mv -fT "$1.lvs-ha-new" "$1" && sync "${1%/*}"; } || {
        rm -f "$1.lvs-ha-new"
        return 1
    }
    changed=yes
    say "wrote $1"
}

# keep_original PATH: remembers, once, what stood there before the stack's first change: of a symbolic link, where it leads.
keep_original() {
    if is_there "$original$1" || [ -e "$original$1.absent" ]; then
        return
    fi
    { mkdir -p "$(dirname "$original$1")" && chmod 0700 /var/lib/lvs-ha; } || return
    if is_there "$1"; then
        cp -pP "$1" "$original$1.new" && { [ -L "$original$1.new" ] || sync "$original$1.new"; } &&
            mv -fT "$original$1.new" "$original$1" && sync "$(dirname "$original$1")"
    else
        : | record "$original$1.absent"
    fi
}

# put_back PATH: what stood there before, or nothing if nothing did.
put_back() {
    # Of runs that were killed.
    rm -f "$1.lvs-ha-new" "$(before_of "$1")"
    if is_there "$original$1"; then
        mkdir -p "${1%/*}"
        mv -fT "$original$1" "$1"
        say "put back $1"
    elif [ -e "$original$1.absent" ]; then
        take_away "$1"
        rm -f "$original$1.absent"
        say "removed $1"
    fi
}
