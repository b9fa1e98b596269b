# Frontdesk: `make demo` shows it, `make test` proves it. Everything is installed into .venv.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
PROTOS := $(wildcard protos/frontdesk/v1/*.proto)

.PHONY: help
help:  ## Lists the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.venv/.ready: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint .ci/constraints.txt --editable '.[server,learn]' --group dev
	touch $@

.PHONY: setup
setup: .venv/.ready  ## Installs everything into .venv.

.tools/gen/.ready: protos/requirements.txt
	$(PYTHON) -m venv .tools/gen
	.tools/gen/bin/pip install --quiet --requirement protos/requirements.txt
	touch $@

.PHONY: gen
gen: .tools/gen/.ready  ## Generates the stubs from protos/.
	.tools/gen/bin/python -m grpc_tools.protoc --proto_path=protos --plugin=protoc-gen-mypy=.tools/gen/bin/protoc-gen-mypy \
	    --plugin=protoc-gen-mypy_grpc=.tools/gen/bin/protoc-gen-mypy_grpc --python_out=clients/python \
	    --grpc_python_out=clients/python --mypy_out=readable_stubs:clients/python --mypy_grpc_out=readable_stubs:clients/python \
	    $(PROTOS)
