#!/bin/sh
# The password of the statistics page goes from its secret into a file that HAProxy alone reads; not
# into the environment, which others can see.
set -eu
umask 077
{
    echo "userlist statistics"
    echo "    user admin insecure-password $(cat /run/secrets/haproxy_password)"
} >/run/haproxy/users.cfg
exec haproxy -W -db -f /run/haproxy/users.cfg -f /etc/haproxy/haproxy.cfg
