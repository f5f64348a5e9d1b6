#!/bin/sh
# An upgrade as Kairos' agent does it on a machine with GRUB (version 4.2, `upgrade`), with the tools of a shell: all layers of the
# image are pulled and unpacked into a new ext2 image, which is flushed and put in place of the active one by renaming.
#
#     kairos.sh LAYOUT STATE
#
# LAYOUT is an OCI image layout with one image; STATE a folder on the state partition, with active.img and passive.img.
# What the agent does besides is left out, in its favour: it checks the digest of each layer, copies the kernel's arguments, runs
# the hooks, and labels files for SELinux.
set -eu
layout=$1 state=$2
root=/run/kairos-transition

blob() { echo "$layout/blobs/sha256/$1"; }
digests() { grep -o '"digest": *"sha256:[0-9a-f]*"' "$1" | sed 's/.*sha256://; s/"//'; }

manifest=$(blob "$(digests "$layout/index.json")")
# The first digest in a manifest is the configuration's.
layers=$(digests "$manifest" | tail -n +2)

# The image is made 2.5 times as large as the compressed layers, and 100 MiB more.
compressed=0
for layer in $layers; do
  compressed=$((compressed + $(stat -c %s "$(blob "$layer")")))
done
rm -f "$state/transition.img"
truncate --size=$((compressed * 5 / 2 + 100 * 1024 * 1024)) "$state/transition.img"
mkfs.ext2 -q -F -L COS_ACTIVE "$state/transition.img"
mkdir -p "$root"
mount -o loop "$state/transition.img" "$root"

for layer in $layers; do
  case $(od -An -N4 -tx1 "$(blob "$layer")") in
    ' 1f 8b'*) unpack=gzip ;;
    ' 28 b5 2f fd') unpack=zstd ;;
    *) unpack=cat ;;
  esac
  case $unpack in
    cat) cat "$(blob "$layer")" ;;
    *) "$unpack" -dc "$(blob "$layer")" ;;
  esac | tar --extract --directory="$root" --numeric-owner --preserve-permissions --xattrs --xattrs-include='*'
done

umount "$root"
sync
mv "$state/active.img" "$state/passive.img"
tune2fs -L COS_PASSIVE "$state/passive.img" >/dev/null
sync
mv "$state/transition.img" "$state/active.img"
sync
