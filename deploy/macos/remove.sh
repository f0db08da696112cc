#!/bin/sh
# Takes the agent away; with --purge its identity, settings and log too.
set -eu
launchctl bootout system/fr.quitus.agent 2>/dev/null || true
rm -f /Library/LaunchDaemons/fr.quitus.agent.plist /usr/local/bin/quitus-agent
pkgutil --forget fr.quitus.agent >/dev/null 2>&1 || true
if [ "${1:-}" = --purge ]; then
    rm -rf /var/lib/quitus-agent /var/log/quitus-agent.log /etc/quitus/agent.toml
    rmdir /etc/quitus 2>/dev/null || true
fi
rm -rf /opt/quitus-agent
