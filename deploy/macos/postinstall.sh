#!/bin/sh
# Run by the installer as root: the state for root alone, settings kept, the service loaded anew.
set -eu
install -d -m 0700 -o root -g wheel /var/lib/quitus-agent
install -d -m 0755 -o root -g wheel /etc/quitus /usr/local/bin
if [ ! -e /etc/quitus/agent.toml ]; then
    install -m 0644 -o root -g wheel /opt/quitus-agent/agent.toml /etc/quitus/agent.toml
fi
ln -sf /opt/quitus-agent/bin/quitus-agent /usr/local/bin/quitus-agent
launchctl bootout system/fr.quitus.agent 2>/dev/null || true
launchctl bootstrap system /Library/LaunchDaemons/fr.quitus.agent.plist
