# shellcheck shell=bash disable=SC2154 # variables of common.sh
# Step 1: the system's packages.

# Whether apt's lists have a package of exactly this name: to most of apt's commands, `g++` is a pattern that others match.
in_lists() { apt-cache madison "$1" 2>/dev/null | awk -v name="$1" '$1 == name { found = 1 } END { exit !found }'; }

# Yes as well where apt has no lists yet and so knows nothing.
known_to_apt() { in_lists "$1" || ! in_lists g++; }

# Sets missing to the packages of packages.txt that are not installed, num_needed to how many are not optional.
find_missing_packages() {
  local line optional
  missing=()
  num_needed=0
  while read -r line; do
    case $line in '' | '#'*) continue ;; esac
    optional=
    case $line in '?'*) optional=yes line=${line#\? } ;; esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$line" 2>/dev/null)" = installed ] && continue
    if [ -z "$optional" ]; then
      num_needed=$((num_needed + 1))
    elif ! known_to_apt "$line"; then
      continue
    fi
    missing+=("$line")
  done <"$root/setup/packages.txt"
}

# Elsewhere than on Debian the user installs what is needed; say what.
check_tools() {
  local tool absent=()
  for tool in c++ cmake ninja git python3; do command -v "$tool" >/dev/null || absent+=("$tool"); done
  [ ${#absent[@]} -eq 0 ] && return
  say "onecycle: this set-up installs packages on Debian 12, Ubuntu 24.04 and newer; this machine has no apt-get."
  say "Missing here: ${absent[*]}. Needed, by their Debian names:"
  grep -v '^[#?]' "$root/setup/packages.txt" | paste -sd' ' >&2
  fail "install them and run this again"
}

install_packages() {
  local install=(apt-get install -y --no-install-recommends) as_root=() by='' who=' as root' size
  # dpkg alone is found on other distributions too.
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    check_tools
    return
  fi
  find_missing_packages
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      if [ "$num_needed" -eq 0 ]; then
        say "  left out, since it takes root to install them: ${missing[*]}"
        return
      fi
      if command -v sudo >/dev/null; then by='sudo ' who=; fi
      say "onecycle: ${#missing[@]} packages are missing. Run this once$who, then try again:"
      say "  ${by}apt-get update && $by${install[*]} ${missing[*]}"
      exit 1
    fi
    as_root=(sudo -n)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  need_space / 1500 "installing packages"
  if [ -n "$(dpkg --audit)" ]; then run_step "packages left unfinished" "${as_root[@]}" dpkg --configure -a; fi
  run_step "package lists" "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=120 update
  find_missing_packages  # optional ones are known only now
  size=$(LC_ALL=C apt-get install --no-install-recommends --assume-no "${missing[@]}" 2>/dev/null |
    sed -n 's/^Need to get \(.*\) of archives.*/\1/p' || true)
  run_step "${#missing[@]} packages${size:+ ($size)}" \
    "${as_root[@]}" "${install[@]}" -o DPkg::Lock::Timeout=120 "${missing[@]}"
}

# A distribution older than the supported ones has the packages, but not new enough.
check_versions() {
  local have
  have=$(cmake --version | sed -n '1s/[^0-9]*//p')
  if [ "$(printf '%s\n' 3.25 "$have" | sort -V | head -n 1)" != 3.25 ]; then
    fail "CMake 3.25 or newer is needed, this is $have (Debian 12 and Ubuntu 24.04 have it; elsewhere: pip install cmake)"
  fi
}
