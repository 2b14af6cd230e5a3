#!/bin/sh
# entrypoint.sh broker|cache [users]: one user with a password, of which only the hash is written
# down, and as much memory as the container has, less what Redis needs beside its data (the broker's
# rewriting of its file forks, and may copy as much as is written meanwhile).
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

# The secret's file has a second line while it is rotated, which is as good as the first.
hashes() {
    tr -s '\r\n' '\n\n' <"/run/secrets/${name}_password" | while read -r password || [ -n "$password" ]; do
        [ -z "$password" ] || printf '#%s ' "$(printf %s "$password" | sha256sum | cut -d' ' -f1)"
    done
}

# `users`: the running server takes the lines that the file now has, and no other password. Nobody is
# disconnected. The account that may do so has a password that is only in this container's memory.
if [ "${2:-}" = users ]; then
    printf 'AUTH rotation %s\nACL SETUSER pmscoring resetpass %s\n' "$(cat /run/redis/rotation)" "$(hashes)" |
        redis-cli | grep -cx OK | grep -qx 2
    exit
fi

(umask 077 && head -c 24 /dev/urandom | sha256sum | cut -d' ' -f1 >/run/redis/rotation)
rotation=$(tr -d '\n' </run/redis/rotation | sha256sum | cut -d' ' -f1)
cat >/run/redis/users.acl <<END
user default off
user pmscoring on $(hashes) ~* &* +@all -@admin -@dangerous $also
user rotation on #$rotation resetkeys resetchannels -@all +acl|setuser
END
exec redis-server "/etc/redis/$name.conf" --aclfile /run/redis/users.acl --maxmemory "$((allowed * share / 100))"
