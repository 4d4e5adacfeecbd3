#!/bin/sh
# First command on a host: preflight, then these scripts in their place, then the packages. STAGE is where they have been brought.
# install.sh apply STAGE OWNER ROLE ID VERSION_ID SESSIONS "INTERFACE[=ADDRESS/PREFIX] …" "PACKAGE …" | install.sh undo OWNER
# install.sh verify OWNER ROLE …: whether the installed scripts are those beside this one. What `apply` reads is no input of its own.
set -eu
export LC_ALL=C
home=/usr/local/lib/lvs-ha
service=lvs-ha-rollback.service
unit=/etc/systemd/system/$service

# written put|verify_file: what starts before all else of the stack's. A power cut may have come before a change was proven. Until
# local-fs.target, the root file system may be read-only: systemd-remount-fs.service(8).
written() {
    "$1" $unit 0644 <<UNIT
[Unit]
Description=Way back from a change of the LVS load balancer that was cut off
ConditionDirectoryNotEmpty=/var/lib/lvs-ha/changes
RequiresMountsFor=/etc /usr/local/lib /var/lib/lvs-ha
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target ufw.service lvs-ha-firewall.service lvs-ha-vip.service keepalived.service
Wants=network-pre.target

[Service]
Type=oneshot
ExecStart=$home/rollback.sh boot

[Install]
WantedBy=sysinit.target
UNIT
}

case $1 in
apply)
    stage=$2 owner=$3
    shift 3
    sh "$stage/preflight.sh" "$@"
    what=scripts
    # shellcheck source=templates/scripts/transaction.sh
    . "$stage/transaction.sh"
    lock
    # They go with each other, and not with those of another version: all have come before the first takes its place.
    new=$home/.new
    trap 'rm -rf "$new"' EXIT
    rm -rf "$new"
    mkdir -p "$new"
    for script in "$stage"/*.sh; do
        cp "$script" "$new"
        chmod 0755 "$new/${script##*/}"
        # A power cut must not leave an empty script: it would do nothing, and call that a success.
        sync "$new/${script##*/}"
    done
    for script in "$new"/*; do
        mv -f "$script" "$home/${script##*/}"
    done
    rmdir "$new"
    own "$owner"
    written put
    enable_at_boot $service
    say "in $home"
    if [ -e /run/lvs-ha/changed-by ]; then
        record /var/lib/lvs-ha/changed-by </run/lvs-ha/changed-by
    fi
    # Those of versions before.
    for old in /run/lvs-ha/*/; do
        [ "$old" = "$stage/" ] || rm -rf "$old"
    done
    # The packages' script takes the lock itself.
    exec 9>&-
    exec "$home/packages.sh" "$6"
    ;;
verify)
    what=scripts
    stage=${0%/*}
    # shellcheck source=templates/scripts/files.sh
    . "$stage/files.sh"
    verify_owner "$2"
    for script in "$stage"/*.sh; do
        verify_file "$home/${script##*/}" 0755 <"$script"
    done
    written verify_file
    verify_service $service "enabled, inactive"
    sh "$stage/packages.sh" --verify "$8"
    tell end verify
    ;;
undo)
    what=scripts
    # shellcheck source=templates/scripts/transaction.sh
    . "$home/transaction.sh"
    undo_for "$2"
    [ ! -e $unit ] || systemctl -q disable $service
    put_back $unit
    systemctl daemon-reload
    # Packages stay: something else may have come to need them.
    rm -rf "$home" /etc/lvs-ha /var/lib/lvs-ha /run/lvs-ha
    ;;
esac
