#!/bin/sh
# Fed to a host in front of report.sh, behind lines that have unpacked this version's scripts into $stage: what those find on the host.
set +e -u
export LC_ALL=C
# What the scripts keep while they look goes with the rest, and is in memory.
# shellcheck disable=SC2154 # set by the lines before this
TMPDIR=$stage
export TMPDIR

# verified STEP SCRIPT WORD…: a section of the report, "verify STEP", with what the script says to `verify`; standard input is the script's.
verified() {
    step=$1 script=$2
    shift 2
    status=0
    sh "$stage/$script" verify "$@" >"$stage/found" 2>"$stage/said" || status=$?
    # Of one that fails, its reason.
    [ "$status" = 0 ] || mv -f "$stage/said" "$stage/found"
    printf '%s %s verify %s\n' "$status" "$(wc -c <"$stage/found")" "$step"
    cat "$stage/found"
    echo
}
