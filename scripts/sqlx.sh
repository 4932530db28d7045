#!/usr/bin/env bash
# Renews .sqlx, the committed answers that let the query macros check every statement without a database.
# Starts a MariaDB of its own, applies the migrations, lets the macros ask it, and stops it again.
# With --check it changes nothing and fails when .sqlx is not what the code and the migrations say.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

into=$PWD/.sqlx
if [ "${1:-}" = --check ]; then into=$(mktemp -d); fi
work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  if [ -e "$work/age" ]; then touch -r "$work/age" app/src/lib.rs; fi
  rm -rf "$work"
  if [ "$into" != "$PWD/.sqlx" ]; then rm -rf "$into"; fi
}
trap finish EXIT

user=$(id -un)
mariadb-install-db --no-defaults --datadir="$work/data" --auth-root-authentication-method=socket \
  --auth-root-socket-user="$user" --skip-test-db --user="$user" >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2; exit 1; }
mariadbd --no-defaults --datadir="$work/data" --socket="$work/s" --pid-file="$work/pid" --skip-networking --user="$user" \
  --character-set-server=utf8mb4 --innodb-buffer-pool-size=32M >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do
  if mariadb --no-defaults --socket="$work/s" -e 'SELECT 1' >/dev/null 2>&1; then break; fi
  sleep 0.1
done
mariadb --no-defaults --socket="$work/s" -e 'CREATE DATABASE wirecenter'
for file in migrations/*.sql; do mariadb --no-defaults --socket="$work/s" wirecenter <"$file"; done

mkdir -p "$into"
rm -f "$into"/query-*.json
# The macros run when the crate is compiled, so make cargo compile it again. Afterwards the file is as old as it was: other builds
# of the same source stay good.
touch -r app/src/lib.rs "$work/age"
touch app/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$into DATABASE_URL="mysql://$user@localhost/wirecenter?socket=$work/s" \
  cargo check --quiet --release -p app --features ssr
if [ "$into" != "$PWD/.sqlx" ]; then
  diff -rq "$into" .sqlx || { echo "sqlx: .sqlx is not current; run 'make sqlx' and commit the result" >&2; exit 1; }
  echo "sqlx: .sqlx is current"
else
  echo "sqlx: $(find .sqlx -name 'query-*.json' | wc -l) statements checked against $(mariadbd --version | sed 's/.*Ver \([^ ]*\).*/\1/')"
fi
