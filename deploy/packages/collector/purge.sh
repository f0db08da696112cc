# shellcheck shell=sh
    # Declarations and their proofs are the company's: a package manager does not delete them.
    rm -f /var/lib/systemd/timers/stamp-quitus-collector-backup.timer
    rmdir --ignore-fail-on-non-empty /var/lib/quitus-collector /var/backups/quitus-collector 2>/dev/null || true
