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
# shellcheck disable=SC2034
original=/var/lib/lvs-ha/original
owners=/var/lib/lvs-ha/owners
# Of a change that isn't proven yet: see transaction.sh.
journal=/var/lib/lvs-ha/changes/${0##*/}

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

# One script at a time on a host, whoever started it. A script that another one runs has that one's lock.
lock() {
    [ "$(readlink /proc/self/fd/9)" != /run/lvs-ha.lock ] || return 0
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

# verify_owner OWNER: the other half of own; and that no change has been left unfinished.
verify_owner() {
    printf '%s\n' "$1" | verify_text "$owners/${0##*/}"
    [ ! -e "$journal/files" ] || differs "files of a change that was cut off" /dev/null "$journal/all"
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
