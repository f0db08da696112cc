#!/bin/sh
# A backup of today, while the collector serves; those older than KEEP_DAYS go once the new one is whole.
set -eu
folder=/var/backups/quitus-collector
file=$folder/quitus-$(date -u +%Y-%m-%dT%H%M%SZ).zip
# A file that was named goes before the credentials that the unit may have been given.
credential=quitus-backup-passphrase
[ -e "${CREDENTIALS_DIRECTORY:-}/$credential" ] || credential=$credential-encrypted
if [ -n "${PASSPHRASE_FILE:-}" ]; then
    set -- --passphrase-file "$PASSPHRASE_FILE"
elif [ -e "${CREDENTIALS_DIRECTORY:-}/$credential" ]; then
    set -- --passphrase-file "credential:$credential"
fi
/opt/quitus-collector/bin/quitus-collector backup "$file" "$@"
find "$folder" -maxdepth 1 -name 'quitus-*.zip' -mtime "+${KEEP_DAYS:-30}" -delete
