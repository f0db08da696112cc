#!/bin/sh
# Run by the installer as root: the state for root alone, settings kept, the service loaded anew.
set -eu
# Before anything of it is started: what is refused here is not loaded.
launchctl bootout system/fr.quitus.agent 2>/dev/null || true
/opt/quitus-agent/bin/check
install -d -m 0700 -o root -g wheel /var/lib/quitus-agent
install -d -m 0755 -o root -g wheel /etc/quitus /usr/local/bin
if [ ! -e /etc/quitus/agent.toml ]; then
    install -m 0644 -o root -g wheel /opt/quitus-agent/agent.toml /etc/quitus/agent.toml
fi
ln -sf /opt/quitus-agent/bin/quitus-agent /usr/local/bin/quitus-agent
launchctl bootstrap system /Library/LaunchDaemons/fr.quitus.agent.plist
