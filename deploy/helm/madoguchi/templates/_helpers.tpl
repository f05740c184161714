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

{{/* A value as text: Helm reads large numbers as floats, and would write 2000000 as 2e+06. */}}
{{- define "madoguchi.plain" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{- define "madoguchi.setting" -}}
{name: MADOGUCHI_{{ snakecase .name | upper }}, value: {{ include "madoguchi.plain" .value | quote }}}
{{- end -}}

{{/*
How one service comes to Kafka, as YAML: what kafka.tls and kafka.sasl say, or Strimzi's user of the service. Nothing for a
job that migrates: it says nothing to Kafka, and what Strimzi makes for its service may not be there yet.
*/}}
{{- define "madoguchi.kafka" -}}
{{- if ne (.job | default "") "migrate" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $own := get $kafka.users .service | default dict -}}
{{- $strimzi := .root.Values.strimzi.enabled | ternary .root.Values.strimzi.users "" -}}
{{- $user := include "madoguchi.name" . -}}
{{- $tls := or $kafka.tls.enabled (ne $strimzi "") -}}
{{- if and (has $kafka.sasl.mechanism (list "PLAIN" "OAUTHBEARER")) (not $tls) -}}
{{ fail "kafka.tls.enabled: PLAIN and OAUTHBEARER show the secret to whoever listens" }}
{{- end -}}
tls: {{ $tls }}
{{- if $tls }}
ca: {{ $kafka.tls.caSecret | default (and $strimzi (printf "%s-cluster-ca-cert" .root.Values.strimzi.cluster) | default "") }}
certificate: {{ $own.certificateSecret | default (eq $strimzi "tls" | ternary $user $kafka.tls.certificateSecret) }}
names: {{ eq $strimzi "tls" | ternary "user" "tls" }}
{{- end }}
mechanism: {{ eq $strimzi "scram-sha-512" | ternary "SCRAM-SHA-512" $kafka.sasl.mechanism }}
username: {{ $own.username | default (eq $strimzi "scram-sha-512" | ternary $user $kafka.sasl.username) }}
password: {{ $own.secret | default (eq $strimzi "scram-sha-512" | ternary $user $kafka.sasl.secret) }}
{{- end -}}
{{- end -}}

{{- define "madoguchi.kafkaEnv" -}}
{{- $kafka := include "madoguchi.kafka" . | fromYaml -}}
- {name: MADOGUCHI_KAFKA, value: {{ .root.Values.kafka.bootstrap | quote }}}
{{- if $kafka.tls }}
- {name: MADOGUCHI_KAFKA_TLS, value: "true"}
{{- end }}
{{- if $kafka.ca }}
- {name: MADOGUCHI_KAFKA_CA_FILE, value: /etc/madoguchi/kafka-ca/ca.crt}
{{- end }}
{{- if $kafka.certificate }}
- {name: MADOGUCHI_KAFKA_CERTIFICATE_FILE, value: /etc/madoguchi/kafka/{{ $kafka.names }}.crt}
- {name: MADOGUCHI_KAFKA_KEY_FILE, value: /etc/madoguchi/kafka/{{ $kafka.names }}.key}
{{- end }}
{{- if $kafka.mechanism }}
{{- if not (or $kafka.username (eq $kafka.mechanism "OAUTHBEARER")) }}{{ fail "kafka.sasl.username: who logs in at Kafka" }}{{ end }}
- {name: MADOGUCHI_KAFKA_MECHANISM, value: {{ $kafka.mechanism }}}
- {name: MADOGUCHI_KAFKA_USERNAME, value: {{ $kafka.username | default "" | quote }}}
- {name: MADOGUCHI_KAFKA_PASSWORD_FILE, value: /etc/madoguchi/kafka-password/password}
{{- end }}
{{- end -}}

{{/* Files, and not the environment: what is in them may change while the pod runs. */}}
{{- define "madoguchi.trustMounts" -}}
{{- $kafka := include "madoguchi.kafka" . | fromYaml -}}
{{- if $kafka.ca }}
- {name: kafka-ca, mountPath: /etc/madoguchi/kafka-ca, readOnly: true}
{{- end }}
{{- if $kafka.certificate }}
- {name: kafka, mountPath: /etc/madoguchi/kafka, readOnly: true}
{{- end }}
{{- if $kafka.mechanism }}
- {name: kafka-password, mountPath: /etc/madoguchi/kafka-password, readOnly: true}
{{- end }}
{{- if include "madoguchi.postgresCa" . }}
- {name: postgres-ca, mountPath: /etc/madoguchi/postgres, readOnly: true}
{{- end }}
{{- end -}}

{{- define "madoguchi.trustVolumes" -}}
{{- $kafka := include "madoguchi.kafka" . | fromYaml -}}
{{- with $kafka.ca }}
- name: kafka-ca
  secret: {secretName: {{ . }}, defaultMode: 0440, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- with $kafka.certificate }}
- name: kafka
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- if $kafka.mechanism }}
- name: kafka-password
  secret:
    secretName: {{ required "kafka.sasl.secret: the Secret that holds the password" $kafka.password }}
    defaultMode: 0440
    items: [{key: password, path: password}]
{{- end }}
{{- with include "madoguchi.postgresCa" . }}
- name: postgres-ca
  secret: {secretName: {{ . }}, defaultMode: 0440, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end -}}

{{- define "madoguchi.postgresCa" -}}
{{- $own := .root.Values.cloudnativepg.enabled | ternary (printf "%s-postgres-ca" .root.Release.Name) "" -}}
{{- .root.Values.postgres.caSecret | default $own -}}
{{- end -}}

{{/* Where tools reach the HTTP surfaces. */}}
{{- define "madoguchi.publicUrl" -}}
{{- $values := .root.Values -}}
{{- $host := $values.gateway.enabled | ternary $values.gateway.host ($values.ingress.enabled | ternary $values.ingress.host "") -}}
{{- $values.links.publicUrl | default (and $host (printf "https://%s" $host) | default "") -}}
{{- end -}}

{{/* What every pod is told. */}}
{{- define "madoguchi.env" -}}
{{- $values := .root.Values -}}
{{ include "madoguchi.kafkaEnv" . }}
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
{{- $own := (get $values.services .service).settings }}
{{- range $name, $value := $values.settings }}
{{- if not (hasKey $own $name) }}
- {{ include "madoguchi.setting" (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- range $name, $value := $own }}
- {{ include "madoguchi.setting" (dict "name" $name "value" $value) }}
{{- end }}
- {name: MADOGUCHI_ACCOUNTS, value: /etc/madoguchi/accounts/accounts.yaml}
- {name: MADOGUCHI_RULES, value: /etc/madoguchi/rules/rules.yaml}
- name: MADOGUCHI_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- with $values.privacy.secret }}
- name: MADOGUCHI_PRIVACY_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: key}}
{{- end }}
{{- if eq .service "timeline" }}
- {name: MADOGUCHI_PUBLIC_URL, value: {{ include "madoguchi.publicUrl" . | quote }}}
{{- with $values.links.secret }}
- name: MADOGUCHI_LINK_KEYS
  valueFrom: {secretKeyRef: {name: {{ . }}, key: keys}}
{{- end }}
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
