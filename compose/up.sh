#!/bin/sh
# `make up`: up.sh COMPOSE…, with the words of a call of Compose for this site. On a site that runs it
# starts what is missing, replaces nothing, and says what the files want to be otherwise. The versions
# come as LIVE and WANTED, and as VERSION that of the call.
set -eu

# Only since then does Compose run a provider service, which migrates before anything is replaced.
NEEDED=2.36

check() {
    has=$(docker compose version --short 2>/dev/null | sed 's/^v//') || has=''
    [ -n "$has" ] || { echo "make: docker compose is not installed; $NEEDED or later is needed" >&2; exit 1; }
    lower=$(printf '%s\n%s\n' "$has" "$NEEDED" | sort -t . -k 1,1n -k 2,2n | head -n 1)
    [ "$lower" = "$NEEDED" ] || [ "${has%.*}" = "$NEEDED" ] || {
        echo "make: Docker Compose $has is too old: $NEEDED or later is needed (docs/containers.md, Upgrading)" >&2
        exit 1
    }
}

count() {
    docker ps -aq --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-pmscoring}" \
        --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False | wc -l
}

# As many as there are now, for somebody, or a policy, has scaled up or down; as many as the files say
# where there are none, and where the number was asked for on this very call.
scales() {
    "$@" config 2>/dev/null | awk '/^  [a-z-]+:$/ { name = $1 } /^networks:/ { exit } /^      replicas:/ { print name, $2 }' |
        while read -r name replicas; do
            name=${name%:} now=$(count "${name%:}")
            if [ "$now" -gt 0 ] && ! asked "$name"; then
                echo "--scale $name=$now"
                [ "$now" -eq "$replicas" ] || echo "$name stays at $now; the files say $replicas" >&2
            fi
        done
}

asked() {
    case $1 in
        web) [ -n "${API_REPLICAS:-}" ] ;;
        worker) [ -n "${WORKER_REPLICAS:-}" ] ;;
        inference) [ -n "${INFERENCE_REPLICAS:-}" ] ;;
        *) false ;;
    esac
}

# An engine that has died may take what it ran for stopped by hand, and then starts none of it. What was
# in the middle of a deployment starts as it was, too: the operations worker ends that.
resume() {
    set -- --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-pmscoring}" \
        --filter label=com.docker.compose.oneoff=False
    [ -z "$(docker ps -q "$@")" ] || return 0
    names=$(docker ps -aq "$@" --filter status=exited |
        xargs -r docker inspect -f '{{if eq .HostConfig.RestartPolicy.Name "unless-stopped"}}{{.Name}}{{end}}' | tr -d / | xargs)
    [ -n "$names" ] || return 0
    # shellcheck disable=SC2086  # names
    docker start $names >/dev/null
    echo "All had stopped, and were started as they were: $names"
}

# The services whose containers were made of other settings than the files have now.
otherwise() {
    "$@" config --hash '*' 2>/dev/null | while read -r name hash; do
        hashes=$(docker ps -q --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-pmscoring}" \
            --filter "label=com.docker.compose.service=$name" --filter label=com.docker.compose.oneoff=False |
            xargs -r docker inspect -f '{{index .Config.Labels "com.docker.compose.config-hash"}}' | sort -u)
        [ -z "$hashes" ] || [ "$hashes" = "$hash" ] || printf '%s ' "$name"
    done
}

# Where a service does not start, Compose says no more of it than an exit status.
start() {
    "$@" || {
        status=$?
        echo "make up: the last lines of what has failed or is not healthy yet:" >&2
        docker ps -a --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-pmscoring}" \
            --filter "label=com.docker.compose.oneoff=False" --format '{{.Names}} {{.Status}}' |
            grep -vE '\(healthy\)|Exited \(0\)' | while read -r name says; do
                echo "--- $name: $says" >&2
                docker logs --tail 15 "$name" 2>&1 | grep -vE 'First start|password:' >&2 || true
            done
        exit $status
    }
}

# Each port that a service without a container wants to publish, and that somebody listens at: `service
# address:port`. Compose would find that out last, with the rest running. By /proc, for not every host
# has a tool that lists listeners; where there is no /proc nothing is said.
taken_ports() {
    "$@" config 2>/dev/null | awk '
        /^  [a-z-]+:$/ { name = $1; sub(":", "", name) }
        /^networks:/ { exit }
        /^        host_ip:/ { ip = $2 }
        /^        published:/ { gsub("\"", "", $2); print name, ip, $2 }' |
        while read -r name ip port; do
            [ "$(count "$name")" -gt 0 ] || echo "$name $ip $port"
        done | sort -u | while read -r name ip port; do
            # An address is there as the hexadecimal digits of its bytes, the last one first.
            awk -v ip="$ip" -v port="$(printf %04X "$port")" '
                BEGIN { split(ip, byte, "."); ours = sprintf("%02X%02X%02X%02X", byte[4], byte[3], byte[2], byte[1]) }
                $4 == "0A" && split($2, at, ":") && at[2] == port {
                    if (ours == "00000000" || at[1] ~ /^0+$/ || substr(at[1], length(at[1]) - 7) == ours) found = 1
                }
                END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null && echo "$name $ip:$port"
        done || true
}

refuse_taken_ports() {
    taken=$(taken_ports "$@")
    [ -z "$taken" ] && return
    echo "$taken" | while read -r name place; do
        echo "make up: $place, which $name is to publish, is taken: another program listens there." >&2
    done
    echo "Nothing was started. End that program (ss -ltnp names it, and docker ps a container), or choose other ports in" \
        "compose/.env: HTTP_PORT, HTTPS_PORT, HAPROXY_PORT, HAPROXY_STATS_PORT, PROMETHEUS_PORT, GRAFANA_PORT." >&2
    exit 1
}

first_start() {
    refuse_taken_ports "$@"
    start "$@" up -d --no-build --remove-orphans --wait --wait-timeout 300
    # The first user's password is shown once, and goes with the log of the container that made it.
    if "$@" logs --no-log-prefix migrate | grep -A2 'First start'; then "$@" rm -f migrate >/dev/null 2>&1; fi
}

again() {
    refuse_taken_ports "$@"
    scales=$(scales "$@")
    # shellcheck disable=SC2046,SC2086  # words and names
    [ -z "${RECREATE:-}" ] || start "$@" up -d --no-build --no-deps --wait --wait-timeout 300 \
        $(for name in $RECREATE; do echo "$scales" | grep "^--scale $name=" || true; done) $RECREATE
    # shellcheck disable=SC2086  # words
    start "$@" up -d --no-build --no-recreate --wait --wait-timeout 300 $scales
    # In development the code is the checkout's, whatever its image is called.
    case " ${OVERLAYS:-} " in *" dev "*) return ;; esac
    if [ "$WANTED" != "$LIVE" ]; then
        echo "$LIVE is live, and ${SAYS:-this checkout} is $WANTED. What runs was left as it is."
        echo "make upgrade rolls $WANTED out without a failed request; make upgrade DRY=1 only shows how."
        return
    fi
    others=$(otherwise "$@")
    if [ -n "$others" ]; then
        echo "These run with other settings than the files and compose/.env have now, and were left so: $others"
        echo "make upgrade VERSION=$LIVE rolls web, worker, beat, inference and ops over without a failed request. The"
        echo "others stop for a moment: make up RECREATE=\"haproxy\", for example."
    fi
}

if [ "${1:-}" = check ]; then
    check
    exit
fi
resume
case $LIVE in
    '') first_start "$@" ;;
    *[[:space:]]*)
        echo "Several versions run side by side: $(echo "$LIVE" | tr '\n' ' ')" >&2
        echo 'A deployment is under way, or has broken off: make manage ARGS="deployments" tells which.' >&2
        exit 1
        ;;
    *) again "$@" ;;
esac
