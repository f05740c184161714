# Everything a person does with this repository. `make help` lists it.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PROJECTS := pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
# Test processes at once; 0 runs the tests in one process, which a debugger likes better.
WORKERS ?= 2
SECONDS ?= 60
PEOPLE ?= 20000
TENANT ?= acme
SCOPES ?= timeline:read routing:read routing:supervise
SUBJECT ?= local-developer
# Certificates that the image builds trust, e.g. those of a proxy of your own.
CA ?= /etc/ssl/certs/ca-certificates.crt

export PYTHONPATH := deploy
export UV_PYTHON_DOWNLOADS := never
STACK := $(PY) -m local_stack

.DEFAULT_GOAL := help
.PHONY: help install up demo test check check-format check-lint check-types check-imports \
  check-contract check-lock check-chart format contract observability promtool lock images kubernetes theory bench bench-scale bench-replicas identity-load chaos chaos-assignment outage fuzz logs status token env down clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv and install from requirements.lock

$(STAMP): requirements.lock $(PROJECTS)
	@$(PYTHON) -m local_stack.install
	@touch $@

up: $(STAMP) ## bring up Kafka, PostgreSQL and the five services; again: only what is not up, or is outdated
	@$(STACK) up

demo: up ## one customer writes by email, SMS and LINE, and becomes one history
	@$(PY) -m demo

test: $(STAMP) ## all tests, with a Kafka and a PostgreSQL of their own
	@$(PY) -m pytest --numprocesses $(WORKERS) --dist loadgroup --cov --cov-report term $(ARGS)

CHECKS := check-format check-lint check-types check-imports check-contract check-lock check-chart
check: $(STAMP) ## format, lint, types, import contracts, the chart, drift of contract and lock
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)

check-format:
	@echo 'format: ruff format --check'; $(VENV)/bin/ruff format --quiet --check .
check-lint:
	@echo 'lint: ruff check'; $(VENV)/bin/ruff check --quiet .
check-types:
	@echo 'types: mypy'; $(VENV)/bin/mypy --no-error-summary
check-imports:
	@echo 'import contracts: lint-imports'; said=$$($(VENV)/bin/lint-imports) || { echo "$$said"; exit 1; }
check-contract:
	@echo 'contract: docs/contract fits the code'; $(PY) -m common contract --check && $(PY) -m checks.scopes --check && $(PY) -m observability --check
check-lock:
	@echo 'lock: requirements.lock fits pyproject.toml and .venv'; $(PY) -m checks.lock
check-chart:
	@echo 'chart: helm lint, Kubernetes 1.33 to 1.37, restricted pods, snapshot'; $(PY) -m checks.chart

format: $(STAMP) ## put every file in its form
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet .

contract: $(STAMP) ## write the JSON Schemas, the AsyncAPI document and the table of scopes from the code
	@$(PY) -m common contract && $(PY) -m checks.scopes

observability: $(STAMP) ## write docs/metrics.md and the Grafana dashboards from the code
	@$(PY) -m observability

promtool: ## bring promtool into build/tools, out of Debian's package: nothing is installed, nothing started
	@mkdir -p build/tools && cd build/tools && apt-get download -qq prometheus 2>/dev/null && \
	dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && rm prometheus_*.deb

COMPILE = pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links --no-emit-package madoguchi-common
lock: $(STAMP) ## resolve the dependencies into requirements.lock, and what of it each service and the images' tools need
	@uv=$$(command -v uv || echo $(VENV)/bin/uv); \
	$$uv $(COMPILE) libs/common/pyproject.toml services/*/pyproject.toml --group pyproject.toml:dev \
	  --output-file requirements.lock $(ARGS) && \
	for folder in services/*; do \
	  $$uv $(COMPILE) --constraint requirements.lock $$folder/pyproject.toml --output-file $$folder/requirements.lock || exit 1; \
	done && \
	$$uv $(COMPILE) --constraint requirements.lock deploy/images/tools.in --output-file deploy/images/requirements.lock && \
	$$uv $(COMPILE) --no-deps deploy/helm/tools.in --output-file deploy/helm/requirements.lock

images: $(STAMP) ## build madoguchi/<service> with a Docker engine, lists of their parts in build/sbom; ARGS=--twice compares two builds
	@$(PY) -m images $(if $(wildcard $(CA)),--ca $(CA)) $(ARGS)

kubernetes: $(STAMP) ## build a Kubernetes API server from its Go modules (once), install the chart there, upgrade it, take it away
	@$(PY) -m cluster && $(PY) -m pytest -n 0 tests/integration/deploy/test_kubernetes.py $(ARGS)

theory: $(STAMP) ## long runs of the simulator beside Erlang C, Erlang A and Wallace-Whitt: some minutes
	@$(PY) -m tests.simulation

bench: $(STAMP) ## measure each stage beside its own limit: build/bench.json and a table
	@$(PY) -m bench.run $(ARGS)

bench-scale: $(STAMP) ## the same at the large sizes
	@$(PY) -m bench.run --scale $(ARGS)

bench-replicas: $(STAMP) ## what 2 and 4 routers and timelines give, and the pause when one comes, goes or dies
	@$(PY) -m bench.replicas $(ARGS)

identity-load: $(STAMP) ## 200,000 events of 20,000 people, 8 workers at once: the customers of a plain model
	@$(PY) -m pytest -n 0 --timeout 1800 --log-cli-level INFO tests/integration/timeline/test_crowd.py --people $(PEOPLE)

chaos: $(STAMP) ## 20,000 messages while services and servers are killed: nothing lost, nothing twice
	@$(PY) -m chaos $(ARGS)

chaos-assignment: $(STAMP) ## routers are killed for five minutes while agents work: no law of assignment breaks
	@$(PY) -m chaos.assignment $(ARGS)

outage: $(STAMP) ## 200 messages a second while Kafka is away, then PostgreSQL too: nothing acknowledged is lost
	@$(PY) -m outage $(ARGS)

.PHONY: rolling restore-rehearsal upgrade-check
rolling: $(STAMP) ## replace every service while 200 messages a second come in: nothing lost, doubled or refused
	@$(PY) -m rolling $(ARGS)

restore-rehearsal: $(STAMP) ## back PostgreSQL up under load, destroy it, restore it: Kafka tells the rest anew
	@$(PY) -m restore $(ARGS)

upgrade-check: $(STAMP) ## run the version BEFORE=tag (or before the newest migration) on this version's schema
	@$(PY) -m upgrade $(ARGS) $(BEFORE)

fuzz: $(STAMP) ## fuzz each parser and signature check for SECONDS=60; TARGETS="mail rules" fuzzes only those
	@$(PY) -m tests.fuzz $(SECONDS) $(TARGETS)

logs: $(STAMP) ## follow the logs; NAMES="router kafka" follows only those
	@$(STACK) logs $(NAMES)

status: $(STAMP) ## what runs, where, and what it misses
	@$(STACK) status

token: $(STAMP) ## print a bearer token; TENANT=acme SCOPES="timeline:read routing:read" SUBJECT=tanaka
	@$(STACK) token --tenant '$(TENANT)' --scopes '$(SCOPES)' --subject '$(SUBJECT)'

env: $(STAMP) ## print the stack's settings as shell exports, for command lines run by hand
	@$(STACK) env

down: $(STAMP) ## end what `make up` started, and nothing else; data stays
	@$(STACK) down

clean: $(STAMP) ## end the stack, delete its data and what was built; .venv stays
	@$(STACK) clean
