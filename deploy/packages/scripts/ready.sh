# shellcheck shell=sh
# Makes the account, its folders, and what Python would otherwise compile at every start.
ready() {
    systemd-sysusers @NAME@.conf
    systemd-tmpfiles --create @NAME@.conf
    "$(/opt/@NAME@/bin/interpreter)" -I -S -m compileall -q -j 0 /opt/@NAME@ >/dev/null || true
}

forget_compiled() {
    find /opt/@NAME@ -depth -name __pycache__ -exec rm -rf {} + 2>/dev/null || true
}

is_running() {
    [ -d /run/systemd/system ]
}
