#!/bin/sh
# Runs a command line with a tree of Debian 13 prepared for chroot(8): its /dev and /proc are there, and FOLDER is its /bench.
# Call it by `unshare --mount --propagation private`, so that all mounts end with the command, whatever happens.
#
#     enter.sh TREE FOLDER COMMAND...
set -eu
tree=$1 folder=$2
shift 2
mkdir -p "$tree/bench"
mount --bind "$folder" "$tree/bench"
mount --rbind /dev "$tree/dev"
mount -t proc proc "$tree/proc"
exec "$@"
