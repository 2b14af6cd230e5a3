#!/bin/sh
# Prints the env files of this site for Compose: bundle.env in a bundle, or else local.env where only
# the stand-ins can be had (they were built, and the public images are neither here nor can be pulled);
# and .env where it exists. SITE=local or SITE=public decides it without looking. `site.sh exports`
# prints their variables for a shell's eval; what the environment has already is left as it is.
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

# The last file counts, and what the environment has counts more: hence the first one that is read.
exports() {
    for file in $("$0" | sed '1!G; h; $!d'); do
        sed -n 's/^\([A-Z_][A-Z0-9_]*\)=\(.*\)$/\1 \2/p' "$file" | while read -r name value; do
            case $value in
                \"*\") value=${value#\"} value=${value%\"} ;;
                \'*\') value=${value#\'} value=${value%\'} ;;
            esac
            echo "[ -n \"\${$name+set}\" ] || export $name='$(printf %s "$value" | sed "s/'/'\\\\''/g")'"
        done
    done
}

if [ "${1:-}" = exports ]; then
    exports
    exit
fi

case ${SITE:-} in
    local) echo "$here/local.env" ;;
    public) ;;
    *) if [ -f "$here/bundle.env" ]; then echo "$here/bundle.env"; elif stand_ins_are_built && ! public_can_be_had; then echo "$here/local.env"; fi ;;
esac
if [ -f "$here/.env" ]; then echo "$here/.env"; fi
