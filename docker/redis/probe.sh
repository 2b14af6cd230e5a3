#!/bin/sh
# The health check: a ping by the product's own user. The password stays out of the arguments.
REDISCLI_AUTH=$(cat "/run/secrets/$1_password")
export REDISCLI_AUTH
[ "$(redis-cli --no-auth-warning --user pmscoring ping)" = PONG ]
