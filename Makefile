# Wirecenter. `make` alone lists what there is; each target says what it does while it does it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test setup build check unit e2e bench dev sqlx

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## install what is missing, build, start the panel and the lab, and print the address
	@scripts/setup.sh run
	@scripts/build.sh
	@exec ./wirecenter serve --lab

test: ## everything: checks, unit and database tests, the browser
	@scripts/test.sh

setup: ## install what running and testing need; says what it installs
	@scripts/setup.sh test

build: ## build the release and leave ./wirecenter
	@scripts/setup.sh run
	@scripts/build.sh

check: ## format, clippy in the three worlds, house rules, dependencies, shell scripts
	@scripts/setup.sh test
	@scripts/check.sh

unit: ## the Rust tests: nouns, store, doors, faults
	@scripts/setup.sh test
	@scripts/build.sh
	@scripts/unit.sh

e2e: ## the browser tests on the release build
	@scripts/setup.sh test
	@scripts/build.sh
	@scripts/e2e.sh

bench: ## measure against the goals; leaves bench/latest.json
	@scripts/setup.sh test
	@scripts/build.sh
	@scripts/bench.sh

dev: ## build quickly, start, and again at every change
	@scripts/setup.sh run
	@scripts/dev.sh

sqlx: ## renew the committed answers to the checked SQL statements
	@scripts/setup.sh run
	@scripts/sqlx.sh
