# Which entry the boot loader has started, sourced by /init. Live medium, slot and recovery slot may all hold the release
# of this UKI, and then that is what tells them apart.

efi=/sys/firmware/efi
# Boot Loader Interface: systemd's vendor id.
loader_vendor=4a67b082-0a4c-41cf-b6c7-440b29bb8c4f

# Sets `entry` to the file name of the loader's entry, in lower case, and `counted` to whether its boots are counted, which is so on
# trial; both are empty where there is no such loader.
read_entry() {
  entry='' counted=''
  [ -d "$efi" ] || return 0
  modprobe --quiet efivarfs
  mount -t efivarfs -o ro,nosuid,nodev,noexec efivarfs "$efi/efivars" 2>/dev/null
  variable=$efi/efivars/LoaderEntrySelected-$loader_vendor
  [ ! -e "$variable" ] || entry=$(entry_in "$variable")
  [ ! -e "$efi/efivars/LoaderBootCountPath-$loader_vendor" ] || counted=yes
  umount "$efi/efivars" 2>/dev/null
  return 0
}

# efivarfs puts 4 bytes of attributes before the value, which is UTF-16; what is not ASCII is no entry of ours.
entry_in() {
  LC_ALL=C sed -n '1{s/^....//;s/\x00//g;y/ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/;p}' "$1"
}

# The labels of the partitions that the root may be on, the best first.
labels_for() {
  case "$1" in
    cairn-recovery.conf | cairn-recovery+*.conf) echo cairn-recovery ;;
    cairn-live.conf) echo cairn-live ;;
    # A slot that is lost may have its release in recovery still.
    cairn-*.conf) echo cairn-a cairn-b cairn-recovery ;;
    *) echo cairn-a cairn-b cairn-recovery cairn-live ;;
  esac
}
