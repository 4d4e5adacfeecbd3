#!/bin/sh
# The stack's deploy key in the login's authorized_keys: sh -s add "KEY" | sh -s remove "KEY" | authorize.sh verify "KEY"
# A key carries its owner as its comment. Adding one takes out the owner's earlier keys, and other owners' lines of the same key:
# removing under an old name then finds nothing to remove.
set -eu
export LC_ALL=C

# As root, of the login that sudo was asked by; beside the other scripts.
verify() {
    what="deploy key"
    # shellcheck source=templates/scripts/files.sh
    . "${0%/*}/files.sh"
    user=${SUDO_USER:-root}
    title="authorized_keys of $user"
    keys=$(getent passwd "$user")
    keys=$(printf '%s\n' "$keys" | cut -d : -f 6)/.ssh/authorized_keys
    printf '%s\n' "$2" >"$scratch/wanted"
    if [ ! -e "$keys" ]; then
        tell missing "$title"
    elif [ -f "$keys" ] && awk -v owner="${2##* }" '$NF == owner' "$keys" >"$scratch/found"; then
        differs "$title" "$scratch/wanted" "$scratch/found"
    else
        cannot_tell "$title" "$keys can't be read"
    fi
    tell end verify
}

if [ "$1" = verify ]; then
    verify "$@"
    exit 0
fi
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
