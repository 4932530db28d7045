#!/usr/bin/env bash
# Measures the release build against its goals and leaves bench/latest.json. A figure that misses its goal is named.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
echo "bench: measuring, about twenty minutes; the machine should have nothing else to do"
mkdir -p bench
./wirecenter bench --json >bench/latest.json.new
mv bench/latest.json.new bench/latest.json
missed=$(node -e 'for (const f of JSON.parse(require("fs").readFileSync("bench/latest.json"))) if (!f.ok) console.log(f.name)' | paste -sd' ')
echo "bench: bench/latest.json written; ${missed:+missed: }${missed:-all goals met}"
