#!/bin/sh
# Run on a Mac, with what `python -m deploy.packages --form macos` made, and a Python that runs wherever it lies
# (python-build-standalone's "install_only" archive for that processor) with its SHA-256:
#   deploy/macos/build.sh dist/quitus-agent-0.1.0-macos-arm64 RUNTIME.tar.gz SHA256 ["Developer ID Installer: …"]
# Makes the package beside that folder; with an identity it is signed, which Gatekeeper and MDM want.
set -eu
folder=$1
runtime=$2
echo "$3  $runtime" | shasum -a 256 -c - >/dev/null || {
    echo "build: $runtime has another digest than the one given" >&2
    exit 1
}
identity=${4:-}
version=$(cat "$folder/version")
package=$(dirname "$folder")/quitus-agent-$version.pkg
home=$folder/root/opt/quitus-agent
rm -rf "$home/python"
# In the archive everything is below `python`.
tar -xzf "$runtime" -C "$home"
"$home/python/bin/python3" -I -c 'import ssl, sqlite3'
chmod -R go-w "$home"
set -- --root "$folder/root" --scripts "$folder/scripts" --identifier fr.quitus.agent --version "$version" \
    --install-location / --ownership recommended
if [ -n "$identity" ]; then
    set -- "$@" --sign "$identity" --timestamp
fi
pkgbuild "$@" "$package"
echo "$package"
