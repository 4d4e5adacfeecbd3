#!/bin/sh
# Prints a pretend host's state as text: its files, the state of systemd, firewall and IPVS,
# addresses and sysctls. The stack's own folders are left out: the last step to be undone removes
# them with the scripts.
cd "$FOLDER" || exit
find etc var run ipvs nft systemd/active systemd/enabled systemd/loaded ufw held ! -name ld.so.cache ! -name lvs-ha.lock ! -path 'run/lvs-ha.??????*' \
    ! -path etc/lvs-ha ! \( -path 'var/lvs-ha*' -type d \) -printf '%p %y %m %l\n' -type f -exec grep -H '' {} + 2>/dev/null | LC_ALL=C sort
# Random properties of interfaces, and what the kernel does by itself, are left out, too.
ip -o addr | sed '/ fe80:/d; s/^[0-9]*: //' | LC_ALL=C sort
ip -o link | sed 's/^[0-9]*: //; s/ qdisc [^ ]*//; s/ link[/].*//' | LC_ALL=C sort
sysctl -a --pattern '^net\.ipv[46]\.' 2>/dev/null | LC_ALL=C sort
