#!/bin/sh
# `make upgrade` and `make rollback`: upgrade.sh DEED COMPOSE…, with the words of a call of Compose for
# this site. The operations worker does it, and its progress is shown here. LIVE and WANTED are versions;
# DRY, MAINTENANCE, REASON, TO and YES come from make's command line.
set -eu
deed=$1
shift

stop() {
    echo "make $deed: $1" >&2
    exit 1
}

[ -n "$LIVE" ] || stop "nothing runs here: make up starts it"
[ -n "$("$@" ps -q ops 2>/dev/null)" ] ||
    stop "the operations worker does not run: make up COMPOSE_PROFILES=tls,ops starts it"

# Its variables are those of compose/.env at its own start. Where they have changed since, it alone is
# started anew, which no caller notices, and a deployment then carries them to the others.
if [ "$deed" = upgrade ] && [ -z "${DRY:-}" ]; then
    VERSION=$WANTED "$@" run --rm --no-deps -T init-secrets
    "$@" up -d --no-build --no-deps --wait --wait-timeout 300 ops
fi

# Which environment this installation is, as the console calls it.
script='from opsconsole.models import Environment; print(Environment.objects.here().code)'
here=$("$@" exec -T ops python manage.py shell -v 0 -c "$script" 2>/dev/null | tail -n 1) && [ -n "$here" ] ||
    stop "this installation has not entered itself yet: try again in half a minute"

set -- "$@" exec
[ -t 0 ] && [ -t 1 ] || set -- "$@" -T
set -- "$@" ops python manage.py

status=0
(
    case $deed in
        upgrade) set -- "$@" deploy "$here" --version "$WANTED" ;;
        rollback) set -- "$@" rollback "$here" ${TO:+--to "$TO"} ;;
        *) stop "no such deed" ;;
    esac
    [ -z "${DRY:-}" ] || set -- "$@" --dry-run
    [ -z "${MAINTENANCE:-}" ] || set -- "$@" --maintenance
    [ -z "${REASON:-}" ] || set -- "$@" --reason "$REASON"
    [ -z "${YES:-}" ] || set -- "$@" --yes
    exec "$@"
) || status=$?
# The operations worker is replaced last, and what runs in its old container is killed then: the new
# one tells how it came out.
while [ "$status" = 137 ]; do
    sleep 1
    status=0
    "$@" deploy "$here" --follow || status=$?
done
exit "$status"
