# shellcheck shell=sh
    # The identity and what waited to be sent; enrolling again makes a new device.
    rm -rf /var/lib/quitus-agent
    rm -f /var/lib/systemd/timers/stamp-quitus-agent.timer
    rmdir --ignore-fail-on-non-empty /etc/quitus 2>/dev/null || true
    if getent passwd quitus-agent >/dev/null; then
        userdel quitus-agent || true
    fi
