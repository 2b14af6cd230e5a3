#!/bin/sh
# ./load [FOLDER]: checks what was unpacked, gives the images to this host's engine, and puts the
# files into FOLDER (without one they are used where they are). What is the site's own in FOLDER,
# compose/.env and compose/secrets, stays as it is.
set -eu
cd "$(dirname "$0")"

sha256sum --check --quiet --strict SHA256SUMS || { echo "load: this bundle is damaged; nothing was loaded" >&2; exit 1; }
echo "load: $(wc -l <SHA256SUMS) files are as they were packed"

ours=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}') || exit 1
if [ "$ours" != "$(cat platform.txt)" ]; then
    echo "load: the images are for $(cat platform.txt), this engine is $ours" >&2
    exit 1
fi
docker load --quiet --input images.tar.gz
while read -r image; do
    docker image inspect "$image" >/dev/null || exit 1
done <images.txt
if [ -f missing.txt ]; then
    echo "load: not in this bundle, and wanted by the overlays monitoring and pitr:" $(cat missing.txt)
fi

if [ -n "${1:-}" ]; then
    mkdir -p "$1"
    # Folders that are mounted whole must not keep files of an earlier version.
    rm -rf "$1/docker"
    cp -R compose docker docs Makefile "$1/"
    cd "$1"
fi
echo "load: ready; go on with: cd $(pwd) && make up; where an older version runs: make upgrade"
