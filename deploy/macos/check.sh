#!/bin/sh
# Whether nobody but root may change what the agent runs, for it runs as root: everything in its folder and the folder
# that holds it. Refuses otherwise, naming the first such place.
#   check [FOLDER [OWNER]]
set -eu
folder=${1:-/opt/quitus-agent}
owner=${2:-root}
loose="! -user $owner -o ! -type l ( -perm -0020 -o -perm -0002 )"
# shellcheck disable=SC2086
found=$({ find "$(dirname "$folder")" -prune \( $loose \) && find "$folder" \( $loose \); } | head -n 1)
if [ -n "$found" ]; then
    echo "quitus-agent: $found can be changed by others than $owner: the agent does not run with it" >&2
    exit 1
fi
