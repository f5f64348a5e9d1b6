# Where any boot ends that cannot go on, sourced by /init: the reason on the console, and a reboot.

refuse() {
  echo
  echo 'Cairn: this boot is refused.'
  for line in "$@"; do echo "  $line"; done
  # Of the kernel's own words the last ones: what it says of a disk or of verity.
  dmesg --level=emerg,alert,crit,err --notime 2>/dev/null | tail -n 10 | sed 's/^/  kernel: /'
  echo 'Cairn: rebooting in 10 seconds.'
  sleep 10
  echo b >/proc/sysrq-trigger
  # The kernel reboots as well when its first process ends (panic=10 on the command line).
  exit 1
}

# Recovery was booted for a reset, which is done: the next boot is the node's own system.
reboot_after_reset() {
  echo 'Cairn: the reset is done, rebooting.'
  # Flush, make read-only, reboot (kernel documentation, "Linux Magic System Request Key Hacks").
  for key in s u b; do echo "$key" >/proc/sysrq-trigger; sleep 2; done
  exit 1
}

refuse_without_slot() {
  set -- 'No slot holds the release that this UKI was made for:' "  root hash $hash"
  for each in $(list_slots); do
    if is_root "${each#*:}"; then
      set -- "$@" "  ${each%%:*} on ${each#*:} does, but the boot loader's entry ${entry:-(none)} is not for it"
    else
      set -- "$@" "  ${each%%:*} on $why"
    fi
  done
  [ $# -gt 2 ] || set -- "$@" '  there is no slot: neither a disk with a partition named cairn-a nor a live medium was found'
  refuse "$@"
}
