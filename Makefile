# The two commands that matter: `make run` and `make test`. Nothing needs to be installed beforehand.
SHELL := /bin/sh
PYTHON := .venv/bin/python
MOSTRADOR := .venv/bin/mostrador
export RASA_TELEMETRY_ENABLED := false
export SQLALCHEMY_SILENCE_UBER_WARNING := 1
export TF_CPP_MIN_LOG_LEVEL := 3
# a shell's own Python settings do not belong into the project's environment
unexport PYTHONHOME
unexport PYTHONPATH

.PHONY: help run stop test proof shell check bench train audit clean bootstrap tools

help:
	@echo "make run     bring everything up with demo data and print the address of the phone page"
	@echo "make stop    stop it"
	@echo "make test    everything that must hold (what CI runs)"
	@echo "make check   format, lint, types, fast tests"
	@echo "make proof   the long proofs, whole"
	@echo "make bench   the budget table, measured"
	@echo "make shell   rasa shell as a demo contact (AS=supplier or AS=customer)"
	@echo "make train   train the model if anything changed"
	@echo "make audit   known vulnerabilities of the locked dependencies"
	@echo "make clean   remove what can be made again; the data in var/ stays"

bootstrap:
	@scripts/bootstrap

tools:
	@scripts/bootstrap tools

run: bootstrap
	@$(MOSTRADOR) up --demo

stop:
	@if [ -x $(MOSTRADOR) ]; then $(MOSTRADOR) down; else echo "Mostrador was not running."; fi

train: bootstrap
	@$(MOSTRADOR) train

AS ?= supplier
shell: bootstrap
	@$(MOSTRADOR) shell --as $(AS)

check: bootstrap tools
	@scripts/check

test: bootstrap
	@scripts/test

proof: bootstrap
	@$(PYTHON) -m tests.load.proof

bench: bootstrap
	@$(PYTHON) -m tests.load.bench

audit: tools
	@.venv-tools/bin/pip-audit --require-hashes --disable-pip --requirement requirements.txt

clean: stop
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .rasa results models/*.tar.gz models/*.digest models/versions
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
