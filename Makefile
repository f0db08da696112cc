# Every target works from a fresh clone: it sets up .venv first. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PROTOS := $(wildcard proto/quitus/v1/*.proto)
OUT ?= proto
DEMO ?= demo
# Scripts in an environment know where they were made: a moved or copied one is made again.
$(shell [ ! -e .venv/.made-in ] || [ "$$(cat .venv/.made-in)" = "$(CURDIR)" ] || rm -rf .venv)

# In continuous integration nothing may be skipped, so the system packages are installed too.
export CI
TEST := $(if $(filter true,$(CI)),test-all,test-here)

# Every target is a word of ours; none of them makes a file of its name.
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help:         ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

console: .venv/.runtime ## the web console on the demo's data, with a first password to sign in
	[ -e $(DEMO)/.quitus-demo ] || $(PY) -m deploy.demo $(DEMO)
	quitus-collector --home $(DEMO)/collector account reset administrator
	quitus-collector --home $(DEMO)/collector console
install: .venv/.runtime ## both programs, in .venv

demo: .venv/.runtime ## the whole job on this machine: agent, fleet, licence pools, declaration
	$(PY) -m deploy.demo $(DEMO)

msi: .venv/.runtime ## the agent's installer for Windows, of python.org's embeddable PYTHON_ZIP=… (needs wixl, msitools)
	$(PY) -m deploy.windows --python "$(PYTHON_ZIP)" --out dist

test: $(TEST)  ## the tests, with Python packages alone; with CI=true, the same as test-all

test-here: .venv/.dev
	$(PY) -m pytest -n logical --dist loadgroup

test-all: .venv/.dev .venv/.ansible ## the tests, after installing the system packages they can use (Debian, Ubuntu)
test-all: .venv/.chart ## the tests, after installing the system packages they can use (Debian, Ubuntu)
	$(PY) -m tests.capabilities --install
	$(MAKE) --no-print-directory test-here

coverage: .venv/.dev ## which lines the tests reach, in commands that they start too (takes half as long again)
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest -n logical --dist loadgroup
	$(PY) -m coverage combine -q && $(PY) -m coverage report

soak: .venv/.dev fuzz ## the long form of tests that are short in `make test`
	QUITUS_SOAK=$(or $(CASES),3000) $(PY) -m pytest tests/unit/collector/licensing
	QUITUS_CRASH_POINTS=10000 $(PY) -m pytest tests/contract/test_reports.py
	QUITUS_ROTATION_S=60 $(PY) -m pytest tests/e2e/identity/test_rotation.py
	QUITUS_SUBMISSION_CRASHES=500 $(PY) -m pytest tests/e2e/submission/test_crashes.py
	QUITUS_KILLS=$(or $(KILLS),20) $(PY) -m pytest tests/e2e/operation/test_workers.py tests/e2e/operation/test_several_collectors.py

check: static test ## everything a change must pass

static: proto-check lint types catalogue audit

proto: .venv/.dev ## regenerate the Python wire code
	$(PY) -m grpc_tools.protoc -I proto --python_out=$(OUT) --grpc_python_out=$(OUT) --mypy_out=quiet:$(OUT) --mypy_grpc_out=quiet:$(OUT) $(PROTOS)

proto-check: .venv/.dev ## fail when the committed wire code is stale
	t=$$(mktemp -d) && trap "rm -rf $$t" EXIT && $(MAKE) -s proto OUT=$$t && \
	diff -r -q -x "*.proto" -x __pycache__ $$t/quitus proto/quitus

lint: .venv/.dev ## style and import contracts
	$(PY) -m ruff check . && $(PY) -m ruff format --check . && lint-imports

types: .venv/.dev ## strict types
	$(PY) -m mypy

catalogue: .venv/.runtime ## contradictions, dead rules and circles in the rules that are shipped
	quitus-collector catalogue check collector/quitus_collector/catalogue

gallery: .venv/.dev ## take the pictures of docs/console.md anew
	$(PY) -m tests.gallery

bench-recognition: .venv/.dev ## a million distinct rows through `quitus-collector recognise`
	$(PY) -m tests.bench.recognition

bench-reasons: .venv/.dev ## explain, what-if and remedies for 100,000 devices (DEVICES=… for fewer)
	$(PY) -m tests.bench.reasons --devices $(or $(DEVICES),100000)

bench-agent: .venv/.dev ## the agent beside Debian's fusioninventory and ocsinventory agents
	$(PY) -m tests.capabilities --install fusioninventory ocsinventory time
	$(PY) -m compileall -q agent proto
	$(PY) -m tests.bench.agent

bench-reporting: .venv/.dev ## an unchanged report beside a bare gRPC echo
	$(PY) -m tests.bench.reporting

bench-collector: .venv/.dev ## first reports beside Debian's ocsinventory-server, with several workers
	$(PY) -m tests.capabilities --install ocs-server mod-perl mariadb
	$(PY) -m tests.bench.collector

bench-first: .venv/.dev ## a first report part by part, in processor time, without the door
	$(PY) -m tests.bench.first

bench-console: .venv/.dev ## every page of the console for 100,000 devices, SQLite and PostgreSQL (DEVICES=… for fewer)
	$(PY) -m tests.bench.console --devices $(or $(DEVICES),100000)

bench-declaration: .venv/.dev ## drafting, the evidence tree and typesetting of 100,000 devices (DEVICES=… for fewer)
	$(PY) -m tests.bench.declaration --devices $(or $(DEVICES),100000)

bench-licensing: .venv/.dev ## the exact position of 100,000 devices (DEVICES=… for fewer)
	$(PY) -m tests.capabilities --install time
	$(PY) -m tests.bench.licensing --devices $(or $(DEVICES),100000)

bench-store: .venv/.dev ## bytes a device, position now and at a past date, recognition anew (DEVICES="…")
	$(PY) -m tests.bench.store $(if $(DEVICES),--devices $(DEVICES))

FUZZ_SECONDS ?= 600
fuzz: .venv/.fuzz ## the agent's binary parsers and the collector's handlers, FUZZ_SECONDS each, or FORMS="hive Report ..." (Linux)
	nice -n 15 $(PY) -m tests.soak.fuzz --seconds $(FUZZ_SECONDS) $(FORMS)

constraints: ## pin again the newest versions that pyproject.toml admits (needs uv)
	uv pip compile pyproject.toml --extra agent --extra collector --group build $(PIN) -o constraints/runtime.txt
	uv pip compile pyproject.toml --extra agent --extra collector --extra dev --group build $(PIN) \
	  -c constraints/runtime.txt -o constraints/dev.txt
	uv pip compile pyproject.toml --extra agent $(PIN) -c constraints/runtime.txt -o constraints/agent.txt
	uv pip compile pyproject.toml --extra collector $(PIN) -c constraints/runtime.txt -o constraints/collector.txt
	uv pip compile --group ansible $(PIN) -c constraints/dev.txt -o constraints/ansible.txt
	uv pip compile --group chart $(PIN) -c constraints/dev.txt -o constraints/chart.txt
	uv pip compile --group fuzz $(PIN) -o constraints/fuzz.txt
PIN := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
  --upgrade --custom-compile-command "make constraints"

docs: .venv/.dev ## the handbook as a site, French and English, in site/
	rm -rf site
	for each in fr en; do GUIDE=$$each LANGUAGE_OF_GUIDE=$$each SITE=../../site/$$each \
	  NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet -f docs/guide/mkdocs.yml || exit 1; done
	cp docs/guide/index.html site/index.html

release: .venv/.ansible ## all that is handed out, in dist/ (PYTHON_ZIP=… for the MSI, KEY=… signs; needs dpkg, rpm, wixl)
	rm -rf dist && $(PY) -m deploy.release all dist $(if $(PYTHON_ZIP),--python-zip "$(PYTHON_ZIP)")
	$(if $(KEY),$(PY) -m deploy.release sign dist $(KEY))

verify: .venv/.dev ## whether a release in dist/ is as it was signed (PUBLIC_KEY=…)
	$(PY) -m deploy.release verify dist $(PUBLIC_KEY)

licences: .venv/.chart .venv/.ansible ## list the licences of all that is used, in docs/licences.md
	$(PY) -m deploy.release licences

audit: .venv/.dev ## known faults of what constraints/ pins, asked of the Python Package Index (MUST=answer: or fail)
	$(PY) -m deploy.release.audit $(if $(MUST),--must-answer)

drill: .venv/.dev ## lose a collector, restore it elsewhere, and time it (DEVICES=… in its database)
	$(PY) -m tests.bench.drill --devices $(or $(DEVICES),10000)
packages: .venv/.runtime ## .deb, .rpm and single file of the agent, in dist/ (PROGRAM=collector; dpkg and rpm)
	$(PY) -m deploy.packages --out dist $(addprefix --program ,$(PROGRAM)) $(if $(VERSION),--version $(VERSION))

clean:        ## remove what the targets above made
	[ ! -e $(DEMO)/.quitus-demo ] || rm -rf $(DEMO)
	rm -rf .venv build dist site .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Debian splits `ensurepip` off into python3-venv; where we may, we add it instead of asking.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "quitus needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=/path/to/python3.x" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get -qq update && apt-get -qq install -y python3-venv; } || \
	  { echo "$(PYTHON) cannot make virtual environments: install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	@echo "$(CURDIR)" > .venv/.made-in

PIP := $(PY) -m pip --disable-pip-version-check install -qq
.venv/.runtime: .venv/bin/python constraints/runtime.txt pyproject.toml
	@echo "setting up .venv (once)"
	@$(PIP) --require-hashes -r constraints/runtime.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.runtime constraints/dev.txt
	@echo "adding the development tools to .venv (once)"
	@$(PIP) --require-hashes -r constraints/dev.txt
	@touch $@

# Not compiled: of half a gigabyte a run imports little.
.venv/.ansible: .venv/.dev constraints/ansible.txt
	@$(PIP) --no-compile --require-hashes -r constraints/ansible.txt
	@touch $@

.venv/.chart: .venv/.dev constraints/chart.txt
	@$(PIP) --require-hashes -r constraints/chart.txt
	@touch $@

.venv/.fuzz: .venv/.dev constraints/fuzz.txt
	@$(PIP) --require-hashes -r constraints/fuzz.txt
	@touch $@
