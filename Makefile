# The project's commands, for people and for CI. Each makes the environment that it needs; only Python 3.11 or newer, make and git must be there.

VENV := .venv
BIN := $(VENV)/bin
# Each is a project of its own: what is an event of one name in two of them is no fault.
GENERATED := examples benchmarks tests/acceptance tests/integration

# A warning is an error: a broken link, a page that is missing from the navigation. Nothing is fetched.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The first of these that runs and is new enough. `make PYTHON=/path/to/python3 ...` takes another.
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# pyright[nodejs] brings its own node; the wrapper need not look for a newer pyright.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench mutants soak generate format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## See it work: generate, type-check, and run bank and shop on SQLite files
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/demo.py

test: $(VENV)/.dev ## Run all tests
	$(BIN)/pytest -n 2 --dist worksteal

check: $(VENV)/.dev ## Lint, format, types (mypy and pyright), import contracts, generated files fresh, docs built strictly
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache
	@for project in $(GENERATED); do echo "$(BIN)/eventcore generate --check $$project"; $(BIN)/eventcore generate --check $$project || exit; done
	$(SITE)

docs: $(VENV)/.dev ## Build the documentation as a site: build/site/index.html
	$(SITE)

bench: $(VENV)/.dev ## Measure, print the table, write benchmarks/results.json
	$(BIN)/python -m benchmarks

mutants: $(VENV)/.dev ## Take each guard against a known bug away and see that its test fails
	$(BIN)/python -m tests.mutants

soak: $(VENV)/.dev ## Run the seeded tests in their long form
	EVENTCORE_SOAK=1 $(BIN)/pytest -n 2 --dist worksteal --timeout 3600

generate: $(VENV)/.dev ## Generate the files of the examples, the benchmarks and the tests afresh
	@for project in $(GENERATED); do echo "$(BIN)/eventcore generate $$project"; $(BIN)/eventcore generate $$project || exit; done

format: $(VENV)/.dev ## Format, and repair what the linter can repair
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## Remove the environment, caches and builds
	rm -rf $(VENV) .venv-bench .eventcore_cache dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "make: found no Python 3.11 or newer; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is no Python 3.11 or newer; name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making the environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.demo: pyproject.toml | $(VENV)/.made
	@echo "installing eventcore with its generator, and mypy"
	@$(BIN)/python -m pip install -qq --editable '.[codegen]' --group types
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.made
	@echo "installing eventcore with its generator, the test tools and the checkers"
	@$(BIN)/python -m pip install -qq --editable '.[codegen]' --group dev
	@touch $@ $(VENV)/.demo
