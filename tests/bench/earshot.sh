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

# Every message is stored with an fsync before it is fanned out; the peers store nothing. Members of one run are gone before the next begins (--member-grace), and
# what they leave behind (50 times "left") is the history that the next ones get: no message that the generator does not know.
add earshot_rooms fanout
start_earshot_rooms() {
    URL=ws://127.0.0.1:$PORT/ws
    FAN=(--await '"type":"welcome"' --hello '{"type":"room.join","payload":{"room":"room{r}","name":"member {i}"},"timestamp":0}' --await '"members":['
         --pub '{"type":"room.say","payload":{"room":"room{r}","text":"t={t} n={n} '"$TEXT"'"},"timestamp":0}'
         --match '"type":"room.message"' --t-key 't=')
    local data
    data=$(mktemp -d "${TMPDIR:-/tmp}/es-bench.XXXXXX")
    spawn "$EARSHOT_BIN"/earshot-broker --data "$data" --log-level warn
    spawn "$EARSHOT_BIN"/earshot-room --data "$data" --log-level warn --member-grace 100ms
    spawn "$EARSHOT_BIN"/earshot-edge --port "$PORT" --data "$data" --log-level warn --say-rate 0
}
