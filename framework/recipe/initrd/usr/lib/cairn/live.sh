# Live media without partitions that the kernel could see, as CDs are, sourced by /init.

live_volume=CAIRN_LIVE

# Sets `slot` to a device with the root that lies somewhere on a whole device, `medium` to that one.
# Where it lies says a line in the volume descriptor (docs/release-format.md, "The ISO").
find_live() {
  for folder in /sys/class/block/*; do
    [ ! -e "$folder/partition" ] || continue
    medium=/dev/${folder##*/}
    case "$medium" in /dev/loop* | /dev/ram* | /dev/zram* | /dev/dm-* | /dev/md* | /dev/fd*) continue ;; esac
    read_live "$medium" || continue
    is_root "$medium" "$live_offset" || continue
    # dm-verity counts its blocks from a device's start.
    dmsetup create live --readonly --noudevsync --table "$(live_table "$medium")" || continue
    slot=$(mapped live)
    return 0
  done
  return 1
}

# Sets `live_offset` and `live_size`, in bytes.
read_live() {
  [ "$(bytes_of "$1" 32808 10)" = "$live_volume" ] || return 1
  place=$(bytes_of "$1" 33651 64)
  place=${place%%"
"*}
  case "$place" in
    cairn-root=*,*[!0-9]* | cairn-root=*[!0-9]*,* | cairn-root=,* | cairn-root=*,) return 1 ;;
    cairn-root=*,*) ;;
    *) return 1 ;;
  esac
  place=${place#cairn-root=}
  live_offset=${place%,*} live_size=${place#*,}
}

# Text at a place of a device. There may be no disc in a drive, which is no error to tell of.
bytes_of() {
  dd if="$1" bs=1 skip="$2" count="$3" status=none 2>/dev/null | LC_ALL=C sed 's/\x00//g'
}

live_table() {
  echo "0 $((live_size / 512)) linear $1 $((live_offset / 512))"
}

# The node of a device of the device mapper.
mapped() {
  for folder in /sys/class/block/dm-*; do
    read -r name <"$folder/dm/name"
    [ "$name" != "$1" ] || echo "/dev/${folder##*/}"
  done
}
