#!/bin/sh
# NALABO with a private PostgreSQL in .lab/dev, and the console with hot reload in front of it.
set -eu
cd "$(dirname "$0")/.."
cargo build -p nalabo
export NALABO_DATA_DIR="$PWD/.lab/dev" NALABO_ALLOW_NETWORKS="${NALABO_ALLOW_NETWORKS:-127.0.0.0/8}"
export NALABO_ADMIN_EMAIL="${NALABO_ADMIN_EMAIL:-dev@example.org}"
export NALABO_ADMIN_PASSWORD="${NALABO_ADMIN_PASSWORD:-a password for development}"
"${CARGO_TARGET_DIR:-target}/debug/nalabo" serve &
server=$!
trap 'kill "$server"; wait "$server"' EXIT INT TERM
echo "sign in as $NALABO_ADMIN_EMAIL with: $NALABO_ADMIN_PASSWORD"
cd ui && npm run dev
