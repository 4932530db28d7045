#!/usr/bin/env bash
# Prints the name of a rustup toolchain that can build for wasm32-unknown-unknown, and makes one if there is none.
#
#   1. the machine's default toolchain has the target already            -> that
#   2. `rustup target add` brings it within a time-out                   -> that
#   3. only package registries are reachable: Debian's rustc-web is unpacked into the cache folder, the target's standard library is
#      built from its source once, and the result is linked into rustup as `wirecenter-web`
#
# WIRECENTER_FORCE_DEBIAN=1 skips 1 and 2, to try the third way.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
unset RUSTUP_TOOLCHAIN
exec 3>&1 1>&2 # stdout carries the name only

target=wasm32-unknown-unknown
host=$(rustc -vV | sed -n 's/^host: //p')
ours=wirecenter-web
home=$WIRECENTER_TARGET/rustc-web

has_target() { # toolchain
  local root
  root=$(rustc "+$1" --print sysroot 2>/dev/null) || return 1
  compgen -G "$root/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null
}
answer() { echo "$1" >&3; exit 0; }

if ! command -v rustup >/dev/null; then
  # A distribution's own Rust: there is no toolchain to choose, only a target to have.
  compgen -G "$(rustc --print sysroot)/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null ||
    { echo "setup: this Rust has no $target. Install it (Debian, Ubuntu: apt-get install libstd-rust-dev-wasm32), or use rustup."; exit 1; }
  answer ""
fi
default=$(rustup show active-toolchain | awk '{print $1}')

if [ "${WIRECENTER_FORCE_DEBIAN:-0}" != 1 ]; then
  if has_target "$default"; then answer "$default"; fi
  echo "setup: adding the target $target to the Rust toolchain $default"
  # Judged by what is there afterwards: an unreachable server may fail in many ways.
  timeout 60 rustup target add --toolchain "$default" "$target" >/dev/null 2>&1 || true
  if has_target "$default"; then answer "$default"; fi
fi
if has_target "$ours"; then answer "$ours"; fi

command -v apt-get >/dev/null || { echo "setup: $target cannot be fetched by rustup, and this is not Debian or Ubuntu. Install it by hand."; exit 1; }
echo "setup: rustup cannot reach its server; building the WASM standard library from Debian's packages (once, about 2 minutes, 500 MB)"
rm -rf "$home"
mkdir -p "$home/packages"
if ! apt-cache show rustc-web >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
fi
# The versioned standard library and LLVM are what rustc-web depends on; their names change with it.
depends() { apt-cache depends "$1" | sed -n "s/^ *|\\?Depends: \\($2\\)\$/\\1/p"; }
std=$(depends libstd-rust-web-dev 'libstd-rust-web-[0-9][^ ]*')
packages=$(printf '%s\n' rustc-web libstd-rust-web-dev rust-web-src "$std" "$(depends rustc-web 'libstd-rust-web-[^ ]*')" \
  "$(depends rustc-web 'libllvm[0-9][^ ]*')" "$(depends "$std" 'libllvm[0-9][^ ]*')" | sort -u | sed '/^$/d')
(
  cd "$home/packages"
  chown _apt . 2>/dev/null || true # apt downloads as this user
  # shellcheck disable=SC2086  # one word per package
  apt-get download -q $packages
  for package in *.deb; do dpkg -x "$package" "$home"; done
)
rm -rf "$home/packages"

# rustup looks for shared libraries in lib, rustc for its linker in its own rustlib; both come from elsewhere here.
triple=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
for library in "$home/usr/lib/$triple"/*.so*; do ln -sf "$triple/$(basename "$library")" "$home/usr/lib/$(basename "$library")"; done
base=$(rustc "+$default" --print sysroot)
mkdir -p "$home/usr/lib/rustlib/$host/bin"
ln -sf "$base/lib/rustlib/$host/bin/rust-lld" "$home/usr/lib/rustlib/$host/bin/rust-lld"
ln -sfn "$base/lib/rustlib/$host/bin/gcc-ld" "$home/usr/lib/rustlib/$host/bin/gcc-ld"
ln -sf "$base/bin/cargo" "$home/usr/bin/cargo"
rustup toolchain link "$ours" "$home/usr"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
: >"$work/src/lib.rs"
printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$work/Cargo.toml"
(
  cd "$work"
  unset RUSTC RUSTC_WRAPPER CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS
  # Bitcode, because the panel's own build ends in link-time optimization over everything.
  RUSTC_BOOTSTRAP=1 RUSTUP_TOOLCHAIN="$ours" CARGO_TARGET_DIR="$work/out" RUSTFLAGS=-Cembed-bitcode=yes \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 cargo build --quiet --release --target "$target" -Zbuild-std=std,panic_abort
)
library=$home/usr/lib/rustlib/$target/lib
mkdir -p "$library.new"
for file in "$work/out/$target/release/deps/"*.rlib; do
  case "$(basename "$file")" in libempty-*) ;; *) cp "$file" "$library.new/" ;; esac
done
rm -rf "$library" && mv "$library.new" "$library" # last, so that half a library is never taken for one
rm -rf "${home:?}/usr/src" "${home:?}/usr/lib/rustlib/src" "${home:?}/usr/share"
has_target "$ours" || { echo "setup: the WASM standard library could not be built"; exit 1; }
answer "$ours"
