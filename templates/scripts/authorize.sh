#!/bin/sh
# The stack's deploy key in the login's authorized_keys: sh -s add "KEY" | sh -s remove "KEY"
# A key carries its owner as its comment. Adding one takes out the owner's earlier keys, and other owners' lines of the same key:
# removing under an old name then finds nothing to remove.
set -eu
umask 077
file=$HOME/.ssh/authorized_keys
mkdir -p "${file%/*}"
touch "$file"
owner=${2##* }
{
    if [ "$1" = add ]; then
        awk -v key="$2" 'BEGIN { split(key, new, " ") } $2 != new[2] && $NF != new[3]' "$file"
        printf '%s\n' "$2"
    else
        awk -v owner="$owner" '$NF != owner' "$file"
    fi
} >"$file.lvs-ha-new"
cmp -s "$file.lvs-ha-new" "$file" || cat "$file.lvs-ha-new" >"$file"
rm "$file.lvs-ha-new"
printf 'deploy key: %s %s\n' "$1" "$owner" >&2
