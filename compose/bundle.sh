#!/bin/bash
# bundle.sh FOLDER: everything that a host without registry and without this checkout needs, in one
# archive FOLDER/pm-scoring-VERSION.tar: images, Compose and configuration files, checksums, `load`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)

# The site's images: what its env files and the environment say, or else the defaults.
env_files=()
for file in $("$here/site.sh"); do env_files+=(--env-file "$file"); done
eval "$("$here/site.sh" exports)"
name=pm-scoring-${VERSION:-0.1.0}
place=$(mktemp -d "$out/.bundle.XXXXXX")
trap 'rm -rf "$place"' EXIT
tree=$place/$name

files() {
    mkdir -p "$tree/compose" "$tree/docker" "$tree/docs"
    cp "$here"/*.yaml "$here/env.example" "$here/stack.mk" "$tree/compose/"
    cp -p "$here"/{site,version,up,upgrade,swarm-deploy,migrate-first}.sh "$tree/compose/"
    # These need the checkout.
    rm "$tree/compose/dev.yaml" "$tree/compose/test.yaml"
    for folder in $(cat "$tree"/compose/*.yaml | sed -n 's|.*\.\./docker/\([a-z]*\)/.*|\1|p' | sort -u); do
        cp -r "$here/../docker/$folder" "$tree/docker/"
    done
    rm -rf "$tree/docker/prometheus/tests"
    cp "$here"/../docs/{containers,monitoring,configuration}.md "$tree/docs/"
    cp "$here/bundle.mk" "$tree/Makefile"
    install -m 0755 "$here/load.sh" "$tree/load"
}

# Which images this bundle is of, whatever the defaults of the files are.
chosen() {
    echo "REGISTRY_URL=${REGISTRY_URL:-pmscoring.local}"
    echo "VERSION=${VERSION:-0.1.0}"
    cat "$here"/*.yaml | sed -n 's/.*image: \${\([A-Z_]*_IMAGE\):-\([^}]*\)}.*/\1 \2/p' | sort -u |
        while read -r variable default; do echo "$variable=${!variable:-$default}"; done
}

images_of() {
    # What a provider service does has no image, and yet a line here.
    docker compose "${env_files[@]}" -f "$here/compose.yaml" "$@" --profile '*' config --images |
        grep -v -- '-migrate-first$' | sort -u
}

present() { docker image inspect "$1" >/dev/null 2>&1; }

files
chosen >"$tree/compose/bundle.env"
images_of >"$place/needed"
{ images_of -f "$here/monitoring.yaml" && images_of -f "$here/pitr.yaml"; } | sort -u >"$place/all"
while read -r image; do
    if present "$image" || docker pull -q "$image" >/dev/null 2>&1; then
        echo "$image" >>"$tree/images.txt"
    elif grep -qxF "$image" "$place/needed"; then
        echo "bundle: $image is not here and cannot be pulled" >&2
        exit 1
    else
        echo "bundle: without $image, which is not here and cannot be pulled"
        echo "$image" >>"$tree/missing.txt"
    fi
done <"$place/all"
docker version --format '{{.Server.Os}}/{{.Server.Arch}}' >"$tree/platform.txt"

echo "bundle: saving $(wc -l <"$tree/images.txt") images"
mapfile -t images <"$tree/images.txt"
docker save "${images[@]}" | gzip -1 >"$tree/images.tar.gz"
(cd "$tree" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
tar -C "$place" --owner=0 --group=0 --numeric-owner -cf "$out/$name.tar.partial" "$name"
mv "$out/$name.tar.partial" "$out/$name.tar"
(cd "$out" && sha256sum "$name.tar" >"$name.tar.sha256")
echo "bundle: $out/$name.tar, $(du -m "$out/$name.tar" | cut -f1) MB, and its checksum beside it"
