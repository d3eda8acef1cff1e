# Every target sets up what it needs: a virtual environment in .venv, made anew when pyproject.toml changes.
.DELETE_ON_ERROR:
.PHONY: demo test lint types wheel bench gauntlet fuzz soak soak-github lock docs clean

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Byte code is written even where the environment says not to: start-up time is a feature.
unexport PYTHONDONTWRITEBYTECODE

$(READY): pyproject.toml
	@echo "setting up $(VENV) (a minute or two the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	@touch $@

demo: $(READY)  ## a real run: recorded, let through, sabotaged six ways, blocked
	@$(BIN)/auditor demo

test: $(READY) lint wheel  ## everything: linters, types, tests on the checkout and on the built wheel
	$(BIN)/python -m pytest -n 2 --dist loadscope

lint: $(READY)  ## ruff, mypy, import layers, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m auditor.manifest.document --check
	$(BIN)/python -m auditor.catalogue.document --check
	$(BIN)/python -m auditor.cli.manual --check

wheel: $(READY)  ## the built wheel holds only auditor/, and the contract holds for it
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist . > /dev/null
	$(BIN)/check-wheel-contents dist
	$(BIN)/python tests/wheel.py dist

gauntlet: $(READY)  ## sabotages caught by the right check, honest variations blocked
	$(BIN)/python tests/gauntlet/run.py

bench: $(READY)  ## start-up, comparing, hashing, validating and gating, beside their peers
	$(BIN)/python tests/bench/run.py

FUZZ_SECONDS ?= 600
fuzz: $(READY)  ## every reader, FUZZ_SECONDS each, under a memory limit
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS)

soak: $(READY)  ## reruns and threads in real libraries; a thousand killed writers; the contract tests, ten times over
	$(BIN)/python -m pytest -q -n 2 tests/soak
	LEDGER_KILLS=1000 $(BIN)/python -m pytest -q tests/ledger/test_faults.py -k killed --timeout 3600
	for i in 1 2 3 4 5 6 7 8 9 10; do $(BIN)/python -m pytest -q -n 2 tests/contracts tests/record || exit 1; done

soak: soak-github
soak-github: $(READY)  ## what needs a download: the action installs itself, and GitHub's rules for SARIF
	$(BIN)/python -m pytest -q tests/github/soak_github.py

lock: $(READY)  ## pin anew what action.yml installs
	$(BIN)/python tests/github/pins.py

docs: $(READY)  ## regenerate schemas/README.md, checks/README.md and the --help pages of README.md
	$(BIN)/python -m auditor.manifest.document
	$(BIN)/python -m auditor.catalogue.document
	$(BIN)/python -m auditor.cli.manual

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
