# The slot of a boot, sourced by /init. Which one it is says its content alone: the slots' names and order mean nothing.

# A disk that is not there after this long will not come.
slot_limit=30

# Sets `slot` to the device of the slot that has the root hash. Disks appear when they please: the modules of all
# devices there are, then a look at all partitions there are, until one is it or the time is over.
find_slot() {
  slot='' looked_at=''
  load_modules
  read -r started _ </proc/uptime
  while :; do
    slots=$(list_slots)
    if [ "$slots" != "$looked_at" ]; then
      looked_at=$slots
      for slot in $slots; do
        ! is_root "$slot" || return 0
      done
    fi
    read -r now _ </proc/uptime
    [ $((${now%.*} - ${started%.*})) -lt "$slot_limit" ] || return 1
    sleep 0.1
    # What has come by now may be the way to what is still to come: a USB host, then its disk.
    load_modules
  done
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

# The devices of all partitions that may be slots, by the label in the partition table.
list_slots() {
  for folder in /sys/class/block/*/partition; do
    folder=${folder%/partition}
    device=/dev/${folder##*/}
    case "$(label_of "$device")" in
      cairn-a | cairn-b | cairn-recovery) echo "$device" ;;
    esac
  done
}

label_of() {
  [ -e "/sys/class/block/${1##*/}/uevent" ] || return 0
  while IFS='=' read -r key value; do
    [ "$key" != PARTNAME ] || echo "$value"
  done <"/sys/class/block/${1##*/}/uevent"
}

# Is this partition the root that the UKI asks for? If not, `why` says why not.
#
# The root hash is the SHA-256 of the tree's top block (dm-verity format 1, empty salt), which lies one block behind
# the verity superblock: so one read tells. All other blocks are verified by the kernel as they are read.
is_root() {
  found=$(dd if="$1" bs=4096 skip=$((hash_offset / 4096 + 1)) count=1 status=none | sha256sum)
  [ "${found%% *}" = "$hash" ] || { why="$1 holds another release (root hash ${found%% *})"; return 1; }
}

# The device-mapper table that verifies a slot (kernel documentation, dm-verity, "Construction Parameters").
verity_table() {
  blocks=$((hash_offset / 4096))
  echo "0 $((blocks * 8)) verity 1 $1 $1 4096 4096 $blocks $((blocks + 1)) sha256 $hash - 1 panic_on_corruption"
}
