#!/usr/bin/env bash
# The Rust tests, on the release profile, so that dependencies are built once. More words go to the test programs: scripts/unit.sh audit
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
say() { echo "unit: $*"; }
work=$(mktemp -d)
chmod 711 "$work" # one test runs the panel as another user
trap 'rm -rf "$work"' EXIT
# The compiler's files stay where they are; what the tests themselves write is removed with this folder.
run() { TMPDIR=$work cargo test --quiet --release "$@"; }

say "the nouns alone, without framework and database"
CARGO_TARGET_DIR=$WIRECENTER_NOUNS_TARGET run -p app "$@"
say "store, server functions, doors and faults, on real MariaDB"
run --workspace "$@"
