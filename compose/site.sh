#!/bin/sh
# Prints the env files of this site for Compose: bundle.env in a bundle, or else local.env where only
# the stand-ins can be had (they were built, and the public images are neither here nor can be pulled);
# and .env where it exists. SITE=local or SITE=public decides it without looking.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

public_can_be_had() {
    image=$(sed -n 's/.*{POSTGRES_IMAGE:-\([^}]*\)}.*/\1/p' "$here/compose.yaml")
    docker image inspect "$image" >/dev/null 2>&1 || timeout 10 docker manifest inspect "$image" >/dev/null 2>&1
}

stand_ins_are_built() { docker image inspect pmscoring.local/postgres:17 >/dev/null 2>&1; }

# `site.sh public` tells by its status alone whether the public images can be had.
if [ "${1:-}" = public ]; then
    public_can_be_had
    exit
fi

case ${SITE:-} in
    local) echo "$here/local.env" ;;
    public) ;;
    *) if [ -f "$here/bundle.env" ]; then echo "$here/bundle.env"; elif stand_ins_are_built && ! public_can_be_had; then echo "$here/local.env"; fi ;;
esac
if [ -f "$here/.env" ]; then echo "$here/.env"; fi
