#!/bin/sh
# Adds the stack's deploy key to the login's authorized_keys, or removes it: sh -s add "KEY" | sh -s
# remove "KEY" | authorize.sh verify "KEY"
# The key's comment names its owner. Adding a key removes the owner's earlier keys and any other
# owner's line with the same key. A later removal under an old name then finds nothing to remove.
set -eu
export LC_ALL=C

# Runs as root beside the other scripts and checks the login that called sudo.
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
# If authorized_keys is a link, the change goes to the file that it points to.
file=$(readlink -f "$HOME/.ssh/authorized_keys")
new=$file.lvs-ha-new
owner=${2##* }
trap 'rm -f "$new"' EXIT
# cp -p keeps the file's mode and owner.
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
    # The file is replaced in one step: a full disk or a power cut must not leave half a file, which
    # would lock everyone out.
    sync "$new"
    mv -f "$new" "$file"
}
printf 'deploy key: %s %s\n' "$1" "$owner" >&2
