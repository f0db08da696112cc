#!/bin/sh
# Run on a Mac, with what `python -m deploy.packages --form macos` made:
#   deploy/macos/build.sh dist/quitus-agent-0.1.0-macos-arm64 ["Developer ID Installer: …"]
# Makes the package beside that folder; with an identity it is signed, which Gatekeeper and MDM want.
set -eu
folder=$1
identity=${2:-}
version=$(cat "$folder/version")
package=$(dirname "$folder")/quitus-agent-$version.pkg
set -- --root "$folder/root" --scripts "$folder/scripts" --identifier fr.quitus.agent --version "$version" \
    --install-location / --ownership recommended
if [ -n "$identity" ]; then
    set -- "$@" --sign "$identity" --timestamp
fi
pkgbuild "$@" "$package"
echo "$package"
