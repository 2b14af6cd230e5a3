#!/bin/sh
# Sizes PostgreSQL by the memory that its container may use, watches the room on its disk, and starts
# the image's own entrypoint.
# Of the memory: a quarter for shared buffers, three quarters as what the planner takes for cached,
# a sixteenth for maintenance (2 GB at most), and an 800th for each sort, but 4 MB at least. With
# 8 GB that is 2 GB, 6 GB, 512 MB and 10 MB.
set -eu

# `entrypoint.sh passwords`, while no server runs: what the secrets say becomes the roles' passwords. The
# server asks nobody for one in its single-user mode.
if [ "${1:-}" = passwords ]; then
    {
        echo "ALTER ROLE postgres PASSWORD '$(head -n 1 /run/secrets/postgres_password)'"
        echo "ALTER ROLE pmscoring PASSWORD '$(head -n 1 /run/secrets/database_password)'"
    } | postgres --single -D "$PGDATA" postgres >/dev/null
    exit
fi

limit() {
    for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
        [ -r "$file" ] && cat "$file" && return
    done
    echo max
}

total=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
allowed=$(limit)
case $allowed in
    *[!0-9]*) megabytes=$total ;;
    *) megabytes=$((allowed / 1048576)) ;;
esac
[ "$megabytes" -gt 0 ] && [ "$megabytes" -lt "$total" ] || megabytes=$total

at_least() { [ "$1" -gt "$2" ] && echo "$1" || echo "$2"; }
at_most() { [ "$1" -lt "$2" ] && echo "$1" || echo "$2"; }

cat >/run/postgresql/memory.conf <<END
# Of $megabytes MB.
shared_buffers = $(at_least $((megabytes / 4)) 32)MB
effective_cache_size = $(at_least $((megabytes * 3 / 4)) 64)MB
maintenance_work_mem = $(at_most "$(at_least $((megabytes / 16)) 16)" 2048)MB
work_mem = $(at_least $((megabytes / 800)) 4)MB
END
# A new cluster is made only where `prepare` has found that there shall be one.
if [ ! -s "$PGDATA/PG_VERSION" ] && [ ! -e "${PGDATA%/*}/.installation" ]; then
    echo "entrypoint: no database and no mark of an installation in ${PGDATA%/*}; what prepare says tells why" >&2
    exit 1
fi
# A server that cannot write its log ends with PANIC, and again at each start. So before the disk is full
# sessions may read and write nothing: of a reserve of a tenth of the disk, half a gigabyte at most, the
# server's own work lives on. With room again they write, by themselves. For a start on a full disk a
# little room is kept in a file, which that start gives up.
folder=${PGDATA%/*}
kept=$folder/.room
room_conf=/run/postgresql/room.conf

# Megabytes of the disk: `room size` in all, `room free` of them.
room() {
    df -Pm "$folder" | awk -v what="$1" 'NR == 2 { print what == "size" ? $2 : $4 }'
}
reserve=$(at_most $(($(room size) / 10)) 512)

write_room_conf() {
    echo "default_transaction_read_only = $1" >"$room_conf"
}

# The server's process is this shell's, once it runs; before, it must not be sent a signal.
reload() {
    [ "$(head -n 1 "$PGDATA/postmaster.pid" 2>/dev/null)" = "$1" ] && kill -HUP "$1"
}

keep_room() {
    [ -e "$kept" ] || head -c $((reserve * 1048576 / 8)) /dev/zero >"$kept" 2>/dev/null || rm -f "$kept"
}

# watch_room PID on|off: the server's process, and whether its disk is full.
watch_room() {
    full=$2 pending=''
    while sleep 1; do
        free=$(room free)
        if [ "$full" = off ] && [ "$free" -lt "$reserve" ]; then
            full=on pending=yes
            echo "room: $free MB are left on the database's disk, less than $reserve: sessions write nothing more" >&2
        elif [ "$full" = on ] && [ "$free" -gt $((reserve * 5 / 4)) ]; then
            full=off pending=yes
            echo "room: $free MB are free on the database's disk: sessions write again" >&2
        fi
        if [ -n "$pending" ]; then
            write_room_conf "$full"
            reload "$1" && pending=''
        fi
        [ "$full" = on ] || [ ! -s "$PGDATA/PG_VERSION" ] || keep_room
    done
}

full=off
if [ "$(room free)" -lt "$reserve" ]; then
    full=on
    echo "room: $(room free) MB are left on the database's disk, less than $reserve: sessions may read, and write nothing" >&2
    rm -f "$kept"
fi
write_room_conf "$full"
watch_room $$ "$full" &

exec docker-entrypoint.sh postgres -c config_file=/etc/postgresql/postgresql.conf
