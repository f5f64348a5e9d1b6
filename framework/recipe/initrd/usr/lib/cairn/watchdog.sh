# The watchdog, sourced by /init: a boot that hangs ends in a reset. The hardware's, or softdog where there is none.

# Closed without its farewell, the letter V, a watchdog goes on counting (kernel documentation, "The Linux WatchDog Timer
# driver API").
watchdog=/dev/watchdog

# The initrd of a release on trial may hang, so that it has so many seconds. That of a good release has all the time it
# wants: mending a large file system takes long, and there is nothing to go back to.
arm_watchdog() {
  feeder=''
  [ -n "$counted" ] || return 0
  has_watchdog || return 0
  feed_watchdog "$initrd_limit" &
  feeder=$!
}

# Only one process may have it open: what is started here must not.
feed_watchdog() {
  exec 3>"$watchdog" || return 0
  left=$1
  while [ "$left" -gt 0 ]; do
    echo >&3
    sleep 5 3>&-
    left=$((left - 5))
  done
}

# From here on the init that comes feeds it, where it does that; `cairn boot` has left word. Otherwise it is stopped.
hand_over_watchdog() {
  [ -z "$feeder" ] || { kill "$feeder" 2>/dev/null; wait "$feeder" 2>/dev/null; }
  if [ -e /run/cairn/watchdog ]; then
    ! has_watchdog || echo >"$watchdog"
  elif [ -n "$feeder" ]; then
    echo V >"$watchdog"
  fi
}

has_watchdog() {
  [ -c "$watchdog" ] || modprobe --quiet softdog
  [ -c "$watchdog" ]
}
