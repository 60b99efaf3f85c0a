#!/bin/sh
# Rewrites crates/store/.sqlx: what PostgreSQL says about every query of crates/store.
# Needs DATABASE_URL of a server whose user may create databases; makes one, and drops it.
set -eu
cd "$(dirname "$0")/.."
: "${DATABASE_URL:?set DATABASE_URL to a PostgreSQL in which a database may be created}"

name="nalabo_gen_$$"
# The address with its database exchanged, parameters kept.
url=$(printf '%s' "$DATABASE_URL" | sed -E "s#^(postgres(ql)?://[^/?]*)(/[^?]*)?#\1/$name#")
psql -qX "$DATABASE_URL" -c "CREATE DATABASE $name"
fresh=$(mktemp -d)
trap 'psql -qX "$DATABASE_URL" -c "DROP DATABASE $name WITH (FORCE)"; rm -rf "$fresh"' EXIT
for migration in crates/store/migrations/*.sql; do
    psql -qX -v ON_ERROR_STOP=1 "$url" -f "$migration"
done

# Cargo does not know that the queries depend on the database.
touch crates/store/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$fresh" DATABASE_URL="$url" cargo check -q -p nalabo-store --lib
rm -rf crates/store/.sqlx
mkdir crates/store/.sqlx
cp "$fresh"/query-*.json crates/store/.sqlx/
touch crates/store/src/lib.rs
echo "$(ls crates/store/.sqlx | wc -l) queries in crates/store/.sqlx"
