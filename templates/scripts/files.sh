# shellcheck shell=sh
# Sourced by the scripts beside it: what the operator reads, one change at a time, and files that can be put back.
# $what, set before, names the step in every line.

# Whatever the login's own language: numbers have a point, and messages are in the words that are looked for.
export LC_ALL=C

original=/var/lib/lvs-ha/original
owners=/var/lib/lvs-ha/owners

# An SSH connection that breaks must not end a change halfway: nobody reads then, and the work goes on.
trap '' HUP PIPE
say() {
    # shellcheck disable=SC2154 # set by the script that sources this
    printf '%s: %s\n' "$what" "$*" >&2 || :
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
record() {
    mkdir -p "${1%/*}"
    cat >"$1.new"
    sync "$1.new"
    mv -f "$1.new" "$1"
    sync "${1%/*}"
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
make_scratch() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/lvs-ha.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' INT TERM
}

# put PATH MODE: standard input becomes PATH, whole or not at all. Sets $changed when it was not so already.
changed=
put() {
    mkdir -p "$(dirname "$1")"
    cat >"$1.lvs-ha-new"
    chmod "$2" "$1.lvs-ha-new"
    if [ -f "$1" ] && cmp -s "$1.lvs-ha-new" "$1" && [ "$(stat -c '%a %u:%g' "$1")" = "${2#0} 0:0" ]; then
        rm "$1.lvs-ha-new"
        return
    fi
    keep_original "$1"
    sync "$1.lvs-ha-new"
    mv -f "$1.lvs-ha-new" "$1"
    sync "$(dirname "$1")"
    # shellcheck disable=SC2034 # read by the scripts that source this
    changed=yes
    say "wrote $1"
}

# keep_original PATH: remembers, once, what stood there before the stack's first change.
keep_original() {
    if [ -e "$original$1" ] || [ -e "$original$1.absent" ]; then
        return
    fi
    mkdir -p "$(dirname "$original$1")"
    chmod 0700 /var/lib/lvs-ha
    if [ -e "$1" ]; then
        cp -p "$1" "$original$1.new"
        sync "$original$1.new"
        mv "$original$1.new" "$original$1"
        sync "$(dirname "$original$1")"
    else
        : | record "$original$1.absent"
    fi
}

# put_back PATH: what stood there before, or nothing if nothing did.
put_back() {
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
# engine doesn't record a change that failed, and runs nothing when it is reverted: nothing of it may stay.
or_go_back() {
    mkdir "$scratch/before"
    for file; do
        [ ! -f "$file" ] || {
            mkdir -p "$scratch/before${file%/*}"
            cp -p "$file" "$scratch/before$file"
        }
    done
    trap 'go_back; rm -rf "$scratch"' EXIT
}

# The change is made.
no_way_back() {
    trap 'rm -rf "$scratch"' EXIT
}

# as_before FILE…: what was there when or_go_back was asked for.
as_before() {
    for file; do
        if [ ! -f "$scratch/before$file" ]; then
            rm -f "$file"
        elif ! same "$scratch/before$file" "$file"; then
            { cp -p "$scratch/before$file" "$file.new" && sync "$file.new" && mv -f "$file.new" "$file" && sync "${file%/*}"; } || say "$file could not be put back"
        fi
    done
}

# same FILE OTHER: in bytes, mode and owner.
same() {
    cmp -s "$1" "$2" && [ "$(stat -c '%a %u:%g' "$1")" = "$(stat -c '%a %u:%g' "$2")" ]
}

# split_files: takes "==> PATH <==" sections from standard input apart into $scratch/files/PATH.
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
        file { print >file }
    '
}
