#!/bin/sh
# Starts the agent as its service runs it: root becomes the account quitus-agent, which may read everything and
# write its own state alone. So an identity belongs to that account, whoever enrolled.
set -eu
here=/opt/quitus-agent
python=$("$here/bin/interpreter")
if [ "$(id -u)" = 0 ]; then
    only=-all,+dac_read_search
    umask 077
    exec setpriv --reuid=quitus-agent --regid=quitus-agent --init-groups --no-new-privs \
        --inh-caps="$only" --ambient-caps="$only" --bounding-set="$only" \
        "$python" -I -S "$here/start.py" "$@"
fi
exec "$python" -I -S "$here/start.py" "$@"
