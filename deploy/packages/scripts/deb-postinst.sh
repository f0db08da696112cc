#!/bin/sh
set -e
@READY@
case $1 in
triggered)
    # Another Python: what was compiled for the former one serves no more.
    ready
    ;;
configure | abort-upgrade | abort-deconfigure | abort-remove)
    ready
    for unit in @ENABLED@; do
        deb-systemd-helper unmask "$unit" >/dev/null || true
        if deb-systemd-helper --quiet was-enabled "$unit"; then
            deb-systemd-helper enable "$unit" >/dev/null || true
        else
            deb-systemd-helper update-state "$unit" >/dev/null || true
        fi
    done
    if is_running; then
        systemctl --system daemon-reload || true
        deb-systemd-invoke restart @ENABLED@ || true
    fi
    ;;
esac
