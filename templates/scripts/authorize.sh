#!/bin/sh
# The stack's deploy key in the login's authorized_keys: sh -s add "KEY" | sh -s remove "KEY"
# A key carries its owner as its comment. Adding one takes out the owner's earlier keys, and other owners' lines of the same key:
# removing under an old name then finds nothing to remove.
set -eu
export LC_ALL=C
umask 077
mkdir -p "$HOME/.ssh"
touch "$HOME/.ssh/authorized_keys"
# The file itself, where that is a link.
file=$(readlink -f "$HOME/.ssh/authorized_keys")
new=$file.lvs-ha-new
owner=${2##* }
trap 'rm -f "$new"' EXIT
# A copy has its mode and owner.
cp -p "$file" "$new"
{
    if [ "$1" = add ]; then
        awk -v key="$2" 'BEGIN { split(key, new, " ") } $2 != new[2] && $NF != new[3]' "$file"
        printf '%s\n' "$2"
    else
        awk -v owner="$owner" '$NF != owner' "$file"
    fi
} >"$new"
cmp -s "$new" "$file" || {
    # Whole or not at all: a full disk or a power cut in between would lock everybody out.
    sync "$new"
    mv -f "$new" "$file"
}
printf 'deploy key: %s %s\n' "$1" "$owner" >&2
