{{- define "kubectl-asm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kubectl-asm.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "kubectl-asm.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped objects of releases of one name in two namespaces must not meet. */}}
{{- define "kubectl-asm.clusterName" -}}
{{- if .Values.fullnameOverride -}}
{{- include "kubectl-asm.fullname" . -}}
{{- else -}}
{{- printf "%s:%s" .Release.Namespace (include "kubectl-asm.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-asm.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kubectl-asm.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-asm.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kubectl-asm.name" . }}
app.kubernetes.io/component: {{ ternary "shadow" "controller" .Values.shadow }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kubectl-asm.labels" -}}
{{ include "kubectl-asm.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "kubectl-asm.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* A value as one word: numbers are read as floats, and lists of namespaces have commas. */}}
{{- define "kubectl-asm.word" -}}
{{- if kindIs "float64" . -}}
{{- printf "%.0f" . -}}
{{- else if kindIs "slice" . -}}
{{- join "," . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-asm.watched" -}}
{{- include "kubectl-asm.word" (.Values.command.watchNamespaces | default "") | nospace -}}
{{- end -}}

{{/* The namespaces with a Role, as a JSON list under "names". */}}
{{- define "kubectl-asm.namespaces" -}}
{{- $names := list -}}
{{- range splitList "," (include "kubectl-asm.watched" .) -}}
{{- if . -}}{{- $names = append $names . -}}{{- end -}}
{{- end -}}
{{- if and .Values.namespaced (not $names) -}}
{{- fail "namespaced: true needs command.watchNamespaces" -}}
{{- end -}}
{{- dict "names" ($names | uniq | sortAlpha) | toJson -}}
{{- end -}}

{{/* Flags of the controller. Values that are not given are not passed on. */}}
{{- define "kubectl-asm.flags" -}}
- --log-format={{ .Values.logFormat }}
{{- if not .Values.shadow }}
- --lease-name={{ .Values.leaseName }}
- --lease-namespace=$(POD_NAMESPACE)
{{- end }}
{{- if gt (int .Values.shards) 1 }}
{{- if .Values.shadow }}
{{- fail "shadow: true shares no work: leave shards alone" }}
{{- end }}
- --shards={{ int .Values.shards }}
{{- end }}
{{- $command := omit .Values.command "processClusterSecretStore" "processClusterExternalSecret" "watchNamespaces" }}
{{- with include "kubectl-asm.namespaces" . | fromJson | dig "names" list | join "," }}
- {{ printf "--watch-namespaces=%s" . | quote }}
{{- end }}
{{- if .Values.namespaced }}
{{- if or .Values.command.processClusterSecretStore .Values.command.processClusterExternalSecret }}
{{- fail "namespaced: true processes no cluster resources: leave command.processClusterSecretStore and command.processClusterExternalSecret alone" }}
{{- end }}
- --process-cluster-secret-store=false
- --process-cluster-external-secret=false
{{- else }}
{{- $command = merge $command (pick .Values.command "processClusterSecretStore" "processClusterExternalSecret") }}
{{- end }}
{{- if .Values.shadow }}
- --shadow
{{- end }}
{{- range $value := keys (include "kubectl-asm.flagNames" . | fromYaml) | sortAlpha }}
{{- $given := index $command $value }}
{{- $word := "" }}
{{- if not (kindIs "invalid" $given) }}
{{- $word = include "kubectl-asm.word" $given }}
{{- end }}
{{- if ne $word "" }}
- {{ printf "--%s=%s" (index (include "kubectl-asm.flagNames" $ | fromYaml) $value) $word | quote }}
{{- end }}
{{- end }}
{{- if .Values.limits }}
- --limits-file=/etc/kubectl-asm/limits.yaml
{{- end }}
{{- with .Values.fromDeployment }}
- {{ printf "--from-deployment=%s" . | quote }}
{{- end }}
{{- range .Values.extraFlags }}
- {{ . | quote }}
{{- end }}
{{- end -}}
