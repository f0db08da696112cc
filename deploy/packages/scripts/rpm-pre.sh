if [ "$1" -gt 1 ]; then
    find /opt/@NAME@ -depth -name __pycache__ -exec rm -rf {} + 2>/dev/null || true
fi
