# The verbs of NALABO. `make` alone lists them.
# Built things that a clean checkout can use again live in the user's cache folder.
export NALABO_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/nalabo
export CARGO_TARGET_DIR ?= $(NALABO_CACHE_DIR)/target
export CARGO_TERM_COLOR ?= never
BIN := $(CARGO_TARGET_DIR)/debug
LAB := $(BIN)/nalabo-lab
# Not `npm ci`: it refuses a lock that lacks the optional packages of other platforms.
export NPM_INSTALL := npm install --silent --no-save --no-audit --no-fund
.DEFAULT_GOAL := help

help: ## list the verbs
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ui ## start the real product on real Kubernetes and 200 pretend clusters; Ctrl-C removes all of it
	@cargo build -p nalabo -p nalabo-lab
	@$(LAB) build
	@$(LAB) run -- $(BIN)/nalabo demo --clusters 200

test: install check lab-build ## prove the project: lints, unit, integration, browser
	@cargo test --workspace --no-run
	@cargo build -p nalabo
	@$(LAB) run -- scripts/test-all.sh

check: install ui/node_modules/.package-lock.json ## formatting, lints, types, generated files
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings
	@cd ui && npm run --silent check
	@scripts/docs-check.mjs

dev: install ## the server with a private PostgreSQL in .lab/dev, and the console with hot reload
	@scripts/dev.sh

e2e: install ui lab-build ## browser journeys only
	@cargo build -p nalabo
	@cd e2e && $(NPM_INSTALL)
	@$(LAB) run -- sh -c 'cd e2e && npx playwright test'

ui: install ui/node_modules/.package-lock.json ## build the console
	@cd ui && npm run --silent build

ui/node_modules/.package-lock.json: ui/package-lock.json
	@cd ui && $(NPM_INSTALL)

gen: install ## rewrite the generated files: openapi.json, operations.txt, types, schema.sql, .sqlx
	@scripts/gen.sh

lab: install lab-build ## start two real clusters in the background; kubeconfigs in .lab/
	@$(LAB) up --background

lab-stop: ## stop and remove what `make lab` started
	@$(LAB) down

lab-build: install
	@cargo build -p nalabo-lab
	@$(LAB) build

db: install ## a throw-away PostgreSQL for development; prints its DATABASE_URL
	@cargo build -p nalabo-lab
	@$(LAB) postgres

fmt: ## format everything
	@cargo fmt --all
	@cd ui && npm run --silent format

release: install ui ## build the release binary
	@cargo build --release -p nalabo
	@ls -l $(CARGO_TARGET_DIR)/release/nalabo

bench: install ui ## measure the release binary against its goals; writes bench/RESULTS.md (BENCH="g1 g4" for some)
	@cargo build --release -p nalabo -p nalabo-bench
	@$(CARGO_TARGET_DIR)/release/nalabo-bench run $(BENCH) --program $(CARGO_TARGET_DIR)/release/nalabo

bench-quick: install ## see that every bench still works, on few clusters; judges nothing
	@cargo build -q -p nalabo -p nalabo-bench
	@$(BIN)/nalabo-bench run --quick --program $(BIN)/nalabo --results $(CARGO_TARGET_DIR)/bench-quick.md

install:
	@scripts/install.sh

.PHONY: help demo test check dev e2e ui gen lab lab-stop lab-build db fmt release bench bench-quick install
