#!/usr/bin/env bash
# systemd understands the units, and finds that they keep the programs from nearly everything; and within what they leave a house works.
#   units.sh UNITS BIN
set -euo pipefail
units=$1 bin=$2
command -v systemd-analyze >/dev/null || { echo 'units: systemd-analyze is not here: not checked'; exit 77; }
dir=$(mktemp -d)
here=$(dirname "$0")
trap 'stop; rm -rf "$dir"' EXIT
stop() { [ -z "$(jobs -p)" ] || kill $(jobs -p); wait; }
cp "$units"/* "$dir"
sed -i "s|^ExecStart=[^ ]*/|ExecStart=$bin/|" "$dir"/*.service # what is built is not installed here
bad=0
complain() { echo "units: $*" >&2; bad=1; }
fail() { complain "$*"; exit 1; }

said=$(systemd-analyze verify --man=no "$dir"/*.service "$dir"/earshot.target 2>&1) || complain "$said"
[ -z "$said" ] || complain "$said"
for unit in "$dir"/*.service; do
    score=$(systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" 2>&1 | sed -n 's/.*level for \(.*\)$/\1/p')
    echo "units: exposure of $score"
    systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" >/dev/null 2>&1 || complain "${unit##*/} is more exposed than 2.0"
done
# What a unit starts takes the flags that it is given.
sed -n 's/^ExecStart=//p' "$dir"/*.service | sed 's/%i/1/g' | while read -r command; do
    $command --version >/dev/null || { echo "units: $command: wrong flags" >&2; exit 1; }
done || bad=1
[ "$bad" -eq 0 ] || exit 1

# A house of these units, as they would be after `EARSHOT_TCP=127.0.0.1:PORT` in the settings.
mkdir -m 700 "$dir/data" "$dir/etc"
sed -i "s|/var/lib/earshot|$dir/data|; s|^EnvironmentFile=-[^ ]*/|EnvironmentFile=-$dir/etc/|" "$dir"/*.service
until_done() { # TRIES COMMAND...: exit 1 where it does not succeed
    local tries=$1
    shift
    while ! "$@" >"$dir/said" 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}
start() { "$here/confined.py" "$dir/earshot-$1.service" >"$dir/$1.log" 2>&1 & }
serves_tcp() { # on ports that others may have: drawn anew then
    local port=$((20000 + RANDOM % 3000 * 4)) broker
    printf 'EARSHOT_TCP=127.0.0.1:%d\nEARSHOT_ENGINE=mock\nEARSHOT_PORT=0\nEARSHOT_ADDR_FILE=%s\n' "$port" "$dir/url" >"$dir/etc/earshot.env"
    start broker
    broker=$!
    said_or_dead() { grep -qE 'broker=tcp|level=error' "$dir/broker.log" || ! kill -0 "$broker"; }
    until_done 100 said_or_dead
    grep -q 'Address already in use' "$dir/broker.log" && { serves_tcp; return; }
    "$bin/earshot" status --wait 10s --broker "tcp://127.0.0.1:$port" >/dev/null
}
serves_tcp || fail "the broker does not serve tcp within what its unit allows: $(tail -n 3 "$dir/broker.log")"
for name in edge transcriber@ room jobs analysis; do start "$name"; done
{ printf 'RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\x7f'; head -c 64000 /dev/zero; } >"$dir/silence.wav"
until_done 100 test -s "$dir/url" || fail "the edge does not listen: $(tail -n 3 "$dir/edge.log")"
url=$(cat "$dir/url")
earshot() { timeout 60 "$bin/earshot" "$@" --data "$dir/data"; }
until_done 50 earshot doctor broker services loop --url "ws${url#http}/ws" || fail "no house of the units: $(cat "$dir/said"; tail -n 3 "$dir"/*.log)"
earshot jobs submit --wait --url "$url" "$dir/silence.wav" >"$dir/said" 2>&1 || fail "no job: $(cat "$dir/said"; tail -n 3 "$dir/jobs.log")"
echo 'units: a house works within them'
