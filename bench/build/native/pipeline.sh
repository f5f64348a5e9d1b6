#!/bin/sh
# What one does without Cairn: the same tar to a verified root, and to a disk that boots it.
#
#     pipeline.sh TAR OUT DEFINITIONS DISK_SIZE
set -eu
tar=$1 out=$2 definitions=$3 disk_size=$4
now() { date +%s.%N >>"$out/steps"; }

now
mkfs.erofs --quiet --tar=f "$out/root.erofs" "$tar"
now
size=$(stat -c %s "$out/root.erofs")
veritysetup format --salt=- --data-blocks=$((size / 4096)) --hash-offset="$size" "$out/root.erofs" "$out/root.erofs" >"$out/verity"
now
systemd-repart --empty=create --size="$disk_size" --offline=yes --dry-run=no --no-pager --definitions="$definitions" "$out/disk.raw" >/dev/null
now
