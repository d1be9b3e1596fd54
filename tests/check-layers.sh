#!/usr/bin/env bash
# Imports point one way: proto <- actors/runtime <- broker, actors/*. No actor includes another's header; libraries stay where they belong.
#   check-layers.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
bad=0
complain() { echo "layers: $*" >&2; bad=1; }

sources() { git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

# The folders whose headers a file in this folder may include.
allowed() {
    case $1 in
    proto) echo proto ;;
    actors/runtime) echo actors/runtime proto ;;
    broker) echo broker actors/runtime proto ;;
    actors/*) local actor=${1#actors/}; echo "$1" "actors/${actor%%/*}" actors/runtime proto ;;
    *) echo "$1" ;;
    esac
}

# May this file include that angle-bracket header?
library_allowed() {
    case $2 in
    libwebsockets.h) [[ $1 =~ ^actors/(edge/server|cli/ws_client)\.[ch]$ ]] ;;
    zmq.h | czmq.h) [[ $1 =~ ^actors/runtime/ || $1 =~ ^(broker/hub\.c|actors/cli/up_thread\.c)$ || $1 =~ (^|/)(main\.c|[a-z]+_actor\.[ch])$ ]] ;;
    jwt.h) [[ $1 = actors/cli/token_jwt.c ]] ;;
    curl/*) [[ $1 = actors/runtime/http_client.c || $1 = actors/runtime/otlp.c ]] ;;
    openssl/ssl.h) [[ $1 =~ ^actors/(edge/http/tls(_conn)?|cli/net_tls)\.c$ ]] ;;
    ev.h) [[ $1 =~ ^actors/edge/ ]] ;;
    sqlite3.h) [[ $1 =~ ^actors/(runtime/sqlite_schema|room/room_(sql|store)[a-z_]*|jobs/store_sqlite[a-z_]*)\.[ch]$ ]] ;;
    sndfile.h) [[ $1 = actors/jobs/sound_file.c ]] ;;
    mpg123.h) [[ $1 = actors/jobs/mpeg_file.c ]] ;;
    libpq-fe.h) [[ $1 =~ ^actors/jobs/store_postgres[a-z_]*\.[ch]$ ]] ;;
    editline/* | histedit.h) [[ $1 =~ ^actors/cli/[a-z_]+\.c$ ]] ;;
    sys/socket.h | netdb.h | poll.h | pthread.h | signal.h | time.h | sys/time.h) [[ ! $1 =~ ^proto/ ]] ;;
    esac
}

while read -r file; do
    folder=$(dirname "$file")
    while read -r header; do
        found=
        for place in $(allowed "$folder"); do
            [ ! -f "$place/$header" ] || { found=1; break; }
        done
        # The composition root puts the house together.
        [[ $file = actors/cli/up_thread.c && $header =~ ^(analysis|broker|edge|jobs|room|transcriber)_actor\.h$ ]] && found=1
        [ -n "$found" ] || complain "$file must not include \"$header\": only $(allowed "$folder" | tr ' ' '\n' | sort -u | xargs) are below it"
    done < <(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file")
    while read -r header; do
        library_allowed "$file" "$header" || complain "$file must not include <$header>"
    done < <(sed -n 's/^ *# *include *<\([^>]*\)>.*/\1/p' "$file")
    # Unbounded, or known to be unsafe.
    if hits=$(grep -nE '(^|[^a-z_])(strcpy|strcat|sprintf|vsprintf|gets|atoi|lws_spa_[a-z]+)\(' "$file"); then complain "$file: $hits"; fi
    lines=$(wc -l <"$file")
    [ "$lines" -le 500 ] || complain "$file has $lines lines; past 500 another noun is wanted"
done < <(sources 'proto/*.[ch]' 'broker/*.[ch]' 'actors/*.[ch]')

hits=$(sources 'actors/*.[ch]' | xargs grep -lE '^ *# *include *<(editline/|histedit\.h)' || true)
[ "$(wc -w <<<"$hits")" -le 1 ] || complain "one file edits lines, not several:" $hits

if hits=$(sources 'tests/*' | grep -vE '\.(json|sh|md)$' | xargs -r grep -HnE '(^|[^a-z_])(u?sleep|nanosleep|time\.sleep|setTimeout)\('); then
    complain "tests wait by polling a condition with a deadline, not by sleeping: $hits"
fi
for entry in $(git ls-files | cut -d/ -f1 | sort -u); do
    case $entry in
    CMakeLists.txt | Makefile.dev | docker-compose.yml | Dockerfile | README.md | CHANGELOG.md | SECURITY.md | LICENSE | .* | proto | broker | actors | deploy | tests) ;;
    *) complain "$entry does not belong into the top folder" ;;
    esac
done
[ "$bad" -eq 0 ] && echo 'layers: every include points down'
exit "$bad"
