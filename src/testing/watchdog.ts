/**
 * The watchdog, a POSIX shell script because it must outlive this process, weigh nothing and need no file of ours.
 *
 * `$1` is the cluster's folder. It waits for the end of its stdin, a pipe whose other end only the test process has:
 * the system closes it however that process ends, kill -9 included, and no process number is ever compared. If the
 * folder is still there, the servers that live in it are asked to end at once, then made to, the few bytes of System V
 * shared memory they may have left are returned, and the folder is deleted. A process belongs to the folder when its
 * working directory is inside it (Linux) or its command line names it (elsewhere); stale pid files are not trusted.
 */
export const WATCHDOG_SCRIPT = `
trap '' HUP INT TERM
while read -r line; do :; done
[ -n "$1" ] && [ -d "$1" ] || exit 0
residents() {
  if [ -d /proc/self/fd ]; then
    for entry in /proc/[0-9]*; do
      case "$(readlink "$entry/cwd" 2>/dev/null)" in "$1"/*) echo "\${entry#/proc/}";; esac
    done
  else
    ps -A -o pid= -o command= | grep -F "$1/" | grep -v -e grep -e sluice-test-watchdog | awk '{ print $1 }'
  fi
}
mains() {
  for file in "$1"/*/data/postmaster.pid; do
    [ -f "$file" ] && head -n 1 "$file"
  done
}
pids=$(residents "$1")
main=" $(mains "$1" | tr '\\n' ' ') "
for pid in $pids; do kill -CONT "$pid" 2>/dev/null; done
for pid in $pids; do
  case "$main" in *" $pid "*) kill -QUIT "$pid" 2>/dev/null;; esac
done
tries=0
while [ -n "$(residents "$1")" ] && [ "$tries" -lt 20 ]; do sleep 0.1; tries=$((tries + 1)); done
tries=0
while pids=$(residents "$1"); [ -n "$pids" ] && [ "$tries" -lt 50 ]; do
  for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
  sleep 0.1; tries=$((tries + 1))
done
for file in "$1"/*/data/postmaster.pid; do
  [ -f "$file" ] || continue
  segment=$(sed -n 7p "$file" | awk '{ print $2 }')
  [ -n "$segment" ] && ipcrm -m "$segment" 2>/dev/null
done
tries=0
while [ -d "$1" ] && [ "$tries" -lt 20 ]; do rm -rf "$1"; [ -d "$1" ] && sleep 0.1; tries=$((tries + 1)); done
`
