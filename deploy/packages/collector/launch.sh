#!/bin/sh
# Starts the collector's commands as its service runs it: root becomes the account quitus-collector, so that nothing
# in the collector's folder ends up belonging to somebody else.
set -eu
here=/opt/quitus-collector
python=$("$here/bin/interpreter")
if [ "$(id -u)" = 0 ]; then
    umask 077
    exec setpriv --reuid=quitus-collector --regid=quitus-collector --init-groups --no-new-privs \
        --inh-caps=-all --bounding-set=-all "$python" -I -S "$here/start.py" "$@"
fi
exec "$python" -I -S "$here/start.py" "$@"
