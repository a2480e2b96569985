{{- define "cdc.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-cdc" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* The labels of what all streams share. */ -}}
{{- define "cdc.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* What finds the pods of a release; the component is the Prometheus job, too. */ -}}
{{- define "cdc.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: cdc
{{- end -}}

{{- /* One stream as the templates take it: what it says over the defaults; and `name`, `root`. */ -}}
{{- define "cdc.stream" -}}
{{- $stream := mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy .stream) -}}
{{- $_ := set $stream "resource" (printf "%s-%s" (include "cdc.fullname" .root) .name | trunc 63 | trimSuffix "-") -}}
{{- toJson $stream -}}
{{- end -}}

{{- /* The Deployments of one stream: its daemon, and its appliers if it has some. Their pods have a label
       of their own: the daemon's selector, which cannot be changed, must not find them. */ -}}
{{- define "cdc.deployments" -}}
{{- $daemon := dict "resource" .resource "label" "cdc/stream" "replicas" .replicas "args" (list "run") "resources" .resources "ready" "/readyz?standbyok" -}}
{{- $deployments := list $daemon -}}
{{- if .appliers.replicas -}}
{{- $_ := set $daemon "args" (list "run" "--role" "read") -}}
{{- $deployments = append $deployments (dict "resource" (include "cdc.appliers" .) "label" "cdc/appliers-of" "replicas" .appliers.replicas "args" (list "run" "--role" "apply") "resources" .appliers.resources "ready" "/readyz") -}}
{{- end -}}
{{- toJson $deployments -}}
{{- end -}}

{{- /* The name of what a stream's appliers are. */ -}}
{{- define "cdc.appliers" -}}
{{- printf "%s-appliers" (.resource | trunc 54 | trimSuffix "-") -}}
{{- end -}}

{{- /* What a ConfigMap must not hold, or what a pod would only say in its log. */ -}}
{{- define "cdc.refuse" -}}
{{- $config := .config -}}
{{- $where := printf "streams.%s.config" .name -}}
{{- $source := $config.source | default dict -}}
{{- $target := $config.target | default dict -}}
{{- $kafka := ($config.apply | default dict).kafka | default dict -}}
{{- if and .appliers.replicas (not $kafka) -}}
{{- fail (printf "streams.%s.appliers get their work through a Kafka: write %s.apply.lanes, and %s.apply.kafka" .name $where $where) -}}
{{- end -}}
{{- if and .appliers.replicas (hasKey .streams (printf "%s-appliers" .name)) -}}
{{- fail (printf "streams.%s-appliers has the name of the appliers of streams.%s: give it another one" .name .name) -}}
{{- end -}}
{{- if and $kafka.password (not (hasPrefix "${" (toString $kafka.password))) -}}
{{- fail (printf "%s.apply.kafka.password would stand in a ConfigMap: put it into a Secret, name that in existingSecret.env, and write \"${CDC_KAFKA_PASSWORD}\"" $where) -}}
{{- end -}}
{{- if and $source.password (not (hasPrefix "${" (toString $source.password))) -}}
{{- fail (printf "%s.source.password would stand in a ConfigMap: put it into a Secret, name that in existingSecret.env, and write \"${CDC_SOURCE_PASSWORD}\"" $where) -}}
{{- end -}}
{{- if and $config.mask_key (not (hasPrefix "${" (toString $config.mask_key))) -}}
{{- fail (printf "%s.mask_key would stand in a ConfigMap: put it into a Secret, name that in existingSecret.env, and write \"${CDC_MASK_KEY}\"" $where) -}}
{{- end -}}
{{- if regexMatch "^mongodb(\\+srv)?://[^/@]*:[^$/@][^/@]*@" (toString $target.uri) -}}
{{- fail (printf "%s.target.uri has a password and would stand in a ConfigMap: put it into a Secret, name that in existingSecret.env, and write \"${CDC_TARGET_URI}\"" $where) -}}
{{- end -}}
{{- if kindIs "bool" $source.tls -}}
{{- fail (printf "%s.source.tls: Helm reads off without quotes as false: write \"off\"" $where) -}}
{{- end -}}
{{- range $key := list "mappings" "http" -}}
{{- if hasKey $config $key -}}
{{- fail (printf "%s.%s is the chart's: see `streams.NAME.mappings`, `existingMappings` and `listen`" $where $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
