#!/bin/sh
# systemd-detect-virt(1) on a physical machine.
echo none
exit 1
