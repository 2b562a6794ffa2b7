# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with the other steps
# What the launcher and the steps of the set-up share. Sourced with $root set to the clone.
#
# Everything is said on stderr: stdout belongs to the program (`--json`).

preset=${ONECYCLE_PRESET:-release}
build_dir=$root/build/$preset
binary=$build_dir/onecycle
configured=$build_dir/.configured  # lines: the settings, and the folder LibTorch was linked from
built=$build_dir/.built  # its time: when the last complete build began
log=$root/build/setup.log
home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6 || true)}  # services may start without HOME
cache_dir=${XDG_CACHE_HOME:-${home:-/nonexistent}/.cache}/onecycle

# What a build depends on besides its sources: when it changes, the build is configured anew.
settings="$root|${ONECYCLE_TORCH:-}|${ONECYCLE_TORCH_SITE:-}|${ONECYCLE_CUDA:-}|${ONECYCLE_CUDA_ARCHITECTURES:-}|${Torch_DIR:-}|${CMAKE_PREFIX_PATH:-}|${CUDACXX:-}"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "onecycle: $*"
  exit 1
}

# newer_than FILE PATH...: whether a file or folder of these is newer.
newer_than() { [ -n "$(find "${@:2}" -newer "$1" -print -quit)" ]; }

# Whether packages, LibTorch and configuration are as the settings and setup/ want them.
configuration_is_current() {
  local with='' site=''
  [ -f "$configured" ] && [ -f "$build_dir/build.ninja" ] || return 1
  { read -r with && read -r site; } <"$configured" || true
  [ "$with" = "$settings" ] || return 1
  [ -z "$site" ] || [ -e "$site/torch/lib/libtorch_cpu.so" ] || return 1
  ! newer_than "$configured" "$root/setup"
}

# A few milliseconds, since every call of ./onecycle asks it.
build_is_current() {
  [ -x "$binary" ] && [ -f "$built" ] && configuration_is_current &&
    ! newer_than "$built" "$root"/{CMakeLists.txt,CMakePresets.json,cmake,include,src}
}

# What went wrong, in words, where the log shows one of the usual reasons.
explain_failure() {
  local reason
  for reason in \
    'No space left on device=the disk is full' \
    'Could not get lock|Unable to acquire the dpkg frontend lock=another package manager is at work: wait for it and run this again' \
    'Temporary failure (in name resolution|resolving)|Name or service not known|Could not resolve=no network: the name of a server could not be resolved' \
    'Network is unreachable|Failed to establish a new connection|Could not connect|Connection timed out|Max retries exceeded=no network: a server could not be reached' \
    'CERTIFICATE_VERIFY_FAILED|certificate verification failed=a server showed a certificate that this machine does not trust' \
    'Killed signal terminated program|virtual memory exhausted|out of memory=not enough memory: try again with ONECYCLE_JOBS=1'; do
    if tail -n 200 "$log" | grep -qE "${reason%%=*}"; then
      say "onecycle: ${reason#*=}"
      return
    fi
  done
}

# watch_progress TITLE: shows that a step lives, until it is killed.
watch_progress() {
  local title=$1 start=$SECONDS step never
  exec {never}<> <(:)  # waiting on it, unlike sleep, leaves no process behind when this one is killed
  if [ -t 2 ]; then
    while ! read -r -t 1 -u "$never"; do
      step=$(tail -c 4000 "$log" | grep -aoE '^\[[0-9]+/[0-9]+\]' | tail -n 1 || true)
      printf '\r\033[K  %s  %s %d s' "$title" "$step" $((SECONDS - start)) >&2
    done
  else
    while ! read -r -t 60 -u "$never"; do say "  $title  … $((SECONDS - start)) s"; done
  fi
}

stop_watching() {
  [ -n "${watcher:-}" ] || return 0
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  watcher=
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

# run_step TITLE COMMAND...: its output goes to the log; a failure shows the log's end and ends the set-up.
# The command stays in the foreground, so that Ctrl-C reaches it.
run_step() {
  local title=$1 start=$SECONDS status=0 begin
  shift
  printf '\n== %s: %s\n' "$title" "$*" >>"$log"
  begin=$(wc -l <"$log")
  if [ ! -t 2 ]; then say "  $title"; fi
  watch_progress "$title" &
  watcher=$!
  "$@" >>"$log" 2>&1 || status=$?
  stop_watching
  if [ "$status" -ne 0 ]; then
    tail -n "+$((begin + 1))" "$log" | tail -n 25 | sed 's/^/  | /' >&2
    explain_failure
    fail "$title failed; the whole log: $log"
  fi
  say "  $title: done in $((SECONDS - start)) s"
}

# need_space FOLDER MEGABYTES WHAT
need_space() {
  local free
  free=$(($(df -Pk "$1" | awk 'NR == 2 { print $4 }') / 1024))
  [ "$free" -ge "$2" ] || fail "$3 needs $2 MB, but only $free MB are free in $1 (another folder: XDG_CACHE_HOME)"
}

# lock FILE: waits for another set-up. Held until lock_fd, which it sets, is closed.
lock() {
  exec {lock_fd}>>"$1"
  if ! flock -n "$lock_fd"; then
    say "  waiting for another set-up that is under way"
    flock "$lock_fd"
  fi
}
