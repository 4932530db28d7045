#!/usr/bin/env bash
# Builds the browser's part and the program, and leaves the link ./wirecenter.
#   build.sh           release: small WASM, compressed, named by content
#   build.sh dev       quick, for working on it
# What `cargo leptos build` would do, with cargo, wasm-bindgen and sass alone.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

mode=${1:-release}
if [ "$mode" = release ]; then profile=release wasm_profile=wasm-release; else profile=dev wasm_profile=wasm-dev; fi
out=$CARGO_TARGET_DIR/$([ "$profile" = dev ] && echo debug || echo release)
site=$out/site
say() { echo "build: $*"; }
[ -e "$out/wirecenter" ] || say "the first build takes some minutes; later ones take seconds"
quiet=(--quiet)
if [ -t 2 ]; then quiet=(); fi # a person sees cargo's progress, a log does not

say "the browser's part"
cargo build "${quiet[@]}" -p app --lib --target wasm32-unknown-unknown --features hydrate --profile "$wasm_profile"
wasm=$CARGO_TARGET_DIR/wasm32-unknown-unknown/$wasm_profile/app.wasm

# Unchanged input needs no second compression.
stamp=$({ cat "$wasm" scripts/build.sh; find style public -type f -not -path '*/node_modules/*' -print0 | sort -z | xargs -0 cat; } | sha256sum | cut -d' ' -f1)
if [ "$(cat "$site/stamp" 2>/dev/null)" != "$stamp" ] || [ ! -r "$site/package" ]; then
  work=$(mktemp -d "${TMPDIR:-/tmp}/wirecenter-build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  # No wasm-opt: after brotli its output is 4 % larger than this, and the version distributions carry breaks the function table.
  lean=()
  if [ "$mode" = release ]; then lean=(--remove-name-section --remove-producers-section); fi
  wasm-bindgen --target web --no-typescript "${lean[@]}" --out-name wirecenter --out-dir "$work" "$wasm"
  mv "$work/wirecenter_bg.wasm" "$work/wirecenter.wasm"
  node "$WIRECENTER_TARGET/npm/style/node_modules/sass/sass.js" --no-source-map --style=compressed style/main.scss "$work/wirecenter.css"
  if [ "$mode" = release ]; then
    say "compressing it"
    for file in "$work"/wirecenter.*; do brotli -kq 11 "$file" && gzip -9k "$file"; done
  fi
  hash=$(cat "$work/wirecenter.js" "$work/wirecenter.css" "$work/wirecenter.wasm" | sha256sum | cut -c1-12)
  mkdir -p "$site/pkg"
  cp -r public/. "$site/"
  rm -rf "$site/pkg/$hash"
  mv "$work" "$site/pkg/$hash"
  chmod 755 "$site/pkg/$hash"
  trap - EXIT
  # The name last: a server that starts now finds a whole package. Of older ones two stay, for pages that are open.
  echo "pkg/$hash" >"$site/package"
  echo "$stamp" >"$site/stamp"
  find "$site/pkg" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- | xargs -r rm -rf
fi

say "the program"
cargo build "${quiet[@]}" -p server --profile "$profile"
ln -sfn "$out/wirecenter" wirecenter
say "done: ./wirecenter --help"
