# Netwright. `make run` is all that most people need; `make` alone lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:
.PHONY: help setup setup-dev run test check bench-search bench-slots bench-peers bench-accuracy bench-budget bench-train bench-import vendor clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PEERS ?= .venv-peers
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The stamps carry a checksum of what they installed, so that a changed requirement installs again and nothing else does.
RUN_STAMP := $(VENV)/.installed-$(shell cat requirements.txt constraints.txt | cksum | cut -d ' ' -f 1)
DEV_STAMP := $(VENV)/.installed-dev-$(shell cat requirements.txt requirements-dev.txt constraints.txt | cksum | cut -d ' ' -f 1)
# Checks and tests never touch the data folder of a running site.
SCRATCH = export DATA_DIR="$$(mktemp -d)"; trap 'rm -rf "$$DATA_DIR"' EXIT; unset REDIS_URL DATABASE_URL HTTPS ALLOWED_HOSTS DEBUG HOST PORT
# About half of the fast tests, by time: make runs them beside the others, a core each.
SEARCHING := tests/engine/space tests/engine/strategies tests/engine/fidelity tests/engine/test_bench_gates.py tests/engine/test_proposing.py
HEADING = printf '\n\033[1m%s\033[0m\n'

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

setup: $(RUN_STAMP) ## Make the virtual environment and install the packages (nothing the second time)

setup-dev: $(DEV_STAMP)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Netwright needs Python 3.11, and there is no python3 here. Install it, or name it: make PYTHON=/path/to/python3.11 run"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Netwright needs Python 3.11; $(PYTHON) is $$("$(PYTHON)" -V). Name another: make PYTHON=/path/to/python3.11 run"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' || { echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3.11-venv"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)

$(RUN_STAMP): | $(VENV)/bin/python
	@echo "Installing the packages. The first time this takes some minutes."
	@$(PIP) install --quiet -r requirements.txt -c constraints.txt
	@rm -f $(VENV)/.installed-[0-9]*; touch $@

$(DEV_STAMP): | $(VENV)/bin/python
	@echo "Installing the packages for tests and checks. The first time this takes some minutes."
	@$(PIP) install --quiet -r requirements-dev.txt -c constraints.txt
	@rm -f $(VENV)/.installed-*; touch $@ $(RUN_STAMP)

run: setup ## Start Netwright; Ctrl-C stops it (DATA_DIR, HOST, PORT and more: see README)
	@exec $(BIN)/python manage.py runall --stop-with-parent  # whoever kills make means all of it

test: setup-dev ## Run every test: engine, web, architecture, integration, browser
	@$(SCRATCH); export OMP_NUM_THREADS=1
	CHROMIUM="$$(scripts/ensure_chromium.sh)"; export CHROMIUM
	$(HEADING) "Engine, web, scripts and architecture: searching first, its output after that of the rest"
	$(BIN)/pytest $(SEARCHING) > "$$DATA_DIR/searching.txt" 2>&1 & searching=$$!
	trap 'kill $$searching; rm -rf "$$DATA_DIR"' EXIT
	rest=0; $(BIN)/pytest tests/engine tests/web tests/security tests/architecture tests/scripts $(SEARCHING:%=--ignore=%) || rest=$$?
	half=0; wait $$searching || half=$$?
	trap 'rm -rf "$$DATA_DIR"' EXIT
	cat "$$DATA_DIR/searching.txt"; (( rest == 0 && half == 0 ))
	$(HEADING) "Integration: real broker, real worker, real training"
	$(BIN)/pytest tests/integration
	$(HEADING) "Browser: the whole journey in Chromium"
	$(BIN)/pytest tests/browser
	$(HEADING) "All tests passed."

check: setup-dev ## Format, lint, types, layers, migrations, production settings, templates
	@$(SCRATCH); export PATH="$(CURDIR)/$(BIN):$$PATH"
	$(HEADING) "Format"; ruff format --check .
	$(HEADING) "Lint"; ruff check .
	$(HEADING) "Types"; mypy
	$(HEADING) "Layers"; lint-imports
	$(HEADING) "Migrations"; python manage.py makemigrations --check --dry-run
	$(HEADING) "Production settings"; mkdir -p "$$DATA_DIR/static"
	SECRET_KEY="$$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" HTTPS=1 ALLOWED_HOSTS=netwright.example \
	  python manage.py check --deploy --fail-level WARNING
	$(HEADING) "Templates"; djlint --lint templates
	$(HEADING) "All checks passed."

bench-search: setup-dev ## Play every strategy on NAS-Bench-201 and print the table (some minutes)
	@$(SCRATCH); export OMP_NUM_THREADS=1
	$(BIN)/python scripts/bench_search.py --seeds $${SEEDS:-100} --evaluations $${EVALUATIONS:-200}

bench-slots: setup-dev ## Time what a trial costs besides training: claim, start, result (some minutes)
	@$(SCRATCH); export OMP_NUM_THREADS=1
	$(BIN)/python -m scripts.bench_overhead --trials $${TRIALS:-40} --slots $${SLOTS:-1} --strategy $${STRATEGY:-evolution}

bench-peers: setup-dev ## Install the tools that bench-accuracy compares with, each in an environment of its own
	@scripts/peers/install.sh "$(abspath $(PEERS))" "$(CURDIR)/$(BIN)/python"

bench-accuracy: bench-peers ## Compare accuracy at equal time with other tools (hours; DATA=folder of zips)
	@test -n "$(DATA)" || { echo "Name the folder of NAME-train.zip and NAME-test.zip: make bench-accuracy DATA=/path/to/folder"; exit 1; }
	$(BIN)/python -m scripts.bench_accuracy "$(DATA)" "$${RESULTS:-bench-accuracy.jsonl}" --peers "$(abspath $(PEERS))" \
	  --minutes $${MINUTES:-2 5} --seeds $${SEEDS:-0 1 2} $${BENCH_OPTIONS:-}

bench-budget: setup-dev ## Time whole searches against their budgets on drawn sets of 100 to 60,000 pictures (hours)
	$(HEADING) "Searches against their budgets"
	$(BIN)/python -m scripts.bench_budget "$${RESULTS:-bench-budget.jsonl}" \
		--pictures $${PICTURES:-100 1000 10000 60000} --minutes $${MINUTES:-1 2 5 10}

bench-train: setup-dev ## Time the training loop against its bare step, and the frozen trunk's runtimes (some minutes)
	@$(SCRATCH); export OMP_NUM_THREADS=1
	$(BIN)/python -m scripts.bench_train --repeats $${REPEATS:-5}

bench-import: setup-dev ## Time an import against a bare loop of unzip, decode, thumbnail (a minute or two)
	@$(SCRATCH); export OMP_NUM_THREADS=1
	$(BIN)/python -m scripts.bench_import --pictures $${PICTURES:-1500} --size $${SIZE:-640x480} $${BENCH_OPTIONS:-}

vendor: ## Fetch the pinned front-end files into static/vendor (needs Node; the copies are committed)
	npm ci --ignore-scripts --no-audit --no-fund
	node scripts/vendor.mjs

clean: ## Remove what was built, but no data
	rm -rf $(VENV) $(PEERS) node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
