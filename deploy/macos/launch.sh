#!/bin/sh
# Starts the agent with python.org's Python: one that an account other than root may change must not run as root.
set -eu
here=/opt/quitus-agent
for version in 3.14 3.13 3.12 3.11; do
    python=/Library/Frameworks/Python.framework/Versions/$version/bin/python$version
    if [ -x "$python" ]; then
        umask 077
        exec "$python" -I -S "$here/start.py" "$@"
    fi
done
echo "quitus-agent: install Python 3.11 to 3.14 of python.org first" >&2
exit 1
