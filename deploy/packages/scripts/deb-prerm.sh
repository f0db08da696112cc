#!/bin/sh
set -e
@READY@
if [ "$1" = remove ] && is_running; then
    deb-systemd-invoke stop @UNITS@ || true
fi
forget_compiled
