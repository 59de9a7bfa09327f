#!/bin/sh
# Start Alertmanager with the alertmanager.yml beside this script:
#
#   alertmanager.sh <alertmanager> <file for the effective configuration> [<option>...]
#
# If ALERT_RECEIVERS_DIR names a folder, its receivers.yml sets the receivers. Relative paths in it, such as
# api_url_file: slack-url, are files in that folder.
set -eu

program=$1 effective=$2
shift 2
shared=$(cd "$(dirname "$0")" && pwd)/alertmanager.yml

if [ -z "${ALERT_RECEIVERS_DIR:-}" ]; then
    exec "$program" "--config.file=$shared" "$@"
fi

if ! [ -r "$ALERT_RECEIVERS_DIR/receivers.yml" ]; then
    echo "ALERT_RECEIVERS_DIR: expected a folder with a readable receivers.yml, got $ALERT_RECEIVERS_DIR" >&2
    exit 1
fi
umask 077
{ sed '/^receivers:/,$d' "$shared" && cat "$ALERT_RECEIVERS_DIR/receivers.yml"; } > "$effective"
cd "$ALERT_RECEIVERS_DIR"
exec "$program" "--config.file=$effective" "$@"
