#!/bin/sh
# prepare.sh hands over what lies in /volumes, made by root, to the user who works there, and stops the
# start where data that were there are there no more. Each volume has a mark, the file .installation,
# and the folder of records, which lies elsewhere, a copy of it. Without its mark a volume is empty or
# another's: a disk that is not mounted, a folder that was moved. With a mark but no record it belongs
# to other secrets than these.
# A mark has another use: as long as a volume is empty, each new container whose image has a folder in
# its place would give it that folder's owner. (`nocopy` too, but the engine refuses it for a bound folder.)
set -eu
records=${RECORDS:-/records}

# Root has no more than the capability to give away: it reads and writes where it is the owner.
[ -d "$records" ] || { chown 0:0 "${records%/*}" && mkdir "$records"; }
umask 0222
owner=$(stat -c %u:%g "$records")
[ -w "$records" ] || chown 0:0 "$records"

stopped=''
stop() {
    stopped=yes
    echo "prepare: the volume $name $1" >&2
}

for folder in /volumes/*; do
    name=${folder##*/}
    [ -r "$folder" ] && [ -x "$folder" ] || chown 0:0 "$folder"
    mark=$(cat "$folder/.installation" 2>/dev/null) || mark=''
    record=$(cat "$records/$name" 2>/dev/null) || record=''
    if [ -z "$mark$record" ]; then
        mark=$(cat /proc/sys/kernel/random/uuid)
        chown 0:0 "$folder"
        echo "$mark" >"$folder/.installation"
        echo "$mark" >"$records/$name"
        chown "$owner" "$records/$name"
    elif [ -z "$mark" ]; then
        stop "has lost its mark: it is empty, or a folder of something else. Nothing was started."
        echo "prepare: mount the disk that it lies on, or correct DATA_DIR. If its data are lost and it is to begin" \
            "anew, remove the file volumes/$name from the folder of secrets and start again." >&2
    elif [ -z "$record" ]; then
        stop "belongs to an installation with another folder of secrets. Nothing was started."
        echo "prepare: correct SECRETS_DIR, or put the lost secrets back. If these are the secrets that it was" \
            "made with, write $mark into the file volumes/$name of that folder and start again." >&2
    elif [ "$mark" != "$record" ]; then
        stop "is another installation's. Nothing was started."
        echo "prepare: correct DATA_DIR or SECRETS_DIR, or write $mark into the file volumes/$name of the folder" \
            "of secrets if that is what should run here." >&2
    fi
    chown 1000:1000 "$folder"
done
chown "$owner" "$records"
[ -z "$stopped" ]
