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
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "quitus.pod" -}}
automountServiceAccountToken: false
# A service that happens to be called quitus-collector would else set our variables.
enableServiceLinks: false
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
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
initContainers:
  # Settings and authority as a collector has them, for its account alone; the disk has the ways to them, no key of theirs.
  - name: home
    image: {{ include "quitus.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    command:
      - sh
      - -ceu
      - |
        umask 077
        mkdir -p /given/authority
        cp /settings/collector.toml /authority/pseudonym.key /given/
        cp /authority/*.pem /given/authority/
        mkdir -p /var/lib/quitus/collector
        cd /var/lib/quitus/collector
        if [ -d authority ] && [ ! -L authority ]; then
          echo "authority/ lies on the disk: take it away, it comes from the secret" >&2
          exit 1
        fi
        for each in collector.toml pseudonym.key authority; do
          ln -sfn "/given/$each" "$each"
        done
    securityContext: {{ include "quitus.locked" . | nindent 6 }}
    volumeMounts:
      - {name: settings, mountPath: /settings, readOnly: true}
      - {name: authority, mountPath: /authority, readOnly: true}
      {{- include "quitus.mounts" . | nindent 6 }}
    resources:
      requests: {cpu: 50m, memory: 32Mi}
      limits: {memory: 64Mi}
  # The database at this version's schema, before anything is served; one of them at a time does it. Where the
  # database is not there yet, the pod tries again.
  - name: schema
    image: {{ include "quitus.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args: [upgrade]
    env: {{ include "quitus.environment" . | nindent 6 }}
    resources:
      requests: {cpu: 100m, memory: 256Mi}
      limits: {memory: 512Mi}
    securityContext: {{ include "quitus.locked" . | nindent 6 }}
    volumeMounts: {{ include "quitus.mounts" . | nindent 6 }}
# The last part: who needs more adds to it.
volumes:
  - name: settings
    configMap: {name: {{ include "quitus.name" . }}}
  - name: authority
    secret: {secretName: {{ .Values.authority.secret }}, defaultMode: 0440}
  # What all of them share and keep: proofs, scans, the company's own rules, what agents are offered, the console's key.
  - name: home
    persistentVolumeClaim: {claimName: {{ .Values.storage.existingClaim | default (include "quitus.name" .) }}}
  - name: given
    emptyDir: {medium: Memory, sizeLimit: 16Mi}
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
{{- end -}}

{{- define "quitus.console" -}}
app.kubernetes.io/name: quitus-console
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "quitus.backup" -}}
app.kubernetes.io/name: quitus-backup
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "quitus.locked" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "quitus.environment" -}}
# Below the disk's own folder, whose rights are the cluster's.
- {name: QUITUS_COLLECTOR_HOME, value: /var/lib/quitus/collector}
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
- {name: home, mountPath: /var/lib/quitus}
- {name: given, mountPath: /given}
- {name: tmp, mountPath: /tmp}
{{- end -}}


{{- define "quitus.resolving" -}}
- to: {{ toYaml .Values.networkPolicy.resolving | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}
