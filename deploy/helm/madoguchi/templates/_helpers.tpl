{{/* A service's name in Kubernetes: underscores are not allowed there. */}}
{{- define "madoguchi.name" -}}
{{- printf "%s-%s" .root.Release.Name (replace "_" "-" .service) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "madoguchi.selector" -}}
app.kubernetes.io/name: madoguchi
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ replace "_" "-" .service }}
{{- end -}}

{{- define "madoguchi.labels" -}}
{{ include "madoguchi.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "madoguchi.image" -}}
{{- $tag := .root.Values.image.tag | default .root.Chart.AppVersion -}}
{{- if eq $tag "latest" }}{{ fail "image.tag: name a version, latest is a different one every day" }}{{ end -}}
{{- $repository := .service -}}
{{- with .root.Values.image.registry }}{{ $repository = printf "%s/%s" . $.service }}{{ end -}}
{{- with get .root.Values.image.digest .service -}}
{{ $repository }}@{{ . }}
{{- else -}}
{{ $repository }}:{{ $tag }}
{{- end -}}
{{- end -}}

{{- define "madoguchi.isIngest" -}}
{{- if hasPrefix "ingest_" .service }}true{{ end -}}
{{- end -}}

{{/* What every pod is told. */}}
{{- define "madoguchi.env" -}}
{{- $values := .root.Values -}}
- {name: MADOGUCHI_KAFKA, value: {{ $values.kafka.bootstrap | quote }}}
- {name: MADOGUCHI_REPLICATION_FACTOR, value: {{ $values.kafka.replicationFactor | quote }}}
- name: MADOGUCHI_DATABASE
  valueFrom:
    secretKeyRef:
      name: {{ .urlSecret | default $values.postgres.urlSecret }}
      key: {{ .service }}
- {name: MADOGUCHI_OBJECTS, value: {{ required "objects.url: pods share one object store" $values.objects.url | quote }}}
- {name: MADOGUCHI_JWKS, value: {{ required "tokens.jwks: where the keys of bearer tokens are" $values.tokens.jwks | quote }}}
- {name: MADOGUCHI_ISSUER, value: {{ required "tokens.issuer" $values.tokens.issuer | quote }}}
- {name: MADOGUCHI_AUDIENCE, value: {{ $values.tokens.audience | quote }}}
- {name: MADOGUCHI_LOG_LEVEL, value: {{ $values.settings.logLevel | quote }}}
- {name: MADOGUCHI_DRAIN_SECONDS, value: {{ $values.settings.drainSeconds | quote }}}
- {name: MADOGUCHI_OTLP_ENDPOINT, value: {{ $values.settings.otlpEndpoint | quote }}}
- {name: MADOGUCHI_REGION, value: {{ $values.settings.region | quote }}}
- {name: MADOGUCHI_ACCOUNTS, value: /etc/madoguchi/accounts/accounts.yaml}
- {name: MADOGUCHI_RULES, value: /etc/madoguchi/rules/rules.yaml}
- name: MADOGUCHI_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- with $values.privacy.secret }}
- name: MADOGUCHI_PRIVACY_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: key}}
{{- end }}
{{- end -}}

{{- define "madoguchi.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .root.Values.podSecurity.uid }}
  runAsGroup: {{ .root.Values.podSecurity.uid }}
  fsGroup: {{ .root.Values.podSecurity.uid }}
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "madoguchi.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "madoguchi.rulesMap" -}}
{{ .root.Values.rules.configMap | default (printf "%s-rules" .root.Release.Name) }}
{{- end -}}

{{- define "madoguchi.accountsMap" -}}
{{ .root.Values.accounts.configMap | default (printf "%s-accounts" .root.Release.Name) }}
{{- end -}}
