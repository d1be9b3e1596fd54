#!/usr/bin/env bash
# CPU a frame or a delivery and latency beside other servers, from one run. BENCH: a directory with wsload and run_peers.sh (it is copied, not written to).
#   bench.sh [PEER ...]        peers beside ours; none by default
#   OURS=earshot ROUNDS=1 SECS=8; OURS=earshot_rooms for rooms
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bench=${BENCH:-$root/../shared/bench} ours=${OURS:-earshot}
export EARSHOT_BIN=${EARSHOT_BIN:-$root/build/bin}
[ -x "$bench/run_peers.sh" ] || { echo "no load generator in $bench: set BENCH to a directory with run_peers.sh and wsload.c" >&2; exit 2; }
work=$root/build/bench
mkdir -p "$work"
cp -r "$bench/." "$work/"
chmod -R u+w "$work"
cd "$work"
BENCH_EXTRA=$root/tests/bench/earshot.sh ./run_peers.sh -r "${ROUNDS:-1}" -s "${SECS:-8}" -q 2 -c "$ours" "$ours" "$@"
