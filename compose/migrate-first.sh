#!/bin/sh
# A provider service: Compose runs it before it replaces anything, and gives up where it fails. So the
# database of a running site moves to the new version while the old containers serve; where that cannot
# be, they stay. Compose calls `migrate-first.sh compose --project-name=NAME up --OPTION=VALUE… SERVICE`,
# and reads lines of JSON.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# say TYPE TEXT: info, or error, after which Compose gives up.
say() {
    text=$(printf '%s' "$2" | tr -d '\000-\010\013-\037' | sed 's/\\/\\\\/g; s/"/\\"/g; s/	/ /g' | awk '{ printf "%s%s", between, $0; between = "\\n" }')
    printf '{"type": "%s", "message": "%s"}\n' "$1" "$text"
}

fail() {
    say error "$1"
    exit 1
}

project='' image='' secrets='' database='' deed=''
for word; do
    case $word in
        --project-name=*) project=${word#*=} ;;
        --image=*) image=${word#*=} ;;
        --secrets=*) secrets=${word#*=} ;;
        --database=*) database=${word#*=} ;;
        up | down | metadata) deed=${deed:-$word} ;;
    esac
done
[ "$deed" = up ] || exit 0

# Compose does not say that it is only a rehearsal, and would have the database moved in one.
caller=$(ps -o args= -p "$PPID" 2>/dev/null || tr '\0' ' ' <"/proc/$PPID/cmdline" 2>/dev/null || true)
case " $caller " in *" --dry-run "* | *" --dry-run=true "*) exit 0 ;; esac

running() {
    docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1" \
        --filter "label=com.docker.compose.oneoff=False" --filter status=running
}

web=$(running web) || fail "The Docker Engine does not answer; nothing was replaced."
# A first start, or one after `down`: nobody is served, and the service migrate does it.
[ -n "$web" ] && [ -n "$(running postgres)" ] || exit 0

new=$(docker image inspect -f '{{.Id}}' "$image" 2>/dev/null) ||
    fail "$image is not on this engine; nothing was replaced. Get it first: docker compose pull, or make images."
# shellcheck disable=SC2086  # ids
old=$(docker inspect -f '{{.Image}}' $web | sort -u)
[ "$old" != "$new" ] || exit 0

case $secrets in /*) ;; *) secrets=$here/$secrets ;; esac
say info "the database moves to ${image##*:}, while the old containers serve"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
docker run --rm --network "${project}_database" --user 1000:1000 --read-only --cap-drop ALL \
    --security-opt no-new-privileges:true --memory 512m --pids-limit 50 --tmpfs /tmp:uid=1000,gid=1000,mode=0700 \
    --volume "$secrets/database_password:/run/secrets/database_password:ro" \
    --env "DATABASE_URL=$database" --env DATABASE_PASSWORD_FILE=/run/secrets/database_password \
    "$image" python manage.py migrate_first >"$output" 2>&1 || status=$?
words=$(grep -v '^[[:space:]]*$' "$output" | tail -n 12 | cut -c 1-500)
[ "$status" = 0 ] || fail "Nothing was replaced: the old containers serve as before.
$words
What to do is in docs/containers.md, under \"When it stops\"."
say info "the database is that of ${image##*:}"
