#!/bin/sh
# What compose/ relies on of the upstream image's entrypoint: at the first start a new cluster with
# POSTGRES_USER's password from POSTGRES_PASSWORD_FILE, and the scripts of docker-entrypoint-initdb.d.
set -eu

if [ "${1:-}" != postgres ] || [ -s "$PGDATA/PG_VERSION" ]; then
    exec "$@"
fi

user=${POSTGRES_USER:-postgres}
if [ ! -s "${POSTGRES_PASSWORD_FILE:-}" ]; then
    echo "POSTGRES_PASSWORD_FILE must name a file with the password of $user" >&2
    exit 1
fi
mkdir -p -m 0700 "$PGDATA"
# shellcheck disable=SC2086  # several options
initdb --username="$user" --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-}

PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
export PGPASSWORD
options=""
for word in "$@"; do
    [ "$word" = postgres ] || options="$options $word"
done
pg_ctl -w start -o "$options -c listen_addresses=''"
for script in /docker-entrypoint-initdb.d/*; do
    case $script in
        *.sql) psql -v ON_ERROR_STOP=1 --no-password -U "$user" -d postgres -f "$script" ;;
        *.sh) sh "$script" ;;
    esac
done
pg_ctl -w -m fast stop
unset PGPASSWORD
exec "$@"
