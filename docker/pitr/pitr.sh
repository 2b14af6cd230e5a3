#!/bin/bash
# pitr run                  backs up by schedule, expires, tries what is left, and measures, for ever
# pitr backup | drill       one of these once, now
# pitr restore SECOND       brings the stopped database to a second: 2026-11-29 09:30:00+09
# Point-in-time recovery by pgBackRest. Backups: full once in PITR_FULL_DAYS, else incremental, each
# PITR_HOURS. Figures for Prometheus go to /textfiles, and a failure of any kind makes this container
# unhealthy until the same deed has succeeded.
set -euo pipefail
stanza=pmscoring
repository=/var/lib/pgbackrest
data=/var/lib/postgresql/data
drill=$repository/drill
textfile=/textfiles/pitr.prom
failed=/tmp/failed
export PGUSER=postgres PGDATABASE=postgres PGPASSFILE=/tmp/pgpass

say() { echo "pitr: $*"; }
# Without a host in its own settings it takes libpq's.
backrest() { PGHOST=postgres pgbackrest --stanza="$stanza" "$@"; }
query() { psql -h postgres -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

(umask 077 && printf '*:*:*:postgres:%s\n' "$(cat /run/secrets/postgres_password)" >"$PGPASSFILE")
mkdir -p "$failed"

# --- A server of our own on restored files: no network, no password, a socket in a private folder.
scratch=/tmp/server
server() { # FOLDER OPTION… starts it and waits until it answers
    local folder=$1 socket=$scratch
    shift
    rm -rf "$socket" && mkdir -p -m 0700 "$socket"
    echo 'local all all trust' >"$socket/pg_hba.conf"
    local options="-c config_file=$socket/postgresql.conf -c hba_file=$socket/pg_hba.conf"
    printf "listen_addresses = ''\nunix_socket_directories = '%s'\nmax_connections = 200\n" "$socket" >"$socket/postgresql.conf"
    printf "shared_buffers = 64MB\ntimezone = 'UTC'\nlog_min_error_statement = panic\n" >>"$socket/postgresql.conf"
    if ! pg_ctl -D "$folder" -l "$socket/log" -w -t "${PITR_RECOVERY_SECONDS:-86400}" -o "$options $*" start >/dev/null 9>&-; then
        grep -E 'FATAL|ERROR|PANIC' "$socket/log" | tail -5 >&2
        return 1
    fi
}
stop() { pg_ctl -D "$1" -m fast -w stop >/dev/null; }
asked() { psql -h "$scratch" -XAtq -v ON_ERROR_STOP=1 -d "${2:-pmscoring}" -c "$1"; }

has_tables='SELECT count(*) > 0 FROM django_migrations'

# Reads every row of the product's database, so that a page with a wrong checksum is found.
sound() { # FOLDER
    [ "$(asked "$has_tables")" = t ] &&
        pg_dump -h "$scratch" -d pmscoring -Fc -Z0 >/dev/null
}

# --- The deeds
backup() {
    local kind=incr
    backrest stanza-create
    if [ -z "$(find "$repository" -maxdepth 1 -name .full -mmin -$((${PITR_FULL_DAYS:-7} * 1440)))" ]; then
        kind=full
    fi
    # What expires does so at its end.
    backrest --type="$kind" backup
    [ "$kind" = incr ] || touch "$repository/.full"
    date +%s >"$repository/.backup"
    say "backed up ($kind)"
}

labels() { backrest info --output=json | grep -o '"label":"[^"]*"' | cut -d'"' -f4; }

# Expiry removes backups and the log before them: the oldest one that is left must still reach its end,
# and the newest one must reach the last segment that the server has archived.
drill() {
    local segment oldest
    segment=$(query 'SELECT last_archived_wal FROM pg_stat_archiver')
    oldest=$(labels | head -1)
    try "$oldest" immediate
    try latest default "${segment:0:24}"
    date +%s >"$repository/.drill"
    say "the backups $oldest and $(labels | tail -1) restore"
}

try() { # LABEL TYPE [SEGMENT]
    rm -rf "$drill" && mkdir -m 0700 "$drill"
    local words=(--pg1-path="$drill" --type="$2") status=0
    [ "$2" = default ] || words+=(--target-action=promote)
    [ "$1" = latest ] || words+=(--set="$1")
    backrest "${words[@]}" restore
    server "$drill" -c archive_mode=off || { rm -rf "$drill"; return 1; }
    if ! recovered "$drill" || ! sound "$drill" || ! reached "${3:-}"; then status=1; fi
    stop "$drill"
    rm -rf "$drill"
    return $status
}

# A server whose recovery fails ends, though it may have answered before.
until_asked() { # FOLDER QUERY RESULT
    while pg_ctl -D "$1" status >/dev/null; do
        [ "$(asked "$2" postgres 2>/dev/null)" != "$3" ] || return 0
        sleep 1
    done
    grep -E 'FATAL|PANIC' "$scratch/log" | tail -5 >&2
    return 1
}
recovered() { until_asked "$1" 'SELECT pg_is_in_recovery()' f; }
paused() { until_asked "$1" 'SELECT pg_get_wal_replay_pause_state()' paused; }

reached() { # SEGMENT; the first 8 of its 24 digits are the timeline
    [[ ${1:-} =~ ^[0-9A-F]{24}$ ]] || return 0
    local last
    last=$(asked 'SELECT substr(pg_walfile_name(pg_last_wal_replay_lsn()), 9)' postgres)
    [[ ! $last < ${1:8} ]] || { say "the log ends at $last, before ${1:8}" >&2; return 1; }
}

# Restored beside the database and looked at while it stands at that second; then the two folders are
# exchanged by one call. What goes wrong before leaves the database as it was. The server itself ends
# the recovery at its next start, so that the new timeline is archived.
restore() {
    local second=$1 old
    new=$data/pgdata.restored
    old=$data/pgdata.before-$(date -u +%Y%m%dT%H%M%SZ)
    if pg_isready -q -h postgres; then
        say "the database runs; stop it and everything that uses it first (make restore-to does)" >&2
        exit 3
    fi
    rm -rf "$new" && mkdir -m 0700 "$new"
    trap 'rm -rf "$new"' EXIT
    if ! backrest --pg1-path="$new" --type=time --target="$second" --target-action=promote \
        --recovery-option="restore_command=pgbackrest --stanza=$stanza archive-get %f \"%p\"" restore; then
        say "no backup leads to $second" >&2
        return 1
    fi
    local fetch="pgbackrest --stanza=$stanza --pg1-path=$new archive-get %f %p"
    if ! server "$new" -c archive_mode=off -c hot_standby=on -c recovery_target_action=pause -c "'restore_command=$fetch'" || ! paused "$new"; then
        say "the log does not reach $second: name a second between the first backup and the last change" >&2
        return 1
    fi
    sound "$new"
    say "the database stands at $(asked "SELECT pg_last_xact_replay_timestamp()"), the last change before $second"
    stop "$new"
    mv -T --exchange "$new" "$data/pgdata"
    mv -T "$new" "$old"
    trap - EXIT
    sync
    say "restored; what was there before is kept in ${old##*/}"
}

# --- The service
age() { [ -e "$repository/.$1" ] && echo $(($(date +%s) - $(cat "$repository/.$1"))) || echo 999999999; }
attempt() { # a deed; whatever fails in it is said, and ends in a file that the health check sees
    if bash "$0" "$1"; then rm -f "$failed/$1"; else touch "$failed/$1"; say "$1 failed" >&2; fi
}

# Not again within a quarter of an hour after a failure.
may_try() { [ -z "$(find "$failed" -name "$1" -mmin -15)" ]; }

measure() {
    local row
    row=$(query "SELECT (last_failed_time > coalesce(last_archived_time, '-infinity'))::int,
        coalesce(extract(epoch FROM last_archived_time), 0)::bigint,
        (SELECT sum(size) FROM pg_ls_waldir()) FROM pg_stat_archiver" 2>/dev/null) || return 0
    IFS='|' read -r failing archived bytes <<<"$row"
    {
        echo "pmscoring_wal_archiving_failing ${failing:-0}"
        echo "pmscoring_wal_archived_timestamp_seconds $archived"
        echo "pmscoring_wal_bytes $bytes"
        [ ! -e "$repository/.backup" ] || echo "pmscoring_pitr_backup_timestamp_seconds $(cat "$repository/.backup")"
        [ ! -e "$repository/.drill" ] || echo "pmscoring_pitr_drill_timestamp_seconds $(cat "$repository/.drill")"
        for deed in backup drill; do
            echo "pmscoring_pitr_failed{deed=\"$deed\"} $([ -e "$failed/$deed" ] && echo 1 || echo 0)"
        done
    } >"$textfile.partial"
    chmod 0644 "$textfile.partial" && mv "$textfile.partial" "$textfile"
}

# A backup of before the first migration has nothing of the product, so that no try of it could succeed,
# and it would be the oldest one for days.
migrated() { [ "$(PGDATABASE=pmscoring query "$has_tables" 2>/dev/null)" = t ]; }

pause() {
    sleep "${PITR_LOOK_SECONDS:-60}" &
    wait $!
}

run() {
    trap 'exit 0' TERM INT
    until migrated; do pause; done
    while :; do
        if [ "$(age backup)" -ge $((${PITR_HOURS:-24} * 3600)) ] && may_try backup; then
            attempt backup
        fi
        if [ "$(age drill)" -gt "$(age backup)" ] && [ "$(age backup)" -lt 999999999 ] && may_try drill; then
            attempt drill
        fi
        measure
        pause
    done
}

case ${1:-run} in
    run) run ;;
    backup | drill)
        # One deed at a time, the service's own and one that somebody asks for; the server of a drill
        # does not keep the lock (`9>&-`).
        exec 9>/tmp/lock && flock 9
        "$1"
        ;;
    restore) restore "${2:?the second, such as \"2026-11-29 09:30:00+09\"}" ;;
    healthy) [ -z "$(ls -A "$failed")" ] && [ -e "$textfile" ] ;;
    *) exec "$@" ;;
esac
