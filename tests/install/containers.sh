#!/usr/bin/env bash
# docker-compose.yml as it stands: words through the containers, a transcriber killed and one revoked in mid-sentence, a job, keys that are lost, and what the
# containers may do; and what the image does by itself.
#   containers.sh BIN WAV [--no-build]     WAV: some seconds of speech
# Not part of ctest: it wants docker, docker-compose and a mirror of Debian.
set -euo pipefail
bin=$(realpath "$1") wav=$(realpath "$2")
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
project=earshot-test-$$
APP_PORT=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export APP_PORT
compose() { docker-compose -p "$project" "$@"; }
trap 'compose down -v >/dev/null 2>&1; rm -rf "$dir"' EXIT
step() { echo "containers: $*"; }
fail() { echo "containers: $*" >&2; compose logs --tail 20 >&2; exit 1; }
stream() { timeout 120 "$bin/earshot" stream --url "ws://127.0.0.1:$APP_PORT/ws" "$wav"; }
ready() {
    for _ in $(seq 120); do
        curl -fsS "http://127.0.0.1:$APP_PORT/readyz" >/dev/null 2>&1 && [ "$(transcribers | wc -l)" -ge "$1" ] && return
        sleep 0.5
    done
    fail 'the house does not become ready'
}
transcribers() { compose exec -T broker earshot status 2>/dev/null | awk '/^transcriber/ { print $1, $3 }'; }
# Whoever has the stream, once the stream is there.
serving() {
    local who
    for _ in $(seq 60); do
        who=$(transcribers | awk '$2 > 0 { print $1; exit }')
        [ -z "$who" ] || break
        sleep 0.2
    done
    [ -n "$who" ] || fail 'nobody has the stream'
    echo "$who"
}
disturbed() { # what is done to the transcriber that has the stream
    stream >"$dir/words" &
    local client=$! who
    who=$(serving)
    sleep 2 # into the sentence
    "$1" "$who"
    wait "$client" || fail "the stream ended badly after: $1 $who"
    cmp "$dir/undisturbed" "$dir/words" || fail "other words after: $1 $who"
    step "$who: $1, and the words are whole"
}
killed() { docker kill --signal KILL "${project}_$1_1" >/dev/null; }
revoked() { compose run --rm -T keys earshot keys revoke "$1" --keys /keys/broker >/dev/null 2>&1; }

[ "${3:-}" = --no-build ] || compose build -q
compose up -d --no-build >/dev/null 2>&1
ready 2
step 'undisturbed'
stream | tee "$dir/undisturbed"
disturbed killed
compose up -d --no-build >/dev/null 2>&1
ready 2
disturbed revoked

step 'a recording'
timeout 120 "$bin/earshot" jobs submit --url "http://127.0.0.1:$APP_PORT" --wait "$wav" >"$dir/transcript" 2>"$dir/bars" || fail "$(cat "$dir/bars")"
cmp <(tr '\n' ' ' <"$dir/undisturbed") <(tr '\n' ' ' <"$dir/transcript") || fail 'the job has other words'

step 'the keys of the edge are lost'
compose rm -sf edge keys >/dev/null 2>&1
docker volume rm "${project}_keys-edge" >/dev/null
compose up -d --no-build >/dev/null 2>&1
ready 1
stream >"$dir/words"
cmp "$dir/undisturbed" "$dir/words" || fail 'other words with new keys'

for name in broker edge room jobs analysis; do
    compose exec -T "$name" sh -c 'test "$(id -u)" = 10001 && ! touch /x 2>/dev/null && grep -q "^CapEff:.0*$" /proc/1/status && grep -q "^NoNewPrivs:.1$" /proc/1/status' ||
        fail "$name may do more than it should"
    [ "$(docker inspect -f '{{.State.Health.Status}}' "${project}_${name}_1")" = healthy ] || fail "$name is not healthy"
done
compose exec -T broker sh -c 'test -d /var/lib/earshot/dead && ! grep -q " /var/lib/earshot tmpfs " /proc/mounts' || fail 'dead letters of the broker do not outlive it'

step 'the image by itself'
alone=$(docker run -d --network none earshot)
trap 'docker rm -f "$alone" >/dev/null 2>&1; compose down -v >/dev/null 2>&1; rm -rf "$dir"' EXIT
for _ in $(seq 120); do docker logs "$alone" 2>&1 | grep '^ready' && break || sleep 0.5; done | grep -q ready || fail "the image does not start: $(docker logs "$alone" 2>&1)"
echo 'containers: words whole, jobs done, containers confined'
