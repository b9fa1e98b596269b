{{/* What the schema cannot see: values that each are right and do not go together. */}}
{{- define "frontdesk.contradictions" -}}
{{- $ports := compact (list (int .Values.ports.grpc) (int .Values.ports.http) (int .Values.ports.metrics)) -}}
{{- $metrics := int .Values.ports.metrics -}}
{{- if gt (int .Values.workers) 1 -}}
{{- range until (int .Values.workers) -}}
{{- $ports = append $ports (add $metrics . 1 | int) -}}
{{- end -}}
{{- end -}}
{{- if ne (len $ports) (len (uniq $ports)) -}}
{{- fail "ports: grpc, http and metrics must differ, and so must those above metrics that several workers use, one each" -}}
{{- end -}}
{{- if .Values.autoscaling.enabled -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if not (dig "requests" "cpu" "" .Values.resources) -}}
{{- fail "autoscaling goes by the share of the CPU that is requested: set resources.requests.cpu, or autoscaling.enabled to false" -}}
{{- end -}}
{{- end -}}
{{- $server := index (.Values.config | default dict) "server" | default dict -}}
{{- $http := index $server "http" | default dict -}}
{{- if hasKey $http "address" -}}
{{- fail "config.server.http.address is the chart's to say: set ports.http instead" -}}
{{- end -}}
{{- if and $http (not .Values.ports.http) -}}
{{- fail "config.server.http is for nobody without a port: set ports.http" -}}
{{- end -}}
{{- end }}
