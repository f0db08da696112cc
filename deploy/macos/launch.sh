#!/bin/sh
# Starts the agent with the Python that its package brought: one that an account other than root may change, as those
# of python.org (the group admin) and Homebrew, must not run as root.
set -eu
here=/opt/quitus-agent
umask 077
exec "$here/python/bin/python3" -I -S "$here/start.py" "$@"
