# shellcheck shell=sh
# Sourced by the scripts beside it. Reads their input, prints for the operator, lets one change run
# at a time, and keeps files that can be put back.
# The script sets $what before; it starts every printed line.
# For apply, verify, restore, withdraw and join, the whole input has been read when this file ends,
# before the script takes a lock.

# Independent of the login's language: decimal points, and messages in the words that the scripts
# search for.
export LC_ALL=C

# Where the scripts are on a host. The running script may be a newer copy, sent to check what these
# have left.
# shellcheck disable=SC2034 # read by the scripts that source this
home=/usr/local/lib/lvs-ha
# shellcheck disable=SC2034
original=/var/lib/lvs-ha/original
owners=/var/lib/lvs-ha/owners
# The journal of a change that isn't proven yet: see transaction.sh.
journal=/var/lib/lvs-ha/changes/${0##*/}

# A broken SSH connection must not end a change halfway: the work goes on without a reader. Scripts
# print with say and show, which don't fail.
trap '' HUP PIPE
[ -e /proc/self/fd/1 ] || exec >/dev/null
[ -e /proc/self/fd/2 ] || exec 2>/dev/null
say() {
    # shellcheck disable=SC2154 # set by the script that sources this
    printf '%s: %s\n' "$what" "$*" >&2 || :
}

# show: prints standard input, the output of another program, indented below a line of ours.
show() {
    sed 's/^/    /' >&2 || :
}

fail() {
    say "$@"
    exit 1
}

# enable_at_boot SERVICE: checks first, because enabling an enabled service takes seconds on hosts
# that also have SysV scripts.
enable_at_boot() {
    systemctl -q is-enabled "$1" || systemctl -q enable "$1"
}

# running SERVICE: prints "running" or "stopped".
running() {
    if systemctl -q is-active "$1"; then
        echo running
    else
        echo stopped
    fi
}

# service_state SERVICE: its enabled and active state, in systemctl(1)'s words.
service_state() {
    enabled=$(systemctl is-enabled "$1" 2>/dev/null) || enabled=${enabled:-absent}
    active=$(systemctl is-active "$1" 2>/dev/null) || active=${active:-inactive}
    printf '%s %s\n' "$enabled" "$active"
}

# service_note SERVICE: the file that keeps the service's state from before the stack. note_service
# writes it once.
service_note() {
    echo "/var/lib/lvs-ha/$1-was"
}
note_service() {
    [ -e "$(service_note "$1")" ] || service_state "$1" | record "$(service_note "$1")"
}

# Seconds since boot: changes of the clock don't shorten or lengthen a wait.
uptime_seconds() {
    sed 's/[.].*//' /proc/uptime
}

# Only one script at a time runs on a host, whatever started it. A script run by another one shares
# that one's lock.
lock() {
    [ "$(readlink /proc/self/fd/9)" != /run/lvs-ha.lock ] || return 0
    exec 9>/run/lvs-ha.lock
    flock -w 300 9 || fail "another change of this host has held /run/lvs-ha.lock for 300 s; see: fuser -v /run/lvs-ha.lock"
}

# record PATH: writes standard input to PATH and syncs it to disk: a power cut must not leave an
# empty note of the earlier state. The && chains here and below pass on each command's failure even
# where errexit is off: in a condition, and behind && or ||.
record() {
    { mkdir -p "${1%/*}" && cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" && sync "${1%/*}"; } || {
        rm -f "$1.new"
        return 1
    }
}

# Makes a scratch folder that is removed when the script ends; $scratch names it.
scratch=
make_scratch() {
    [ -z "$scratch" ] || return 0
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/lvs-ha.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' INT TERM
}

# read_input: writes standard input to $scratch/input, without its closing line. A broken connection
# also ends standard input, and a truncated list would look like a shorter one.
read_input() {
    make_scratch
    cat >"$scratch/all" || fail "there is no room in ${scratch%/*} for what comes by standard input; nothing was changed"
    [ "$(tail -n 1 "$scratch/all")" = "==> end <==" ] || fail "the connection broke before all of standard input had come; nothing was changed"
    sed '$d' "$scratch/all" >"$scratch/input" || fail "there is no room in ${scratch%/*} for what comes by standard input; nothing was changed"
}

# split_files: splits the "==> PATH <==" sections of the input into $scratch/files/PATH. A line
# inside a file that looks like such a header arrives with one more = in front.
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

# SCRIPT verify, with the arguments and input of `apply`: checks whether everything that `apply` has
# left is still there. It only reads, takes no lock and changes nothing. It prints a record for each
# thing that it has compared, and ends with `end 0 0 verify`. A record is a line "VERDICT LENGTH
# LENGTH TITLE" and two texts of that many bytes, each followed by a newline:
#   same     as the stack says
#   differs  not so; the texts are the wanted and the found state
#   secret   not so, and neither text is printed
#   missing  not there at all
#   unknown  could not be checked; the text says why
#   note     no difference, but worth knowing; the text says what
# tell VERDICT TITLE [FILE [FILE]]: prints a record.
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

# differs TITLE WANTED FOUND [secret]: compares two files and prints the record.
differs() {
    if cmp -s "$2" "$3"; then
        tell same "$1"
    elif [ "${4:-}" = secret ]; then
        tell secret "$1"
    else
        tell differs "$1" "$2" "$3"
    fi
}

# cannot_tell TITLE WORDS…: prints an "unknown" record with the reason.
cannot_tell() {
    title=$1
    shift
    printf '%s\n' "$*" >"$scratch/why"
    tell unknown "$title" "$scratch/why"
}

# verify_text PATH [secret]: compares PATH with standard input.
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

# verify_file PATH MODE [secret]: checks what put has written.
verify_file() {
    verify_text "$1" "${3:-}"
    [ -f "$1" ] || return 0
    printf '%s root:root\n' "$2" >"$scratch/wanted-mode"
    stat -L -c '%04a %U:%G' "$1" >"$scratch/found-mode"
    differs "mode of $1" "$scratch/wanted-mode" "$scratch/found-mode"
}

# verify_owner OWNER: checks what own has written, and that no change is left unfinished.
verify_owner() {
    printf '%s\n' "$1" | verify_text "$owners/${0##*/}"
    [ ! -e "$journal/files" ] || differs "files of a change that was cut off" /dev/null "$journal/all"
}

# verify_service UNIT [STATES]: checks the unit's state at boot and now, in systemctl(1)'s words.
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
