# The kernel command line, sourced by /init. The UKI has it twice: as what the kernel is started with, and in a file of
# the initrd, so that a change in one of them shows. A failing function leaves a sentence in `why`.

signed_line=/etc/cairn/cmdline
booted_line=/proc/cmdline

# Is the kernel's command line the one that this UKI was built with? It has to be there to the letter. A loader may
# append to it, but only what cannot lead away from the verified root.
check_command_line() {
  # `read` fails at a file that ends without a newline, having read it.
  read -r signed <"$signed_line" || [ -n "$signed" ]
  read -r booted <"$booted_line" || [ -n "$booted" ]
  case "$booted" in
    "$signed") return 0 ;;
    "$signed "*) ;;
    *) why='the kernel command line is not the one that this UKI was built with'; return 1 ;;
  esac
  set -f
  for word in ${booted#"$signed"}; do
    case "$word" in
      cairn.* | kairos.* | cos.* | stages.* | config_url=* | console=* | loglevel=* | quiet) ;;
      *) why="the argument $word was appended to the kernel command line, which may not be"; set +f; return 1 ;;
    esac
  done
  set +f
}

# Sets `hash`, `hash_offset` (bytes from the slot's start to the verity superblock), `init`, and `initrd_limit`, in seconds.
read_command_line() {
  hash='' hash_offset='' init='' initrd_limit=300
  set -f
  for word in $signed; do
    case "$word" in
      roothash=*) hash=${word#*=} ;;
      cairn.hash-offset=*) hash_offset=${word#*=} ;;
      init=*) init=${word#*=} ;;
      cairn.initrd-limit=*) initrd_limit=${word#*=} ;;
    esac
  done
  set +f
  case "$initrd_limit" in '' | *[!0-9]*) why='cairn.initrd-limit on the command line is no number of seconds'; return 1 ;; esac
  case "$hash:$hash_offset:$init" in
    :* | *::* | *: | *:*[!0-9]*:*) why='the command line of this UKI lacks roothash, cairn.hash-offset or init'; return 1 ;;
  esac
}
