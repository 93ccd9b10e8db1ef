# `make help` lists the targets. Python 3.11 or newer is all that has to be there first.

PYTHON ?= python3
BIN := .venv/bin
FLOORS := hwsim firmware_model scenarios tools

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test soak fuzz lint format types contract bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ok ## cut the power of a real workload at every media operation, under all four schemes
	$(BIN)/deltabench demo

test: .venv/ok ## run all tests but the long ones
	$(BIN)/pytest -n auto tests

soak: .venv/ok ## run the long tests
	$(BIN)/pytest -n auto -m soak tests

fuzz: .venv/ok ## feed more than a million spoilt images and ELF files to what reads them
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python tests/fuzzing/fuzz.py

lint: .venv/ok ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/ok ## put style and format right where ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# mypy derives module names from folders and does not follow the mapping of an editable install, so
# it is shown a tree in which the floors stand where their names say: deltabench/hwsim and so on.
types: .venv/ok ## check types strictly
	mkdir -p .build/typed/deltabench
	for floor in $(FLOORS); do ln -sfn ../../../$$floor .build/typed/deltabench/$$floor; done
	MYPYPATH=.build/typed $(BIN)/mypy $(FLOORS:%=-p deltabench.%)

contract: .venv/ok ## check that each floor imports only from the floors below it
	$(BIN)/lint-imports --no-logo --cache-dir .build/importlinter

bench: .venv/ok ## measure speed: crash states, the full model, NAND flash, the endurance kernel, flashing
	$(BIN)/python benchmarks/full_model.py
	$(BIN)/python benchmarks/flash.py
	$(BIN)/python benchmarks/endurance.py
	$(BIN)/python benchmarks/serial_line.py
	$(BIN)/python benchmarks/explorer.py
	$(BIN)/python benchmarks/closure.py

clean: ## remove all that make created
	rm -rf .venv .build .hypothesis build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/ok: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'deltabench needs Python 3.11 or newer, which "$(PYTHON)" is not.'; \
	  echo 'Name one that is: make PYTHON=python3.11 $(MAKECMDGOALS)'; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo '"$(PYTHON)" cannot make a virtual environment: its modules venv and ensurepip are missing.'; \
	  echo 'On Debian and Ubuntu install them with: apt install python3-venv'; exit 1; } >&2
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
