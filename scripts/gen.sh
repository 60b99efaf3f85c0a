#!/bin/sh
# Rewrites every generated file that is committed. The tests that compare them do the writing.
set -eu
cd "$(dirname "$0")/.."
cargo build -q -p nalabo-lab
lab="${CARGO_TARGET_DIR:-target}/debug/nalabo-lab"
"$lab" run --no-clusters -- sh -c 'DATABASE_URL="$NALABO_TEST_DATABASE_URL" scripts/gen-sqlx.sh'
NALABO_GEN=1 "$lab" run --no-clusters -- cargo test -q -p nalabo-store -p nalabo-api -- generated schema
(cd ui && npm run --silent gen)
