#!/usr/bin/env bash
# Format, clippy in the three worlds, the house rules, dependencies, shell scripts, the committed SQL answers.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
# All on the release profile: the macros and build scripts it needs are those of the build and of the tests.
say() { echo "check: $*"; }
# Lints follow the machine's own toolchain; the one made for WASM from a distribution has neither clippy nor rustfmt.
lint=$(unset RUSTUP_TOOLCHAIN; rustup show active-toolchain 2>/dev/null | awk '{print $1}' || true)
lint_cargo() { if [ -n "$lint" ]; then RUSTUP_TOOLCHAIN=$lint cargo "$@"; else cargo "$@"; fi; }

say "format"
lint_cargo fmt --all --check
say "clippy, the nouns alone"
lint_cargo clippy --quiet --release -p app --all-targets -- -D warnings
say "clippy, the browser's part"
if compgen -G "$(RUSTUP_TOOLCHAIN=$lint rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib/libstd-*.rlib" >/dev/null; then
  lint_cargo clippy --quiet --release -p app --features hydrate --target wasm32-unknown-unknown -- -D warnings
else
  say "SKIPPED clippy of the browser's part: the toolchain with clippy has no WASM target here; the build itself still compiles it"
fi
say "clippy, the server"
lint_cargo clippy --quiet --release --workspace --all-targets -- -D warnings
say "house rules"
CARGO_TARGET_DIR=$WIRECENTER_NOUNS_TARGET cargo test --quiet --release -p app --test tidy
say "dependencies: licenses, bans, sources"
cargo deny --log-level error check bans licenses sources
if timeout 60 cargo deny --log-level off check advisories >/dev/null 2>&1; then
  say "dependencies: no open advisory"
elif timeout 60 cargo deny fetch db >/dev/null 2>&1; then
  cargo deny --log-level error check advisories
else
  say "SKIPPED advisories: the advisory database cannot be reached from here"
fi
say "shell scripts"
shellcheck -x scripts/*.sh .ci/run
say "checked SQL"
scripts/sqlx.sh --check
