#!/bin/sh
set -e
@READY@
# Turned on at the first installation; what an administrator turned off since stays off.
turn_on() {
    for unit do
        deb-systemd-helper unmask "$unit" >/dev/null || true
        if deb-systemd-helper --quiet was-enabled "$unit"; then
            deb-systemd-helper enable "$unit" >/dev/null || true
        else
            deb-systemd-helper update-state "$unit" >/dev/null || true
        fi
    done
}

case $1 in
triggered)
    # Another Python: what was compiled for the former one serves no more.
    ready
    ;;
configure | abort-upgrade | abort-deconfigure | abort-remove)
    ready
    turn_on @ENABLED@
    if is_running; then
        systemctl --system daemon-reload || true
        deb-systemd-invoke restart @ENABLED@ || true
    fi
    ;;
esac
