# Shared by tools/demo, tools/test and tools/bench; sourced, not run.
# Leaves the shell in the repository's root, and offers need_packages and the package lists.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

packages_program=(g++ cmake ninja-build pkg-config ccache libxxhash-dev libcli11-dev libfmt-dev
  libisal-dev liburing-dev nlohmann-json3-dev)
packages_count=("${packages_program[@]}" python3 valgrind)
packages_bench=("${packages_program[@]}" gnuplot-nox libbenchmark-dev libboost-dev
  libconcurrentqueue-dev libevent-dev libreaderwriterqueue-dev libtbb-dev libuv1-dev python3)
packages_test=("${packages_program[@]}" clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14
  dpkg-dev file git libcpp-httplib-dev libgtest-dev prometheus prometheus-cpp-dev python3 relacy-dev spin
  valgrind)

missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      echo "$package"
  done
}

# Installs what is missing when that is allowed, else names the one command that does it.
need_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if [[ $EUID -ne 0 ]]; then
    echo "Packages are missing. Please run:"
    echo "  sudo apt-get install ${missing[*]}"
    exit 2
  fi
  echo "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } \
    >/dev/null; then
    echo "Could not install them; the command was: apt-get install ${missing[*]}"
    exit 2
  fi
}
