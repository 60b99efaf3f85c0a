#!/bin/sh
# Every test, inside `nalabo-lab run`, which gives them PostgreSQL and real clusters.
# Each runner says its own summary; the last line says whether all of them passed.
set -eu
cd "$(dirname "$0")/.."
passed=0
failed=0
run() {
    printf '\n== %s\n' "$1"
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
run 'Rust: unit and integration tests' cargo test --workspace --no-fail-fast
run 'console: unit tests' sh -c 'cd ui && npm test --silent'
run 'browser journeys' sh -c 'cd e2e && ${NPM_INSTALL:-npm install} && npx playwright test'
run 'benches, quickly and without a judgement' make --no-print-directory bench-quick
printf '\nsuites: %s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
