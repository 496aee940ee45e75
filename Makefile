# Every target sets up what it needs: see "Set-up" in CONTRIBUTING.md.
#
#   ARGS           passed on to the program: make test ARGS="-k gate"
#   PNFREC_LANE    tfx116 or tfx121, instead of the one that fits best
#   PNFREC_PYTHON  a Python (path, command or version), instead of the one that was found
#   PNFREC_EXTRAS  further extras to install: gpu

SHELL := /bin/sh
CONFIG ?= configs/movietweetings.yaml

# Any Python 3.8 or newer runs the set-up; it need not be the one that pnfrec runs on.
ANY_PYTHON = $(shell for python in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && echo "$$python" && break; done)
BOOTSTRAP = $(or $(ANY_PYTHON),$(error No Python 3.8 or newer was found. Install one (apt install python3 python3-venv), then run make again)) -m dev.bootstrap
# A file of tests stays in one process, whose fixtures it shares; a process may take 3 GiB.
PARALLEL = --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
IN_VENV = @$(BOOTSTRAP) run --

.DEFAULT_GOAL := help
.PHONY: help run check test cluster-test rest-test coverage lint format docs bench doctor setup lock clean distclean

help: ## List the targets
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo
	@sed -n 's/^#   \([A-Z]\)/  \1/p' $(MAKEFILE_LIST)

run: ## Run the pipeline on the sample data, then serve the model and ask it once
	$(IN_VENV) pnfrec run --config $(CONFIG) --query $(ARGS)

check: lint ## Lint, then run all tests that need neither TensorFlow nor a process: under 3 minutes
	$(IN_VENV) pytest --fast $(PARALLEL) $(ARGS)

test: ## Run all tests (ARGS=--changed: those that what has changed can reach)
	$(IN_VENV) pytest $(PARALLEL) $(ARGS)

cluster-test: ## Run Beam on a Flink and a Spark cluster of processes, which Maven fetches (Java 11 or 17)
	$(IN_VENV) pytest -n 0 --timeout 3600 tests/cluster/checks.py tests/cluster/spark_checks.py $(ARGS)

rest-test: ## Hold the REST port against its description, by schemathesis in .venv/schemathesis
	$(IN_VENV) pytest -n 0 --timeout 3600 tests/serving/rest/described.py $(ARGS)

coverage: ## Run all tests and say what they leave out: a third slower
	$(IN_VENV) pytest $(PARALLEL) --cov --cov-report=term $(ARGS)

lint: ## Check style, format and types
	$(IN_VENV) sh -ec 'ruff check .; ruff format --check .; mypy'

format: ## Rewrite the sources in the house format
	$(IN_VENV) sh -ec 'ruff check --fix .; ruff format .'

docs: ## Build the documentation site, strictly, and say where it is
	@$(BOOTSTRAP) docs $(ARGS)

bench: ## Measure beside the peers (ARGS="query startup" picks); installs them into .venv/bench
	$(IN_VENV) python -m benchmarks $(ARGS)

doctor: ## Say what this machine and its environment have and lack
	$(IN_VENV) pnfrec doctor $(ARGS)

setup: ## Only set up: pick the lane, make .venv/<lane>
	@$(BOOTSTRAP) setup

lock: ## Make the pin files anew (ARGS=--upgrade takes newer versions)
	@$(BOOTSTRAP) lock $(ARGS)

clean: ## Remove caches and build leftovers
	rm -rf build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -name .git -o -name .venv -o -name .tools -o -name runs \) -prune -o -name __pycache__ -type d -print | xargs rm -rf

distclean: clean ## Remove the environments and the tools too (never the runs)
	rm -rf .venv .tools
