{{- define "quitus.name" -}}
{{- printf "%s-quitus" .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "quitus.selector" -}}
app.kubernetes.io/name: quitus
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "quitus.labels" -}}
{{ include "quitus.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "quitus.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "quitus.pod" -}}
automountServiceAccountToken: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: settings
    configMap: {name: {{ include "quitus.name" . }}}
  - name: authority
    secret: {secretName: {{ .Values.authority.secret }}, defaultMode: 0440}
  - name: home
    emptyDir: {medium: Memory, sizeLimit: 16Mi}
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
# The folder as a collector has it: settings and authority in their places, for its account alone.
initContainers:
  - name: home
    image: {{ include "quitus.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    command:
      - sh
      - -ceu
      - |
        umask 077
        mkdir -p /home-of-it/authority
        cp /settings/collector.toml /home-of-it/
        cp /authority/*.pem /home-of-it/authority/
        cp /authority/pseudonym.key /home-of-it/
    securityContext: {{ include "quitus.locked" . | nindent 6 }}
    volumeMounts:
      - {name: settings, mountPath: /settings, readOnly: true}
      - {name: authority, mountPath: /authority, readOnly: true}
      - {name: home, mountPath: /home-of-it}
    resources:
      requests: {cpu: 50m, memory: 32Mi}
      limits: {memory: 64Mi}
{{- end -}}

{{- define "quitus.locked" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "quitus.environment" -}}
- name: QUITUS_COLLECTOR_DATABASE
  valueFrom:
    secretKeyRef:
      {{- if .Values.postgresql.enabled }}
      name: {{ include "quitus.name" . }}-postgresql-app
      key: uri
      {{- else }}
      name: {{ .Values.database.secret }}
      key: {{ .Values.database.key }}
      {{- end }}
{{- end -}}

{{- define "quitus.mounts" -}}
- {name: home, mountPath: /var/lib/quitus-collector}
- {name: tmp, mountPath: /tmp}
{{- end -}}
