{{- define "frontdesk.probe" -}}
{{- if .Values.tls -}}
tcpSocket: {port: grpc}
{{- else -}}
grpc: {port: {{ .Values.ports.grpc }}}
{{- end -}}
{{- end }}
