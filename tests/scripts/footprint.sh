#!/bin/sh
# What a pretended host is like, as text: its files, what systemd, the firewall and IPVS have, addresses and sysctls. Folders of the
# stack's own say nothing: the last step to go removes them, with the scripts.
cd "$FOLDER" || exit
find etc var run ipvs nft systemd/active systemd/enabled systemd/loaded ufw held ! -name ld.so.cache ! -name lvs-ha.lock ! -path 'run/lvs-ha.??????*' \
    ! -path etc/lvs-ha ! \( -path 'var/lvs-ha*' -type d \) -printf '%p %y %m %l\n' -type f -exec grep -H '' {} + 2>/dev/null | LC_ALL=C sort
# What an interface has by chance, and what the kernel does by itself, says nothing either.
ip -o addr | sed '/ fe80:/d; s/^[0-9]*: //' | LC_ALL=C sort
ip -o link | sed 's/^[0-9]*: //; s/ qdisc [^ ]*//; s/ link[/].*//' | LC_ALL=C sort
sysctl -a --pattern '^net\.ipv[46]\.' 2>/dev/null | LC_ALL=C sort
