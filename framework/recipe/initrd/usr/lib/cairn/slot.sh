# The slot of a boot, sourced by /init. Which one it is says its content; the labels only say where to look, and where first.

# A disk that is not there after this long will not come.
slot_limit=30

# Sets `slot` to the device that has the root hash, and `medium` to the live medium that it is on, if it is. Disks appear
# when they please: the modules of all devices there are, then a look at all there is, until one is it or the time is over.
find_slot() {
  slot='' medium='' looked_at=''
  labels=$(labels_for "$entry")
  load_modules
  read -r started _ </proc/uptime
  while :; do
    read -r now _ </proc/uptime
    slots=$(list_slots)
    # Once a second also where nothing has appeared: a disc comes after its drive.
    if [ "$slots ${now%.*}" != "$looked_at" ]; then
      looked_at="$slots ${now%.*}"
      ! try_slots || return 0
      case " $labels " in *' cairn-live '*) ! find_live || return 0 ;; esac
    fi
    [ $((${now%.*} - ${started%.*})) -lt "$slot_limit" ] || return 1
    sleep 0.1
    # What has come by now may be the way to what is still to come: a USB host, then its disk.
    load_modules
  done
}

try_slots() {
  for label in $labels; do
    for each in $slots; do
      case "$each" in "$label:"*) ;; *) continue ;; esac
      slot=${each#*:}
      is_root "$slot" || continue
      [ "$label" != cairn-live ] || medium=$(disk_of "$slot")
      return 0
    done
  done
  return 1
}

# Loads the modules of devices that have appeared since the last time.
load_modules() {
  aliases=$(cat /sys/bus/*/devices/*/modalias 2>/dev/null)
  [ "$aliases" != "${loaded_aliases:-}" ] || return 0
  loaded_aliases=$aliases
  set -f
  modprobe --all --quiet $aliases
  set +f
}

# All partitions that may hold a root: label and device, by the label in the partition table.
list_slots() {
  for folder in /sys/class/block/*/partition; do
    folder=${folder%/partition}
    device=/dev/${folder##*/}
    label=$(label_of "$device")
    case "$label" in
      cairn-a | cairn-b | cairn-recovery | cairn-live) echo "$label:$device" ;;
    esac
  done
}

label_of() {
  [ -e "/sys/class/block/${1##*/}/uevent" ] || return 0
  while IFS='=' read -r key value; do
    [ "$key" != PARTNAME ] || echo "$value"
  done <"/sys/class/block/${1##*/}/uevent"
}

# The disk of a partition: sysfs has the one in the folder of the other.
disk_of() {
  while IFS='=' read -r key value; do
    [ "$key" != DEVNAME ] || echo "/dev/$value"
  done <"/sys/class/block/${1##*/}/../uevent"
}

# Is this partition the root that the UKI asks for, or is it at this byte of the device? If not, `why` says why not.
#
# The root hash is the SHA-256 of the tree's top block (dm-verity format 1, empty salt), which lies one block behind
# the verity superblock: so one read tells. All other blocks are verified by the kernel as they are read.
is_root() {
  found=$(dd if="$1" bs=4096 skip=$(((${2:-0} + hash_offset) / 4096 + 1)) count=1 status=none | sha256sum)
  [ "${found%% *}" = "$hash" ] || { why="$1 holds another release (root hash ${found%% *})"; return 1; }
}

# The device-mapper table that verifies a slot (kernel documentation, dm-verity, "Construction Parameters").
verity_table() {
  blocks=$((hash_offset / 4096))
  echo "0 $((blocks * 8)) verity 1 $1 $1 4096 4096 $blocks $((blocks + 1)) sha256 $hash - 1 panic_on_corruption"
}
