#!/usr/bin/env bash
# Installs what is missing and says what it installs. Safe to run again; a second run only looks.
#   setup.sh run    what building and running need
#   setup.sh test   what the tests need besides (a browser, the dependency checker)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

purpose=${1:-run}
say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

mkdir -p "$WIRECENTER_TARGET"
exec 9>"$WIRECENTER_TARGET/setup.lock"
flock 9 # two checkouts may share the folder

# --- Rust and Node are the two things asked of the machine -------------------------------------------------------------------
command -v cargo >/dev/null || fail "cargo was not found. Install Rust with rustup, then run this again."
command -v node >/dev/null || fail "node was not found. Install Node.js 20 or later (Debian, Ubuntu: apt-get install nodejs npm), then run this again."
command -v npm >/dev/null || fail "npm was not found. Install it (Debian, Ubuntu: apt-get install npm), then run this again."
command -v cc >/dev/null || fail "a C linker was not found. Install it (Debian, Ubuntu: apt-get install gcc libc6-dev), then run this again."

# --- the distribution's packages ---------------------------------------------------------------------------------------------
# Programs and the packages that hold them. The -core packages bring MariaDB's programs without a system service.
missing=()
want() { # program, packages that may hold it, the first that exists is taken
  command -v "$1" >/dev/null && return
  local package
  for package in "${@:2}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then missing+=("$package"); return; fi
  done
  missing+=("$2")
}
like() { # program, its package, if there is one
  command -v "$1" >/dev/null || { apt-cache show "$2" >/dev/null 2>&1 && missing+=("$2"); } || true
}
find_missing() {
  missing=()
  want mariadbd mariadb-server-core mariadb-server-core-10.6
  want mariadb-install-db mariadb-server-core mariadb-server-core-10.6
  want mariadb mariadb-client-core mariadb-client-core-10.6
  want brotli brotli
  if [ "$purpose" = test ]; then
    want chromium chromium chromium-browser
    want shellcheck shellcheck
    # libvirt's own driver for tests, and VMware's simulator; where there is no such package those tests say that they are skipped.
    like virsh libvirt-clients
    like go golang-go
    [ -d /usr/share/gocode/src/github.com/vmware/govmomi ] || like no-such-program golang-github-vmware-govmomi-dev
  fi
}
find_missing
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "these packages are missing and this is not Debian or Ubuntu: ${missing[*]}. Install them by hand."
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing: ${missing[*]}. Run as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the lists there are"
  find_missing # the names may only be known now
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  say "installing ${missing[*]}"
  for try in 1 2 3; do
    if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o DPkg::Lock::Timeout=300 "${missing[@]}" >"$WIRECENTER_TARGET/apt.log" 2>&1; then break; fi
    [ "$try" != 3 ] || { tail -5 "$WIRECENTER_TARGET/apt.log" >&2; fail "apt-get could not install ${missing[*]}; the lines above say why"; }
    say "apt-get failed; trying again"
    sleep 5
  done
fi

# --- the lab's daemons --------------------------------------------------------------------------------------------------------
scripts/lab.sh

# --- a toolchain with the WASM target ----------------------------------------------------------------------------------------
toolchain=$(scripts/wasm-toolchain.sh)
echo "$toolchain" >"$WIRECENTER_TARGET/toolchain"
export RUSTUP_TOOLCHAIN=$toolchain

# --- commands from the Rust registry -----------------------------------------------------------------------------------------
install_command() { # crate, program, version
  if [ "$("$WIRECENTER_TARGET/tools/bin/$2" --version 2>/dev/null | awk '{print $2}')" = "$3" ]; then return; fi
  say "building $2 $3 (once, a few minutes)"
  # Used a few seconds at a time, so building it quickly is worth more than its speed.
  CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
    CARGO_TARGET_DIR="$WIRECENTER_TARGET/tools/build" cargo install --quiet "$1" --version "$3" --root "$WIRECENTER_TARGET/tools" --force
  rm -rf "$WIRECENTER_TARGET/tools/build"
}
# wasm-bindgen's program and crate must be the same version.
bindgen=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
install_command wasm-bindgen-cli wasm-bindgen "$bindgen"
if [ "$purpose" = test ]; then
  install_command cargo-deny cargo-deny 0.20.2
fi

# --- packages from the npm registry ------------------------------------------------------------------------------------------
install_node() { # folder with package.json and package-lock.json
  local to="$WIRECENTER_TARGET/npm/$1"
  mkdir -p "$to"
  if ! cmp -s "$1/package-lock.json" "$to/installed-lock.json" || [ ! -d "$to/node_modules" ]; then
    say "installing the npm packages of $1/"
    cp "$1/package.json" "$1/package-lock.json" "$1/.npmrc" "$to/"
    (cd "$to" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --ignore-scripts)
    cp "$1/package-lock.json" "$to/installed-lock.json"
  fi
}
install_node style
if [ "$purpose" = test ]; then
  install_node end2end
  # Modules are looked for beside the tests.
  ln -sfn "$WIRECENTER_TARGET/npm/end2end/node_modules" end2end/node_modules
fi
