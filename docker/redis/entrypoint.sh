#!/bin/sh
# entrypoint.sh broker|cache: one user with a password, of which only the hash is written down, and as
# much memory as the container has, less what Redis needs beside its data (the broker's rewriting of
# its file forks, and may copy as much as is written meanwhile).
set -eu

name=$1
case $name in
    # SYNC hands its data out, for a backup; and nothing else of what is called administrative.
    broker) share=60 also="+info +sync" ;;
    cache) share=75 also="+info +flushdb" ;;
esac

limit() {
    for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
        [ -r "$file" ] && cat "$file" && return
    done
    echo max
}

allowed=$(limit)
total=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024))
case $allowed in
    *[!0-9]*) allowed=$total ;;
esac
[ "$allowed" -lt "$total" ] || allowed=$total

hash=$(tr -d '\n' <"/run/secrets/${name}_password" | sha256sum | cut -d' ' -f1)
cat >/run/redis/users.acl <<END
user default off
user pmscoring on #$hash ~* &* +@all -@admin -@dangerous $also
END
exec redis-server "/etc/redis/$name.conf" --aclfile /run/redis/users.acl --maxmemory "$((allowed * share / 100))"
