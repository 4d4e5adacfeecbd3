#!/bin/sh
# Unpacks a package of one Debian suite, with the libraries it needs, into a folder: no root, nothing installed, the machine's own apt untouched.
# unpack-package.sh SUITE PACKAGE FOLDER
set -eu
suite=$1 wanted=$2 folder=$3
apt=$folder.apt
rm -rf "$folder" "$apt"
trap 'rm -rf "$apt"' EXIT
mkdir -p "$folder" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
: >"$apt/status"
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian %s main\n' "$suite" >"$apt/sources.list"

private_apt() {
    apt-get -q -y -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts" \
        -o Dir::Etc::PreferencesParts="$apt/parts" -o Dir::State="$apt" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt/cache" -o APT::Architecture=amd64 -o APT::Sandbox::User= -o Debug::NoLocking=1 \
        -o Acquire::Retries=3 "$@" >"$apt/log" 2>&1 </dev/null || {
        tail -n 20 "$apt/log" >&2
        exit 1
    }
}

private_apt update
private_apt install --download-only --no-install-recommends "$wanted"
for package in "$apt"/cache/archives/*.deb; do
    dpkg -x "$package" "$folder"
done
# Debian's / is merged into /usr by a package script, which did not run.
for merged in lib lib64; do
    [ -e "$folder/$merged" ] || ln -s "usr/$merged" "$folder/$merged"
done
mkdir -p "$folder/etc/keepalived" "$folder/proc" "$folder/dev" "$folder/run" "$folder/tmp"
