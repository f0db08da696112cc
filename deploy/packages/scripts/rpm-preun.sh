if [ "$1" -eq 0 ]; then
    if [ -d /run/systemd/system ]; then
        systemctl --no-reload disable --now @UNITS@ >/dev/null 2>&1 || true
    else
        systemctl --no-reload disable @UNITS@ >/dev/null 2>&1 || true
    fi
    find /opt/@NAME@ -depth -name __pycache__ -exec rm -rf {} + 2>/dev/null || true
fi
