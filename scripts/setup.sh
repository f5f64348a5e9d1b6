#!/bin/sh
# Brings what this project needs and the machine does not have: Debian packages, and the npm packages (Node 26
# among them). Says nothing and takes no time where all is there. `setup.sh tests` brings the tests' tools too.
set -eu
cd "$(dirname "$0")/.."

# uidmap: mmdebstrap needs it where it is not run by root.
packages="binutils libcap2-bin mmdebstrap ovmf qemu-system-x86 qemu-utils uidmap"
if [ "${1:-}" = tests ]; then
  packages="$packages attr buildah busybox-static cpio cryptsetup-bin docker-registry dosfstools e2fsprogs erofs-utils fdisk gdisk
    genisoimage libarchive-tools mtools openssl rpm skopeo systemd-boot-efi time umoci xorriso"
fi

missing=""
for package in $packages; do
  dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || { echo "setup: this needs Debian 12 or 13, or these programs:$missing" >&2; exit 1; }
  root=""
  if [ "$(id -u)" != 0 ]; then
    root=sudo
    command -v sudo >/dev/null || { echo "setup: there is no sudo; run this as root first: apt-get install$missing" >&2; exit 1; }
  fi
  echo "setup: installing$missing" >&2
  $root apt-get update -qq
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

if ! cmp -s package-lock.json node_modules/.installed-lock; then
  echo "setup: installing npm packages" >&2
  # Not `npm ci`: it wants the lock to name the tools' builds for every platform, and a mirror may have only Linux's.
  npm install --no-save --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.installed-lock
fi
