#!/bin/sh
# Prints a version of our images, which is their tag:
#   version.sh live     of the web containers that run, or else of those that have stopped; nothing where
#                       there is none, a line each where they differ
#   version.sh wanted   what VERSION says; or else of this checkout, from which images are built
#   version.sh          the one that is live, or else the one that is wanted
# COMPOSE_PROJECT_NAME, REGISTRY_URL and VERSION come from the environment.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# What goes into an image.
built="manage.py pmscoring scoring opsconsole locale docker compose requirements"

default() { sed -n 's/.*pm-scoring-app:${VERSION:-\([^}]*\)}.*/\1/p' "$here/compose.yaml" | head -n 1; }

git_here() { git -c "safe.directory=$(dirname "$here")" -C "$here/.." "$@"; }

# A commit has a version of its own, and so have changes that are in no commit.
of_checkout() {
    commit=$(git_here rev-parse --short=10 HEAD 2>/dev/null) || { default; return; }
    # shellcheck disable=SC2086  # words
    changes=$({
        git_here diff --binary HEAD -- $built
        git_here ls-files --others --exclude-standard -- $built | (cd "$here/.." && while read -r file; do sha256sum "$file"; done)
    } | sha256sum | cut -c 1-8)
    nothing=$(sha256sum </dev/null | cut -c 1-8)
    [ "$changes" = "$nothing" ] && changes='' || changes=.$changes
    echo "$(default)-g$commit$changes"
}

# Images that are pulled have the version that somebody gave them.
wanted() {
    if [ -n "${VERSION:-}" ]; then
        echo "$VERSION"
    elif [ "${REGISTRY_URL:-pmscoring.local}" != pmscoring.local ]; then
        default
    else
        of_checkout
    fi
}

web() {
    docker ps -aq --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-pmscoring}" \
        --filter label=com.docker.compose.service=web --filter label=com.docker.compose.oneoff=False \
        --filter "status=$1" 2>/dev/null
}

live() {
    ids=$(web running) || return 0
    # Those of a site whose engine has died are to come back as they were.
    [ -n "$ids" ] || ids=$(web exited) || return 0
    # Not what `docker ps` names: that is an id where the tag has gone to another image.
    # shellcheck disable=SC2086  # ids
    [ -z "$ids" ] || docker inspect -f '{{.Config.Image}}' $ids | sed 's/.*://; s/-development$//' | sort -u
}

case ${1:-} in
    live) live ;;
    wanted) wanted ;;
    *)
        version=$(live | head -n 1)
        [ -n "$version" ] && echo "$version" || wanted
        ;;
esac
