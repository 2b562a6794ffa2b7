# shellcheck shell=bash disable=SC2154 # variables are shared with the other steps
# Step 3: configure and build.

# As many compilers as there are cores and memory: one that reads LibTorch takes up to 1.9 GB.
num_jobs() {
  local cores memory
  if [ -n "${ONECYCLE_JOBS:-}" ]; then
    echo "$ONECYCLE_JOBS"
    return
  fi
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1.9e6) }' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

configure() {
  local args=(--fresh --preset "$preset" "-DONECYCLE_TORCH_SITE=$torch_site" "-DONECYCLE_PYTHON=$torch_python"
    "-DONECYCLE_NVCC=$nvcc" "-DONECYCLE_CUDA=${ONECYCLE_CUDA:-AUTO}"
    "-DONECYCLE_CUDA_ARCHITECTURES=${ONECYCLE_CUDA_ARCHITECTURES:-native}")
  [ -z "${Torch_DIR:-}" ] || args+=("-DTorch_DIR=$Torch_DIR")
  run_step "configure ($preset)" cmake -S "$root" "${args[@]}"
  grep -aE '^-- onecycle ' "$log" | tail -n 1 | sed 's/^-- /  /' >&2
}

# set_up TARGET: everything up to the built target (onecycle_program, or all: the tests too).
set_up() {
  local target=$1 fd
  grep -q "\"name\": \"$preset\"" "$root/CMakePresets.json" || fail "ONECYCLE_PRESET=$preset: no such preset in CMakePresets.json"
  mkdir -p "$build_dir" 2>/dev/null || true
  if [ ! -w "$build_dir" ] || [ ! -w "$root/build" ]; then fail "$build_dir cannot be written"; fi
  lock "$root/build/.lock"
  fd=$lock_fd
  trap stop_watching EXIT
  trap 'stop_watching; say "onecycle: stopped; the next call goes on from here"; exit 130' INT TERM
  : >"$log"
  if ! configuration_is_current; then
    say "onecycle: setting up (once; log: $log)"
    rm -f "$configured"
    install_packages
    check_versions
    find_libtorch
    find_nvcc
    need_space "$root/build" 2000 "the build"
    configure
    printf '%s\n%s\n' "$settings" "$torch_site" >"$configured.new"
    mv "$configured.new" "$configured"
  fi
  # The files bear the time at which the step began: what is edited meanwhile counts as newer.
  : >"$built.new"
  run_step "build" cmake --build "$build_dir" --target "$target" -j "$(num_jobs)"
  mv "$built.new" "$built"
  trap - EXIT INT TERM
  exec {fd}>&-
}
