#!/bin/sh
# The first process of a node: it owns the node's processes, mounts and network, and the kernel
# removes all three when it ends. /run and /var/log are the node's own, so that several nodes run on
# one machine and none of them leaves a file behind.
set -eu
folder=$1
pause=$2
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock "$folder/var-log"
mount --bind "$folder/var-log" /var/log
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
touch "$folder/node-init.done"
exec "$pause"
