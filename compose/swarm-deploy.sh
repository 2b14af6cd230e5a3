#!/bin/sh
# `make swarm-deploy`: `docker stack deploy` would set the number of containers back to what the file
# says, and knows no .env. This hands both over. DRY=1 only says what would be done.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# What was asked for on this very call counts more than what runs, and that more than the files.
asked=" ${API_REPLICAS:+API_REPLICAS }${WORKER_REPLICAS:+WORKER_REPLICAS }${INFERENCE_REPLICAS:+INFERENCE_REPLICAS }${HAPROXY_REPLICAS:+HAPROXY_REPLICAS }${OPS_REPLICAS:+OPS_REPLICAS }"
eval "$("$here/site.sh" exports)"
name=${COMPOSE_PROJECT_NAME:-pmscoring}
export COMPOSE_PROJECT_NAME="$name"

[ "$(docker info --format '{{.Swarm.ControlAvailable}}' 2>/dev/null)" = true ] || {
    echo "make swarm-deploy: this engine is no manager of a Swarm" >&2
    exit 1
}

case ${PUBLIC_ADDRESS:-} in
    '') echo "nothing is open to other machines: PUBLIC_ADDRESS is not set" ;;
    0.0.0.0) ;;
    *)
        echo "make swarm-deploy: Swarm opens ports at every address of a node; PUBLIC_ADDRESS must be 0.0.0.0 or empty," \
            "and not $PUBLIC_ADDRESS" >&2
        exit 1
        ;;
esac

# keep VARIABLE SERVICE: the number that there is.
keep() {
    case $asked in *" $1 "*) return ;; esac
    now=$(docker service inspect -f '{{with .Spec.Mode.Replicated}}{{.Replicas}}{{end}}' "${name}_$2" 2>/dev/null) || return 0
    [ -z "$now" ] || { export "$1=$now"; echo "$2 stays at $now"; }
}

keep API_REPLICAS web
keep WORKER_REPLICAS worker
keep INFERENCE_REPLICAS inference
keep HAPROXY_REPLICAS haproxy
keep OPS_REPLICAS ops
if [ -z "${VERSION:-}" ]; then
    image=$(docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' "${name}_web" 2>/dev/null | sed 's/@.*//') || image=''
    VERSION=${image##*:}
    [ -n "$VERSION" ] || VERSION=$("$here/version.sh" wanted)
    export VERSION
fi
echo "version $VERSION"
set -- docker stack deploy --with-registry-auth -c "$here/stack.yaml" "$name"
if [ -n "${DRY:-}" ]; then echo "$@"; else exec "$@"; fi
