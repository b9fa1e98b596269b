{{/* What is configured, with what the chart itself decides: addresses, drain and grace. */}}
{{- define "frontdesk.configuration" -}}
{{- range $place, $value := dict
    "server.address" "ports.grpc"
    "server.drain_seconds" "shutdown.drainSeconds"
    "server.grace_seconds" "shutdown.graceSeconds"
    "server.max_connection_age_seconds" "connectionAgeSeconds"
    "telemetry.prometheus_address" "ports.metrics" -}}
{{- $section := index (splitList "." $place) 0 -}}
{{- if hasKey (index ($.Values.config | default dict) $section | default dict) (index (splitList "." $place) 1) -}}
{{- fail (printf "config.%s is the chart's to say: set %s instead" $place $value) -}}
{{- end -}}
{{- end -}}
{{- $config := deepCopy (.Values.config | default dict) | default (.Files.Get "files/frontdesk.yaml" | fromYaml) -}}
{{- $server := dict
    "address" (printf "0.0.0.0:%d" (int .Values.ports.grpc))
    "drain_seconds" .Values.shutdown.drainSeconds
    "grace_seconds" .Values.shutdown.graceSeconds -}}
{{- if .Values.connectionAgeSeconds -}}
{{- $_ := set $server "max_connection_age_seconds" .Values.connectionAgeSeconds -}}
{{- end -}}
{{- if .Values.ports.http -}}
{{- $_ := set $server "http" (dict "address" (printf "0.0.0.0:%d" (int .Values.ports.http))) -}}
{{- end -}}
{{- $telemetry := dict "prometheus_address" (printf "0.0.0.0:%d" (int .Values.ports.metrics)) -}}
{{- mergeOverwrite $config (dict "server" $server "telemetry" $telemetry) | toYaml -}}
{{- end }}
