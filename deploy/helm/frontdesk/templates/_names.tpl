{{- define "frontdesk.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "frontdesk.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 54 | trimSuffix "-" }}
{{- else if contains (include "frontdesk.name" .) .Release.Name -}}
{{ .Release.Name | trunc 54 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "frontdesk.name" .) | trunc 54 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "frontdesk.selector" -}}
app.kubernetes.io/name: {{ include "frontdesk.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "frontdesk.labels" -}}
{{ include "frontdesk.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "frontdesk.serviceAccount" -}}
{{ .Values.serviceAccount.create | ternary (.Values.serviceAccount.name | default (include "frontdesk.fullname" .)) (.Values.serviceAccount.name | default "default") }}
{{- end }}

{{- define "frontdesk.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}
