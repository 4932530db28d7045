# shellcheck shell=bash
# Sourced by every script: where build output lives and which tools are used. Nothing here changes the machine.
export WIRECENTER_TARGET=${WIRECENTER_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/wirecenter}
export CARGO_TARGET_DIR=$WIRECENTER_TARGET/target
# The nouns alone, without features: beside the rest they would overwrite it, because a library for the browser has no hash in its name.
export WIRECENTER_NOUNS_TARGET=$WIRECENTER_TARGET/nouns
export PATH=$WIRECENTER_TARGET/tools/bin:$HOME/.cargo/bin:$PATH:/usr/sbin
# The name of the toolchain that has the WASM target, as setup found it; without it the machine's default is used.
if [ -r "$WIRECENTER_TARGET/toolchain" ]; then
  RUSTUP_TOOLCHAIN=$(cat "$WIRECENTER_TARGET/toolchain")
  export RUSTUP_TOOLCHAIN
fi
