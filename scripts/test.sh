#!/usr/bin/env bash
# Everything: checks, the release build, the Rust tests, the browser. Says which part it is at and how long each took.
set -euo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
part() { # name, command
  echo "test: $1"
  local since=$SECONDS
  "${@:2}" || { echo "test: FAILED at: $1 (after $((SECONDS - since)) s). Run '${*:2}' alone to look into it." >&2; exit 1; }
  echo "test: $1: done in $((SECONDS - since)) s"
}
part "what testing needs" scripts/setup.sh test
part "checks" scripts/check.sh
part "the release build" scripts/build.sh
part "the Rust tests" scripts/unit.sh
part "the browser tests" scripts/e2e.sh
echo "test: all green after $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
