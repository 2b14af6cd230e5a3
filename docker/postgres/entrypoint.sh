#!/bin/sh
# Sizes PostgreSQL by the memory that its container may use, then starts the image's own entrypoint.
# Of the memory: a quarter for shared buffers, three quarters as what the planner takes for cached,
# a sixteenth for maintenance (2 GB at most), and an 800th for each sort, but 4 MB at least. With
# 8 GB that is 2 GB, 6 GB, 512 MB and 10 MB.
set -eu

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
exec docker-entrypoint.sh postgres -c config_file=/etc/postgresql/postgresql.conf
