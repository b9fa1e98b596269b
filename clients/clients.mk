# The clients in Go, Java and TypeScript: gen, check-gen, test and example targets. Included by the top-level Makefile.
# A missing toolchain is skipped with a message, and fails in CI (clients/toolchain).
PROTOC_GEN_GO := v1.36.12
PROTOC_GEN_GO_GRPC := v1.6.2
JAVA_PROTOC := 4.31.1
PROTOC_GEN_GRPC_JAVA := 1.82.2
GRPCURL := v1.9.3

TOOLS := $(CURDIR)/.tools
# What runs for moments is built without optimising, in three quarters of the time.
GO_INSTALL_QUICKLY = GOBIN=$(TOOLS)/bin go install -ldflags='-s -w' -gcflags='all=-N -l'
PROTOC := .tools/gen/bin/python -m grpc_tools.protoc --proto_path=protos
GOOGLE_RPC_PROTOS := google/rpc/status.proto google/rpc/error_details.proto

# Where generated code goes; check-gen-% generates into a scratch folder and compares.
GEN_ROOT ?= clients
GEN_GO = $(GEN_ROOT)/go
GEN_JAVA = $(GEN_ROOT)/java/src/main/java
GEN_TYPESCRIPT = $(GEN_ROOT)/typescript/src/gen

.tools/bin/.go-$(PROTOC_GEN_GO)-$(PROTOC_GEN_GO_GRPC):
	GOBIN=$(TOOLS)/bin go install google.golang.org/protobuf/cmd/protoc-gen-go@$(PROTOC_GEN_GO)
	GOBIN=$(TOOLS)/bin go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC)
	touch $@

.tools/bin/grpcurl:
	$(GO_INSTALL_QUICKLY) github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL)

.PHONY: gen-go-stubs
gen-go-stubs: .tools/gen/.ready .tools/bin/.go-$(PROTOC_GEN_GO)-$(PROTOC_GEN_GO_GRPC)
	mkdir -p $(GEN_GO)
	PATH=$(TOOLS)/bin:$$PATH $(PROTOC) --go_out=$(GEN_GO) --go_opt=module=github.com/frontdesk/frontdesk/clients/go \
	    --go-grpc_out=$(GEN_GO) --go-grpc_opt=module=github.com/frontdesk/frontdesk/clients/go $(wildcard protos/frontdesk/v1/*.proto)

# protoc with the Java generator and its gRPC plugin, both as Maven Central serves them for this platform.
MAVEN := mvn --quiet --batch-mode -Dstyle.color=never
MAVEN_PLATFORM = $(shell uname -s | sed 's/Darwin/osx/;s/Linux/linux/')-$(shell uname -m | sed 's/arm64/aarch_64/;s/aarch64/aarch_64/')
JAVA_TOOLS := .tools/java-$(JAVA_PROTOC)-$(PROTOC_GEN_GRPC_JAVA)
MAVEN_COPY := $(MAVEN) org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dmdep.stripVersion=true
$(JAVA_TOOLS)/.ready:
	mkdir -p $(@D)
	$(MAVEN_COPY) -Dartifact=com.google.protobuf:protoc:$(JAVA_PROTOC):exe:$(MAVEN_PLATFORM) -DoutputDirectory=$(CURDIR)/$(@D)
	$(MAVEN_COPY) -Dartifact=io.grpc:protoc-gen-grpc-java:$(PROTOC_GEN_GRPC_JAVA):exe:$(MAVEN_PLATFORM) -DoutputDirectory=$(CURDIR)/$(@D)
	chmod +x $(@D)/*.exe
	touch $@

.PHONY: gen-java-stubs
gen-java-stubs: .tools/gen/.ready $(JAVA_TOOLS)/.ready
	mkdir -p $(GEN_JAVA)
	$(JAVA_TOOLS)/protoc-$(MAVEN_PLATFORM).exe --proto_path=protos \
	    --proto_path=$$(echo .tools/gen/lib/python*/site-packages/grpc_tools/_proto) --java_out=$(GEN_JAVA) \
	    --plugin=protoc-gen-grpc-java=$(JAVA_TOOLS)/protoc-gen-grpc-java-$(MAVEN_PLATFORM).exe \
	    --grpc-java_out=@generated=omit:$(GEN_JAVA) $(wildcard protos/frontdesk/v1/*.proto)

clients/typescript/node_modules/.ready: clients/typescript/package.json clients/typescript/package-lock.json
	cd clients/typescript && npm ci --silent
	touch $@

.PHONY: gen-typescript-stubs
gen-typescript-stubs: .tools/gen/.ready clients/typescript/node_modules/.ready
	mkdir -p $(GEN_TYPESCRIPT)
	$(PROTOC) --proto_path=$$(echo .tools/gen/lib/python*/site-packages) \
	    --plugin=protoc-gen-es=clients/typescript/node_modules/.bin/protoc-gen-es \
	    --es_out=$(GEN_TYPESCRIPT) --es_opt=target=ts,import_extension=js $(wildcard protos/frontdesk/v1/*.proto) $(GOOGLE_RPC_PROTOS)

.PHONY: gen-go gen-java gen-typescript
gen-go:  ## Generates the Go stubs.
	@clients/toolchain Go go $(MAKE) --no-print-directory --silent gen-go-stubs
gen-java:  ## Generates the Java stubs.
	@clients/toolchain Java mvn $(MAKE) --no-print-directory --silent gen-java-stubs
gen-typescript:  ## Generates the TypeScript stubs.
	@clients/toolchain Node npm $(MAKE) --no-print-directory --silent gen-typescript-stubs

.PHONY: check-gen-go check-gen-java check-gen-typescript
check-gen-go:  ## Fails when the Go stubs are stale.
	@rm -rf .cache/check-gen && clients/toolchain Go go $(MAKE) --no-print-directory --silent gen-go-stubs GEN_ROOT=.cache/check-gen
	@clients/toolchain Go go diff --recursive --brief .cache/check-gen/go/frontdeskv1 clients/go/frontdeskv1
check-gen-java:  ## Fails when the Java stubs are stale.
	@rm -rf .cache/check-gen && clients/toolchain Java mvn $(MAKE) --no-print-directory --silent gen-java-stubs GEN_ROOT=.cache/check-gen
	@clients/toolchain Java mvn diff --recursive --brief .cache/check-gen/java/src/main/java/dev/frontdesk/v1 \
	    clients/java/src/main/java/dev/frontdesk/v1
check-gen-typescript:  ## Fails when the TypeScript stubs are stale.
	@rm -rf .cache/check-gen && clients/toolchain Node npm $(MAKE) --no-print-directory --silent gen-typescript-stubs GEN_ROOT=.cache/check-gen
	@clients/toolchain Node npm diff --recursive --brief .cache/check-gen/typescript/src/gen clients/typescript/src/gen

# The harness starts the servers, runs the client's own suite, and prints the interop table.
.PHONY: test-go test-java test-typescript
test-go test-java test-typescript: test-%: .venv/.ready
	$(BIN)/pytest 'tests/interop/test_clients.py::test_the_client_passes_every_case[$*]'

# The examples call the server at FRONTDESK_ADDRESS, 127.0.0.1:50051 unless set; `make run` starts one.
NEEDS_SERVER = { echo "The example needs a running server: start one with 'make run'." >&2; exit 1; }
.PHONY: example-go example-java example-typescript
example-go:  ## Runs the Go example.
	@cd clients/go && ../toolchain Go go go run ./example || $(NEEDS_SERVER)
example-java:  ## Runs the Java example.
	@cd clients/java && ../toolchain Java mvn $(MAVEN) test-compile exec:java || $(NEEDS_SERVER)
example-typescript:  ## Runs the TypeScript example.
	@clients/toolchain Node npm $(MAKE) --no-print-directory --silent clients/typescript/node_modules/.ready
	@cd clients/typescript && ../toolchain Node npm npm run --silent example || $(NEEDS_SERVER)
