#!/bin/sh
# prepare.sh FOLDER… hands over what lies in /volumes, made by root, to the user who works there.
# FOLDERs are those whose own image has a folder of another owner in their place: as long as such a
# volume is empty, each new container would give it that owner, so a file .prepared is put into it.
# (`nocopy` has the same effect, but the engine refuses it for a bound folder.)
set -eu
for folder; do
    if content=$(ls -A "$folder") && [ -z "$content" ]; then
        # Root has no more than the capability to give away: it writes where it is the owner.
        chown 0:0 "$folder"
        touch "$folder/.prepared"
    fi
done
chown 1000:1000 /volumes/*
