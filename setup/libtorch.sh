# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with the other steps
# Step 2: LibTorch, and nvcc where there is a GPU. Sets
#
#   torch_site     the site-packages folder that holds it ('' when CMake finds it by Torch_DIR)
#   torch_python   a Python that can import it ('' when none can)
#   nvcc           the CUDA compiler to use ('' when CMake shall look itself)

torch_version=2.11.0
torch_site=
torch_python=
nvcc=

driver_release() { sed -n 's/.*Kernel Module[^0-9]*\([0-9]*\)\..*/\1/p' /proc/driver/nvidia/version 2>/dev/null || true; }

has_gpu() { [ -e /dev/nvidia0 ] || nvidia-smi -L >/dev/null 2>&1; }

# What this machine wants: full with a GPU that CUDA 13 can drive, else slim.
wanted_kind() {
  local driver
  case ${ONECYCLE_TORCH:-} in
    slim | full) kind=$ONECYCLE_TORCH; return ;;
    '') ;;
    *) fail "ONECYCLE_TORCH is slim or full, not '$ONECYCLE_TORCH'" ;;
  esac
  kind=slim
  has_gpu || return 0
  driver=$(driver_release)
  if [ -n "$driver" ] && [ "$driver" -lt 580 ]; then
    say "  the GPU's driver is release $driver and CUDA 13 needs 580 or newer: the processor will be used"
  else
    kind=full
  fi
}

# Whether SITE holds a LibTorch that can be linked and loaded here.
usable_site() {
  local version lib=$1/torch/lib
  [ -e "$lib/libtorch_cpu.so" ] && [ -e "$lib/libgomp.so.1" ] && [ -d "$1/torch/include/ATen" ] || return 1
  version=$(sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$1/torch/version.py")
  [ "$(printf '%s\n' 2.11 "$version" | sort -V | head -n 1)" = 2.11 ] || return 1
  ! ldd "$lib/libtorch_cpu.so" | grep -q 'not found'
}

is_full() { [ -e "$1/nvidia/cu13/lib/libcublas.so.13" ] && ! ldd "$1/torch/lib/libtorch_cuda.so" | grep -q 'not found'; }

# A LibTorch that the user names. The wheel's package file does not work everywhere (cmake/libtorch.cmake), so
# a Torch_DIR inside a wheel stands for the wheel.
named_by_user() {
  local prefix dirs=()
  if [ -n "${ONECYCLE_TORCH_SITE:-}" ]; then
    torch_site=$ONECYCLE_TORCH_SITE
    [ -e "$torch_site/torch/lib/libtorch_cpu.so" ] || fail "ONECYCLE_TORCH_SITE=$torch_site holds no torch/lib/libtorch_cpu.so"
    return
  fi
  [ -n "${Torch_DIR:-}" ] && dirs+=("$Torch_DIR")
  IFS=: read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do dirs+=("$prefix/share/cmake/Torch"); done
  for prefix in "${dirs[@]}"; do
    [ -e "$prefix/TorchConfig.cmake" ] || continue
    if [ -e "$prefix/../../../version.py" ]; then torch_site=$(realpath "$prefix/../../../.."); fi
    return
  done
  [ -z "${Torch_DIR:-}" ] || fail "Torch_DIR=$Torch_DIR holds no TorchConfig.cmake"
  return 1
}

# The user's own Python, asked without importing torch, which takes seconds.
importable() {
  local site
  command -v python3 >/dev/null || return 1
  site=$(python3 -c 'import importlib.util as u, os
s = u.find_spec("torch")
print(os.path.dirname(os.path.dirname(s.origin)) if s and s.origin else "")' 2>/dev/null) || return 1
  [ -n "$site" ] && usable_site "$site" || return 1
  if is_full "$site"; then
    [ "${ONECYCLE_TORCH:-}" != slim ] || return 1
    torch_python=$(command -v python3)
  else
    [ "$kind" = slim ] || return 1
  fi
  torch_site=$site
}

# use_cached KIND
use_cached() {
  local sites=("$cache_dir/torch-$torch_version-$1"/lib/python3*/site-packages)
  [ -d "${sites[0]}" ] && usable_site "${sites[0]}" || return 1
  torch_site=${sites[0]}
  if [ "$1" = full ]; then torch_python=$cache_dir/torch-$torch_version-full/bin/python3; fi
}

# pip_install FOLDER REQUIREMENTS MEGABYTES TITLE [OPTION...]: into a virtual environment that bears its name only
# when it is whole. pip's own cache stays out of it: it would keep every wheel a second time.
pip_install() {
  local folder=$1 requirements=$2 space=$3 title=$4 part=$1.part
  shift 4
  mkdir -p "$cache_dir" 2>/dev/null || true
  [ -w "$cache_dir" ] || fail "$cache_dir cannot be written: set XDG_CACHE_HOME to another folder"
  lock "$cache_dir/.lock"
  local fd=$lock_fd
  if [ -d "$folder" ]; then
    exec {fd}>&-
    return
  fi
  rm -rf "$part"
  need_space "$cache_dir" "$space" "$title"
  run_step "virtual environment" /usr/bin/env -u PYTHONHOME -u PYTHONPATH "$system_python" -m venv "$part"
  mkdir "$part/tmp"
  run_step "$title" env TMPDIR="$part/tmp" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_REQUIRE_VIRTUALENV=0 \
    "$part/bin/python3" -m pip install --no-cache-dir --no-compile --only-binary=:all: "$@" -r "$requirements"
  rm -rf "$part/tmp"
  mv "$part" "$folder"
  exec {fd}>&-
}

install_torch() {
  local folder=$cache_dir/torch-$torch_version-$kind
  if [ "$kind" = slim ]; then
    say "  no GPU: LibTorch for the processor, 0.6 GB to download, 1.2 GB in $cache_dir, about a minute"
    pip_install "$folder" "$root/setup/torch-slim.txt" 2200 "LibTorch $torch_version (slim)" --no-deps
  else
    say "  LibTorch with CUDA: 2.6 GB to download, 4.6 GB in $cache_dir, about two minutes"
    pip_install "$folder" "$root/setup/torch-full.txt" 7500 "LibTorch $torch_version (full)"
  fi
  use_cached "$kind" || fail "LibTorch in $folder does not load on this machine: see ldd $folder/lib/python3*/site-packages/torch/lib/libtorch_cpu.so"
}

find_libtorch() {
  local kind
  system_python=python3
  [ ! -x /usr/bin/python3 ] || system_python=/usr/bin/python3  # the one that python3-venv belongs to
  wanted_kind
  if named_by_user; then
    if [ -n "$torch_site" ] && is_full "$torch_site"; then torch_python=$(find_python_of "$torch_site"); fi
    return
  fi
  importable && return
  if [ "${ONECYCLE_TORCH:-}" != slim ] && use_cached full; then return; fi
  use_cached "$kind" || install_torch
}

# The Python of the virtual environment around SITE ('' when it is none).
find_python_of() {
  local python=$1/../../../bin/python3
  if [ -x "$python" ]; then realpath -s "$python"; fi
}

# An installed CUDA toolkit first; PyPI's compiler where there is a GPU, or where kernels are asked for.
find_nvcc() {
  local candidate folder=$cache_dir/nvcc-13.0
  [ "${ONECYCLE_CUDA:-AUTO}" != OFF ] || return 0
  for candidate in "${CUDACXX:-}" "$(command -v nvcc || true)" "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" \
    "$torch_site/nvidia/cu13/bin/nvcc" "$folder"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc; do
    if [ -x "$candidate" ] && "$candidate" --version | grep -q 'release 13\.'; then
      nvcc=$candidate
      return
    fi
  done
  if [ "${ONECYCLE_CUDA:-}" = ON ] || { [ -n "$torch_site" ] && is_full "$torch_site" && has_gpu; }; then
    say "  CUDA compiler: 0.1 GB to download, 0.3 GB in $cache_dir"
    pip_install "$folder" "$root/setup/nvcc.txt" 700 "nvcc 13.0" --no-deps
    nvcc=$(echo "$folder"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc)
  fi
}
