#!/bin/bash
# Builds the stand-ins pmscoring.local/<name>:<major> on a Debian machine whose mirrors, for packages
# and for Python, are all that can be reached. With --missing, only where one is missing.
set -euo pipefail
cd "$(dirname "$0")"

names="python:3.13 python:3.11 wheels:1 postgres:17 redis:8 haproxy:3 nginx:1 prometheus:2 node-exporter:1"
missing=""
for name in debian:12 debian:13 $names; do
    docker image inspect "pmscoring.local/$name" >/dev/null 2>&1 || missing="$missing $name"
done
if [ "${1:-}" = --missing ] && [ -z "$missing" ]; then
    exit 0
fi

began=$SECONDS
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 0755 "$place"
say() { echo "base images: $* ($((SECONDS - began)) s)"; }

if ! command -v mmdebstrap >/dev/null; then
    ../../.ci/apt update -qq
    ../../.ci/apt install -y -qq --no-install-recommends mmdebstrap >/dev/null
fi

# A minimal Debian with this machine's mirrors and certificates, so that apt and pip work inside.
debian() { # SUITE MAJOR
    local mirror=/etc/apt/sources.list.d/debian.sources uri=()
    if ! grep -q "^Suites:.*\b$1\b" "$mirror" 2>/dev/null; then
        uri=("deb $(sed -n 's/^URIs: *//p' "$mirror" | head -1) $1 main")
        mirror=()
    fi
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,netbase,tzdata \
        --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs' \
        "${hooks[@]}" "$1" "$place/$1.tar" "${mirror[@]}" "${uri[@]}"
    docker import --message "Debian $2, for PM Scoring's stand-ins" \
        --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1' \
        --change 'HEALTHCHECK NONE' --change 'LABEL pmscoring.part=stand-in' --change 'CMD ["bash"]' "$place/$1.tar" "pmscoring.local/debian:$2" >/dev/null
    rm "$place/$1.tar"
    say "debian:$2"
}

hooks=()
if [ -f /etc/pip.conf ]; then
    hooks=(--customize-hook='copy-in /etc/pip.conf /etc')
fi
debian bookworm 12
debian trixie 13

# The wheel of torch's CPU build, where pip on this machine finds it in a folder of its own.
mkdir "$place/wheels"
for folder in ${WHEELS:-${PIP_FIND_LINKS:-}}; do
    cp "$folder"/torch-*+cpu-cp311-*.whl "$place/wheels/" 2>/dev/null || true
done
cp Dockerfile postgres-entrypoint.sh "$place/"
for name in $names; do
    case $name in
        python:*) target=${name/:/-} ;;
        *) target=${name%:*} ;;
    esac
    docker buildx build -q --load --target "$target" --tag "pmscoring.local/$name" "$place" >/dev/null
    say "$name"
done
