# Frontdesk: `make demo` shows it, `make test` proves it. Everything is installed into .venv.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
STUBS := clients/python
GEN := .tools/gen/bin
EXT_PROC := server/frontdesk_server/rpc/ext_proc
GATEWAY_STUBS := $(EXT_PROC)

.PHONY: help
help:  ## Lists the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Frontdesk needs Python 3.11 or newer; %s is %d.%d. \
	Name another: make PYTHON=python3.12" % ((sys.executable,) + sys.version_info[:2]))'
	@$(PYTHON) -m venv .venv

INSTALL := $(BIN)/pip install --quiet --constraint .ci/constraints.txt --editable ./clients/python --editable

.venv/.serving: .venv/bin/python pyproject.toml clients/python/pyproject.toml .ci/constraints.txt
	@echo "Setting up .venv to serve (about half a minute of work, some minutes on a slow network; once)"
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(INSTALL) '.[http]'
	@touch $@

.venv/.ready: .venv/.serving
	@echo "Adding training, every extra and the test tools (a minute or two of work, more on a slow network; once)"
	@$(INSTALL) '.[learn,aws,azure,google,http,jwt,onnx,postgres,prices,redis]' --group dev
	@touch $@

.PHONY: setup
setup: .venv/.ready  ## Installs everything into .venv.

.PHONY: demo
demo: .venv/.serving  ## Routes and answers the four queries on the embedded pool.
	@$(BIN)/frontdesk demo

.PHONY: demo-llm
demo-llm: .venv/.serving  ## The same with a real small LLM (installed into .cache, 220 MB) whose answers are checked.
	@$(BIN)/python -m tests.real_llm $(BIN)/frontdesk demo --endpoint

.PHONY: run
run: .venv/.serving  ## Serves the embedded pool: gRPC on 127.0.0.1:50051, HTTP and the console on 127.0.0.1:8080.
	@$(BIN)/frontdesk serve --http 127.0.0.1:8080

WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')
# One more than cores, since one of them waits for a server at most times.
SIDE_BY_SIDE = --numprocesses $(WORKERS) --maxprocesses 8

.PHONY: test
test: .venv/.ready  ## Runs every test suite whose toolchain is present, side by side on all cores.
	@echo "Every suite, side by side; eight minutes on two cores, the first time. One alone: .venv/bin/pytest tests/unit/routing"
	@$(BIN)/pytest $(SIDE_BY_SIDE) -rs

.PHONY: check
check: .venv/.ready  ## For contributors: ruff, mypy and the unit tests, in a minute or two.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy server clients/python tests
	@$(BIN)/pytest $(SIDE_BY_SIDE) tests/unit

.PHONY: chaos
chaos: .venv/.ready  ## Injects every fault, cancels 10,000 calls, fuzzes and soaks for a few minutes; rewrites docs/faults.md.
	$(BIN)/python -m tests.chaos.faults
	FRONTDESK_CHAOS_EXAMPLES=500 $(BIN)/pytest tests/chaos/test_life_cycle.py tests/chaos/test_panel_life_cycle.py --timeout 600
	$(BIN)/python -m tests.chaos.cancellation
	GRPC_VERBOSITY=NONE $(BIN)/python -m tests.chaos.fuzzing
	$(BIN)/python -m tests.chaos.soak --seconds 10

.PHONY: soak
soak: .venv/.ready  ## Holds a constant load with faults and leaving callers for two minutes.
	$(BIN)/python -m tests.chaos.soak --seconds 120

.PHONY: soak-long
soak-long: .venv/.ready  ## Holds a mixed load on one worker for two hours: memory, tasks, descriptors and the ledger stay flat.
	$(BIN)/python -m tests.chaos.long_soak --seconds 7200

.PHONY: replicas
replicas: .venv/.ready  ## Kills, cuts off, drains and rolls three replicas under load (minutes; needs Go, PostgreSQL, Redis); rewrites docs/replicas.md.
	$(BIN)/python -m tests.replicas

.PHONY: lint
lint: .venv/.ready check-gen audit  ## Runs every gate: ruff, mypy, buf, fresh stubs, known vulnerabilities.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy server clients/python tests
	$(BIN)/buf lint protos
	if git rev-parse --verify --quiet main >/dev/null; then \
	    $(BIN)/buf breaking protos --against '.git#branch=main,subdir=protos'; fi

.tools/audit/.ready:
	@$(PYTHON) -m venv .tools/audit
	@.tools/audit/bin/pip install --quiet pip-audit==2.10.1
	@touch $@

.PHONY: audit
audit: .tools/audit/.ready  ## Looks the pinned dependencies up among known vulnerabilities, where that can be reached.
	@$(PYTHON) .ci/audit.py .tools/audit/bin/pip-audit .ci/constraints.txt

.PHONY: example-python
example-python: .venv/.serving  ## Calls a running server from Python.
	@$(BIN)/python clients/python/examples/quickstart.py

.PHONY: bench-quality
bench-quality: .venv/.ready  ## Measures routing quality on DATA=folder; prints the table, draws the curves.
	$(BIN)/python benchmarks/routing_quality.py $(DATA) --out .cache/routing-quality

.PHONY: generators
generators:
	@if ! { command -v h2load && command -v wrk; } >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -qq -y --no-install-recommends nghttp2-client wrk; fi

.PHONY: bench-difficulty
bench-difficulty: .venv/.ready  ## Counts where hard, easy and programming queries of seven languages are sent.
	$(BIN)/python -m benchmarks.difficulty

.PHONY: bench
bench: .venv/.ready generators  ## Measures speed as ratios to bare baselines in the same run (minutes; needs h2load and wrk).
	$(BIN)/python -m benchmarks.speed

.PHONY: chromium
chromium:  ## Installs the browser that tests the console, where that can be done (Debian, as root).
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    timeout 120 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -qq -y \
	    --no-install-recommends -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 chromium >/dev/null; fi

.PHONY: pictures
pictures: .venv/.ready chromium  ## Has the browser take the pictures of docs/console.md anew.
	FRONTDESK_PICTURES=docs/images $(BIN)/pytest tests/integration/http/test_console_in_a_browser.py -k people

.tools/peers/.ready: benchmarks/peers/install
	@PYTHON=$(PYTHON) benchmarks/peers/install

.PHONY: bench-peers
bench-peers: .venv/.ready generators .tools/peers/.ready  ## Measures beside LiteLLM and Portkey, installed into .tools/peers.
	$(BIN)/python -m benchmarks.speed --peers

.PHONY: bench-gateway
bench-gateway: .venv/.ready  ## Measures what Frontdesk adds behind Envoy, beside a processor that does nothing.
	$(BIN)/python -m benchmarks.gateway

.PHONY: bench-growth
bench-growth: .venv/.ready generators  ## Measures how costs grow with models, rules, references, messages, streams, ledger rows.
	$(BIN)/python -m benchmarks.growth

.PHONY: bench-inside
bench-inside: .venv/.ready  ## Measures single decisions in process, and how exactly limits hold.
	$(BIN)/python benchmarks/decision_time.py
	$(BIN)/python -m benchmarks.limits

.tools/sdks/.ready:
	@$(PYTHON) -m venv .tools/sdks
	@.tools/sdks/bin/pip install --quiet openai==3.57.0 anthropic==2.14.0
	@touch $@

.PHONY: bench-recordings
bench-recordings: .venv/.ready .tools/sdks/.ready  ## Replays recorded provider traffic of DATA=folder beside the official SDKs.
	$(BIN)/python -m benchmarks.recordings $(DATA)

.tools/py-spy/.ready:
	@$(PYTHON) -m venv .tools/py-spy
	@.tools/py-spy/bin/pip install --quiet py-spy==0.4.2
	@touch $@

.PHONY: flame
flame: .venv/.ready generators .tools/py-spy/.ready  ## Draws flame graphs of Route, Complete and StreamComplete into .cache/flame.
	$(BIN)/python -m benchmarks.flame

.tools/gen/.ready: protos/requirements.txt
	@$(PYTHON) -m venv .tools/gen
	@$(GEN)/pip install --quiet --requirement $<
	@touch $@

.PHONY: gen gen-python gen-reasons
gen: gen-python gen-go gen-java gen-typescript gen-reasons  ## Generates the stubs of every language from protos/.

gen-reasons: .venv/.serving  ## Writes the reasons of errors as constants of every client.
	$(BIN)/python clients/reasons.py

gen-python: .tools/gen/.ready
	$(GEN)/python -m grpc_tools.protoc --proto_path=protos \
	    --plugin=$(GEN)/protoc-gen-mypy --plugin=$(GEN)/protoc-gen-mypy_grpc \
	    --python_out=$(STUBS) --mypy_out=quiet:$(STUBS) protos/frontdesk/v1/*.proto
	$(GEN)/python -m grpc_tools.protoc --proto_path=protos --plugin=$(GEN)/protoc-gen-mypy_grpc \
	    --grpc_python_out=$(STUBS) --mypy_grpc_out=quiet:$(STUBS) protos/frontdesk/v1/router_service.proto
	$(GEN)/python -m grpc_tools.protoc --proto_path=$(EXT_PROC) --plugin=$(GEN)/protoc-gen-mypy \
	    --python_out=$(GATEWAY_STUBS) --mypy_out=quiet:$(GATEWAY_STUBS) $(EXT_PROC)/gateway.proto

.PHONY: version
version:  ## Writes the version of clients/python/frontdesk/_version.py into every other package.
	@$(PYTHON) .ci/versions.py

.PHONY: check-gen check-gen-python
check-gen: check-gen-python check-gen-go check-gen-java check-gen-typescript  ## Fails when committed stubs are stale.

check-gen-python: .tools/gen/.ready
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	$(MAKE) --no-print-directory --silent gen-python STUBS="$$fresh" GATEWAY_STUBS="$$fresh"; \
	for stub in "$$fresh"/gateway_pb2.*; do \
	    cmp "$$stub" "$(EXT_PROC)/$$(basename "$$stub")" || { echo "stale stubs: run make gen"; exit 1; }; \
	done; \
	for stub in "$$fresh"/frontdesk/v1/*; do \
	    cmp "$$stub" "clients/python/frontdesk/v1/$$(basename "$$stub")" || { echo "stale stubs: run make gen"; exit 1; }; \
	done

include clients/clients.mk
include deploy/deploy.mk
