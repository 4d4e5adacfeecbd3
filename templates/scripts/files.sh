# shellcheck shell=sh
# Sourced by the scripts beside it: their input, what the operator reads, one change at a time, and files that can be put back.
# $what, set before, names the step in every line.
# A script that is told to apply, verify, restore, withdraw or join has read its input when this ends: to its last line, and before it has a
# lock.

# Whatever the login's own language: numbers have a point, and messages are in the words that are looked for.
export LC_ALL=C

# Where the scripts are on a host. What runs may be others, brought to ask what those have left.
# shellcheck disable=SC2034 # read by the scripts that source this
home=/usr/local/lib/lvs-ha
original=/var/lib/lvs-ha/original
owners=/var/lib/lvs-ha/owners

# An SSH connection that breaks must not end a change halfway: nobody reads then, and the work goes on. What a script prints, it prints by
# say or show, which don't fail.
trap '' HUP PIPE
[ -e /proc/self/fd/1 ] || exec >/dev/null
[ -e /proc/self/fd/2 ] || exec 2>/dev/null
say() {
    # shellcheck disable=SC2154 # set by the script that sources this
    printf '%s: %s\n' "$what" "$*" >&2 || :
}

# show: standard input, what a program has said, below a line of ours.
show() {
    sed 's/^/    /' >&2 || :
}

fail() {
    say "$@"
    exit 1
}

# enable_at_boot SERVICE: asked first, because enabling what is enabled takes seconds where there are SysV scripts too.
enable_at_boot() {
    systemctl -q is-enabled "$1" || systemctl -q enable "$1"
}

# running SERVICE: whether it is running or stopped, in these words.
running() {
    if systemctl -q is-active "$1"; then
        echo running
    else
        echo stopped
    fi
}

# service_state SERVICE: whether it is enabled at boot, and active, in systemctl(1)'s words.
service_state() {
    enabled=$(systemctl is-enabled "$1" 2>/dev/null) || enabled=${enabled:-absent}
    active=$(systemctl is-active "$1" 2>/dev/null) || active=${active:-inactive}
    printf '%s %s\n' "$enabled" "$active"
}

# service_note SERVICE: the file that remembers this of the time before the stack; note_service writes it, once.
service_note() {
    echo "/var/lib/lvs-ha/$1-was"
}
note_service() {
    [ -e "$(service_note "$1")" ] || service_state "$1" | record "$(service_note "$1")"
}

# Seconds since boot: a wait is as long as it was meant to be, whatever becomes of the clock meanwhile.
uptime_seconds() {
    sed 's/[.].*//' /proc/uptime
}

# One script at a time on a host, whoever started it.
lock() {
    exec 9>/run/lvs-ha.lock
    flock -w 300 9 || fail "another change of this host has held /run/lvs-ha.lock for 300 s; see: fuser -v /run/lvs-ha.lock"
}

# record PATH: standard input becomes PATH, on the disk before this returns: a power cut must not leave an empty note of what was.
# Here and below, each command's failure is this one's, where errexit is off, too: in a condition, and behind && or ||.
record() {
    { mkdir -p "${1%/*}" && cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" && sync "${1%/*}"; } || {
        rm -f "$1.new"
        return 1
    }
}

# own OWNER: this host's part that the script sets up is now the stack's resource OWNER.
own() {
    printf '%s\n' "$1" | record "$owners/${0##*/}"
    chmod 0700 /var/lib/lvs-ha
}

# undo_for OWNER: ends the script when the part has another owner by now: a renamed resource is made under its new name first
# and undone under its old one last, on the same host.
undo_for() {
    [ -f "$owners/${0##*/}" ] || return 0
    owner=$(cat "$owners/${0##*/}")
    if [ "$owner" != "$1" ]; then
        say "kept, it belongs to $owner now"
        exit 0
    fi
    rm "$owners/${0##*/}"
}

# A scratch folder that goes when the script ends; $scratch names it.
scratch=
make_scratch() {
    [ -z "$scratch" ] || return 0
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/lvs-ha.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' INT TERM
}

# read_input: standard input becomes $scratch/input, without the line that ends it. A connection that breaks ends standard input, too, and
# a list that is cut off would be taken for a shorter one.
read_input() {
    make_scratch
    cat >"$scratch/all" || fail "there is no room in ${scratch%/*} for what comes by standard input; nothing was changed"
    [ "$(tail -n 1 "$scratch/all")" = "==> end <==" ] || fail "the connection broke before all of standard input had come; nothing was changed"
    sed '$d' "$scratch/all" >"$scratch/input" || fail "there is no room in ${scratch%/*} for what comes by standard input; nothing was changed"
}

# put PATH MODE: standard input becomes PATH, whole or not at all. Sets $changed when it was not so already.
changed=
put() {
    { mkdir -p "$(dirname "$1")" && cat >"$1.lvs-ha-new" && chmod "$2" "$1.lvs-ha-new"; } || {
        rm -f "$1.lvs-ha-new"
        return 1
    }
    if [ -f "$1" ] && cmp -s "$1.lvs-ha-new" "$1" && [ "$(stat -c '%a %u:%g' "$1")" = "${2#0} 0:0" ]; then
        rm "$1.lvs-ha-new"
        return
    fi
    { keep_original "$1" && sync "$1.lvs-ha-new" && mv -f "$1.lvs-ha-new" "$1" && sync "$(dirname "$1")"; } || {
        rm -f "$1.lvs-ha-new"
        return 1
    }
    # shellcheck disable=SC2034 # read by the scripts that source this
    changed=yes
    say "wrote $1"
}

# keep_original PATH: remembers, once, what stood there before the stack's first change.
keep_original() {
    if [ -e "$original$1" ] || [ -e "$original$1.absent" ]; then
        return
    fi
    { mkdir -p "$(dirname "$original$1")" && chmod 0700 /var/lib/lvs-ha; } || return
    if [ -e "$1" ]; then
        cp -p "$1" "$original$1.new" && sync "$original$1.new" && mv "$original$1.new" "$original$1" && sync "$(dirname "$original$1")"
    else
        : | record "$original$1.absent"
    fi
}

# put_back PATH: what stood there before, or nothing if nothing did.
put_back() {
    # Of runs that were killed.
    rm -f "$1.lvs-ha-new" "$1.lvs-ha-before"
    if [ -e "$original$1" ]; then
        mkdir -p "$(dirname "$1")"
        mv -f "$original$1" "$1"
        say "put back $1"
    elif [ -e "$original$1.absent" ]; then
        rm -f "$1" "$original$1.absent"
        say "removed $1"
    fi
}

# or_go_back FILE…: from now on, a script that ends in a failure runs its go_back first, which as_before helps with these files. The
# engine doesn't record a change that failed, and runs nothing when it is reverted: nothing of it may stay. What they were is kept beside
# them under a second name: going back needs no room, and no other file system's.
or_go_back() {
    kept=
    for file; do
        rm -f "$file.lvs-ha-before"
        [ ! -f "$file" ] || ln "$file" "$file.lvs-ha-before"
        kept="$kept $file.lvs-ha-before"
    done
    # One thing that can't be put back doesn't keep the others from it.
    trap 'go_back || :; rm -rf "$scratch"' EXIT
}

# The change is made.
no_way_back() {
    trap 'rm -rf "$scratch"' EXIT
    # shellcheck disable=SC2086 # paths of ours
    rm -f $kept
}

# was_there FILE: when or_go_back was asked for.
was_there() {
    [ -e "$1.lvs-ha-before" ]
}

# as_before FILE…: what was there when or_go_back was asked for.
as_before() {
    for file; do
        if was_there "$file"; then
            { move "$file.lvs-ha-before" "$file" && sync "${file%/*}"; } || say "$file could not be put back"
        else
            rm -f "$file"
        fi
    done
}

# move NAME FILE: what NAME is a second name of takes FILE's place. Where that is its first name, there is nothing to move.
move() {
    if [ "$(stat -c %d:%i "$1")" = "$(stat -c %d:%i "$2" 2>/dev/null)" ]; then
        rm -f "$1"
    else
        mv -f "$1" "$2"
    fi
}

# split_files: takes the "==> PATH <==" sections of the input apart into $scratch/files/PATH. A line of a file's own that looks like one
# comes with one more = before it.
split_files() {
    awk -v root="$scratch/files/" '
        /^==> .* <==$/ {
            if (file) close(file)
            file = $0
            sub(/^==> \/?/, "", file)
            sub(/ <==$/, "", file)
            file = root file
            folder = file
            sub(/\/[^\/]*$/, "", folder)
            system("mkdir -p \"" folder "\"")
            printf "" >file
            next
        }
        /^====*> / { sub(/^=/, "") }
        file { print >file }
    ' "$scratch/input"
}

# SCRIPT verify, with the words and the input of `apply`: is what `apply` has left still there? It reads, takes no lock and changes nothing.
# It prints a record for each thing that it has compared, and at its end `end 0 0 verify`. A record is a line "VERDICT LENGTH LENGTH TITLE"
# and two texts of so many bytes, each with a newline after it:
#   same     it is as the stack says
#   differs  it is not; what it should be, and what it is
#   secret   it is not, and neither text is told
#   missing  it isn't there at all
#   unknown  it could not be asked; why
#   note     no difference, and worth knowing; what
# tell VERDICT TITLE [FILE [FILE]]: a record.
tell() {
    [ $# -gt 2 ] || {
        printf '%s 0 0 %s\n\n\n' "$1" "$2"
        return 0
    }
    printf '%s %s %s %s\n' "$1" "$(wc -c <"$3")" "$(wc -c <"${4:-/dev/null}")" "$2"
    cat "$3"
    echo
    cat "${4:-/dev/null}"
    echo
}

# differs TITLE WANTED FOUND [secret]: tells of two files whether they are the same.
differs() {
    if cmp -s "$2" "$3"; then
        tell same "$1"
    elif [ "${4:-}" = secret ]; then
        tell secret "$1"
    else
        tell differs "$1" "$2" "$3"
    fi
}

# cannot_tell TITLE WORDS…: why.
cannot_tell() {
    title=$1
    shift
    printf '%s\n' "$*" >"$scratch/why"
    tell unknown "$title" "$scratch/why"
}

# verify_text PATH [secret]: whether PATH is what comes by standard input.
verify_text() {
    cat >"$scratch/wanted-text"
    if [ ! -e "$1" ]; then
        tell missing "$1"
    elif [ ! -f "$1" ] || ! cat "$1" >"$scratch/found-text"; then
        cannot_tell "$1" "it is no file that can be read"
    else
        differs "$1" "$scratch/wanted-text" "$scratch/found-text" "${2:-}"
    fi
}

# verify_file PATH MODE [secret]: the other half of put.
verify_file() {
    verify_text "$1" "${3:-}"
    [ -f "$1" ] || return 0
    printf '%s root:root\n' "$2" >"$scratch/wanted-mode"
    stat -L -c '%04a %U:%G' "$1" >"$scratch/found-mode"
    differs "mode of $1" "$scratch/wanted-mode" "$scratch/found-mode"
}

# verify_owner OWNER: the other half of own.
verify_owner() {
    printf '%s\n' "$1" | verify_text "$owners/${0##*/}"
}

# verify_service UNIT [STATES]: at boot and now, in systemctl(1)'s words.
verify_service() {
    enabled=$(systemctl is-enabled "$1" 2>"$scratch/why") || enabled=${enabled:-absent}
    active=$(systemctl is-active "$1" 2>>"$scratch/why") || active=${active:-unknown}
    case $enabled/$active in
    */unknown) cannot_tell "$1" "systemctl says: $(tail -n 1 "$scratch/why")" ;;
    absent/inactive | not-found/inactive) tell missing "$1" ;;
    *)
        printf '%s\n' "${2:-enabled, active}" >"$scratch/wanted-state"
        printf '%s, %s\n' "$enabled" "$active" >"$scratch/found-state"
        differs "$1" "$scratch/wanted-state" "$scratch/found-state"
        ;;
    esac
}

case ${1:-} in
apply | verify | restore | withdraw | join) read_input ;;
esac
