#!/usr/bin/env bash
# Builds quickly, starts the panel with the gallery, and does both again whenever a source file changes.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

server=
stop() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }
trap 'stop; exit 0' INT TERM
trap stop EXIT
mark=$(mktemp)
while true; do
  touch "$mark"
  if scripts/build.sh dev; then
    stop
    ./wirecenter serve --development &
    server=$!
  else
    echo "dev: the build failed; waiting for the next change"
  fi
  until [ -n "$(find app server style migrations public Cargo.toml -newer "$mark" -type f -print -quit)" ]; do sleep 0.5; done
done
