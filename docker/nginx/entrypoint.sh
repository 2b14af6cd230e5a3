#!/bin/sh
# nginx reads no variables of its environment: what depends on them are files. Where callers without
# TLS are sent, and how large a body may be.
set -eu
if [ "${ENGINE:-}" = swarm ] && [ "$PUBLIC_ADDRESS" != 0.0.0.0 ]; then
    echo "nginx: Swarm opens ports at every address of a node, and not at $PUBLIC_ADDRESS alone: PUBLIC_ADDRESS=0.0.0.0 says so" >&2
    exit 1
fi
[ "$HTTPS_PORT" = 443 ] && port= || port=:$HTTPS_PORT
echo "set \$https_port '$port';" >/run/nginx/https_port.conf
echo "client_max_body_size $((MAX_UPLOAD_BYTES + 10485760));" >/run/nginx/largest_body.conf
exec nginx -e stderr -g "daemon off;"
