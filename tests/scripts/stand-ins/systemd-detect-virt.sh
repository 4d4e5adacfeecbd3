#!/bin/sh
# systemd-detect-virt(1) on a machine of its own.
echo none
exit 1
