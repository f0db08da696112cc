@READY@
ready
if [ "$1" -eq 1 ]; then
    systemctl --no-reload enable @ENABLED@ >/dev/null 2>&1 || true
fi
if is_running; then
    systemctl daemon-reload || true
    if [ "$1" -eq 1 ]; then
        systemctl start @ENABLED@ || true
    else
        systemctl try-restart @ENABLED@ || true
    fi
fi
