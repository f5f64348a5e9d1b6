/**
 * The agent: a POSIX shell script that is typed into the guest at login and needs nothing but setsid, dd,
 * base64 and sha256sum (util-linux and coreutils, or busybox). Its first argument is the folder in which it
 * keeps scripts and their output. Programs take long to start in an emulated guest, so it does what it can by
 * itself.
 *
 * A request is one line, `ID VERB ARGUMENTS`. Every verb can be asked again without harm, because on a
 * console answers get damaged by what others write there. Answers are a line `=ID! WORDS !ID=`, or for output
 * a line `=ID=`, base64, and a line `=ID. SHA256`. The line that ends an answer is sent twice: one that does
 * not come is only missed after a long wait.
 *
 *     hello                          says `ready`
 *     put JOB.N TEXT                 keeps a piece of a script (base64)       -> ok LENGTH
 *     run JOB PIECES                 starts the script, if it is not started  -> ok
 *     poll JOB                       -> running | done CODE STDOUT-SIZE STDERR-SIZE
 *     get JOB.out|JOB.err KIB COUNT  output, from KIB on, COUNT KiB
 *     kill JOB                       ends the script and all that it started  -> ok
 *     drop JOB                       forgets the script and its output        -> ok
 *     quit                           ends the agent                           -> ok
 */
export const AGENT_SCRIPT = `
cd "$1" || exit 1
twice() { printf '\\n%s\\n%s\\n' "$1" "$1"; }
say() { twice "=$id! $* !$id="; }
size() { if [ -s "$1" ]; then echo $(($(wc -c <"$1"))); else echo 0; fi; }
while read -r id verb a b c; do
  case $verb in
  hello) say ready ;;
  put) printf %s "$b" >"$a" && say ok \${#b} ;;
  run)
    if [ ! -e "$a.sh" ]; then
      n=0
      while [ "$n" -lt "$b" ]; do
        read -r text <"$a.$n"
        printf %s "$text"
        n=$((n + 1))
      done | base64 -d >"$a.sh"
      setsid sh -c '
        echo $$ >"$0.pid"
        (cd / && exec sh "$1/$0.sh") >"$0.out" 2>"$0.err" </dev/null
        echo $? >"$0.code"' "$a" "$PWD" >/dev/null 2>&1 </dev/null &
    fi
    say ok ;;
  poll)
    if read -r code 2>/dev/null <"$a.code"; then say done "$code" "$(size "$a.out")" "$(size "$a.err")"
    else say running; fi ;;
  get)
    dd if="$a" of=piece bs=1024 skip="$b" count="$c" 2>/dev/null
    printf '\\n=%s=\\n' "$id"
    base64 piece
    set -- $(sha256sum piece)
    twice "=$id. $1" ;;
  kill) read -r pid 2>/dev/null <"$a.pid" && kill -KILL "-$pid"; say ok ;;
  drop) rm -f "$a".*; say ok ;;
  quit) say ok; exit 0 ;;
  esac
done
`;

/**
 * A script that starts the agent on the virtio-serial port whose name is given, instead of one that may still
 * be there. It exits with 3 where there is no such port.
 */
export function startOnPort(portName: string): string {
  return `
find_port() {
  for name in /sys/class/virtio-ports/*/name; do
    [ -r "$name" ] && [ "$(cat "$name")" = ${portName} ] && port=/dev/$(basename "$(dirname "$name")") && return
  done
  return 1
}
find_port || { modprobe virtio_console 2>/dev/null && sleep 1 && find_port; } || exit 3
[ -c "$port" ] || exit 3
cd "$(dirname "$0")" || exit 3
[ -r port.pid ] && kill -KILL "-$(cat port.pid)" 2>/dev/null && sleep 1
setsid sh -c 'echo $$ >port.pid; exec sh ./agent "$PWD" <>"$0" >&0 2>/dev/null' "$port" >/dev/null 2>&1 &
`;
}
