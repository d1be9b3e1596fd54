# Sourced by the peers' runner (BENCH_EXTRA): how earshot is started for a measurement. All of its processes are on the bill.
add earshot stream
start_earshot() {
    URL=ws://127.0.0.1:$PORT/api/audio/ws
    local data
    data=$(mktemp -d "${TMPDIR:-/tmp}/es-bench.XXXXXX")
    spawn "$EARSHOT_BIN"/earshot-broker --data "$data" --log-level warn
    spawn "$EARSHOT_BIN"/earshot-transcriber --engine mock --data "$data" --log-level warn
    spawn "$EARSHOT_BIN"/earshot-edge --port "$PORT" --data "$data" --log-level warn
}
