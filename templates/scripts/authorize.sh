#!/bin/sh
# The stack's deploy key in the login's authorized_keys: sh -s add "KEY" | sh -s remove "KEY"
# A key carries its owner as its comment; adding one takes the owner's earlier keys out.
set -eu
umask 077
file=$HOME/.ssh/authorized_keys
mkdir -p "${file%/*}"
touch "$file"
owner=${2##* }
{
    awk -v key="$2" 'BEGIN { split(key, new, " ") } $2 != new[2] && $NF != new[3]' "$file"
    if [ "$1" = add ]; then
        printf '%s\n' "$2"
    fi
} >"$file.lvs-ha-new"
cmp -s "$file.lvs-ha-new" "$file" || cat "$file.lvs-ha-new" >"$file"
rm "$file.lvs-ha-new"
printf 'deploy key: %s %s\n' "$1" "$owner" >&2
