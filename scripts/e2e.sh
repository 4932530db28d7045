#!/usr/bin/env bash
# The browser tests, on the release build. More words go to playwright: scripts/e2e.sh live
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
CHROMIUM=$(command -v chromium || command -v chromium-browser)
export CHROMIUM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work WIRECENTER=$PWD/wirecenter
cd end2end
node node_modules/@playwright/test/cli.js test "$@"
