#!/bin/sh
# Runs on a host before report.sh, after lines that unpack this version's scripts into $stage. It
# prints what those scripts find.
set +e -u
export LC_ALL=C
# The scripts' own scratch files go there too: in memory, and removed with the rest.
# shellcheck disable=SC2154 # set by the lines before this
TMPDIR=$stage
export TMPDIR

# verified STEP SCRIPT WORD…: prints the report section "verify STEP" with the output of the
# script's `verify`. The script gets standard input.
verified() {
    step=$1 script=$2
    shift 2
    status=0
    sh "$stage/$script" verify "$@" >"$stage/found" 2>"$stage/said" || status=$?
    # If the script fails, print its reason instead.
    [ "$status" = 0 ] || mv -f "$stage/said" "$stage/found"
    printf '%s %s verify %s\n' "$status" "$(wc -c <"$stage/found")" "$step"
    cat "$stage/found"
    echo
}
