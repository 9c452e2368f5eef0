#!/usr/bin/env bash
# How long a large document takes in and out over HTTP, beside `cp` and `sync` of the same file, and
# the memory that it takes. Every content is compared.
#
#   tests/bench/documents_http.sh TUTTI [MEGABYTES]     1024 by default; needs curl, jq and room for 4 of it
set -euo pipefail
tutti=$(readlink -f "${1:?usage: tests/bench/documents_http.sh TUTTI [MEGABYTES]}")
megabytes=${2:-1024}
folder=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" || true
  [ -z "$server" ] || wait "$server" || true
  rm -rf "$folder"
}
trap finish EXIT

head -c "${megabytes}M" /dev/urandom > "$folder/large"
sum=$(sha256sum "$folder/large" | cut -d' ' -f1)
TUTTI_DATA="$folder/data" "$tutti" serve --port 0 --port-file "$folder/port" 2> "$folder/log" &
server=$!
until [ -s "$folder/port" ]; do sleep 0.05; done
url=http://localhost:$(cat "$folder/port")/documents
sync

for round in 1 2 3; do
  began=$(date +%s.%N)
  cp "$folder/large" "$folder/copy" && sync "$folder/copy"
  copied=$(echo "$(date +%s.%N) - $began" | bc)
  rm "$folder/copy"
  id=$(curl -sf -H 'Content-Type: application/json' -d '{"filename":"large.bin"}' "$url" | jq -r .id)
  put=$(curl -sf -o "$folder/answer" -w '%{time_total}' -T "$folder/large" "$url/$id/content")
  [ "$(jq -r .checksum "$folder/answer")" = "$sum" ] || { echo "the upload is not what was sent"; exit 1; }
  got=$(curl -sf -o "$folder/copy" -w '%{time_total}' "$url/$id")
  cmp "$folder/large" "$folder/copy"
  rm "$folder/copy"
  curl -sf -o /dev/null -X DELETE "$url/$id"
  echo "round $round: cp+sync $copied s, PUT $put s, GET $got s"
done
grep -E 'VmHWM|RssAnon' "/proc/$server/status"
