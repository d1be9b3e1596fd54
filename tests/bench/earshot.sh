# Sourced by the peers' runner (BENCH_EXTRA): how earshot is started for a measurement. All of its processes are on the bill.
add earshot stream
start_earshot() {
    URL=ws://127.0.0.1:$PORT/api/audio/ws
    local data
    data=$(mktemp -d "${TMPDIR:-/tmp}/es-bench.XXXXXX")
    spawn "$EARSHOT_BIN"/earshot-broker --data "$data" --log-level warn
    spawn "$EARSHOT_BIN"/earshot-transcriber --engine mock --data "$data" --log-level warn
    spawn "$EARSHOT_BIN"/earshot-edge --port "$PORT" --max-address 0 --data "$data" --log-level warn
}

# The next run's members must not get the last one's messages as history, which the generator would take for faults: a second later those members have left
# (--member-grace), and "left" is all that the last 50 events say. Every peer waits.
pause_before_each_run() {
    declare -F load_at_once >/dev/null && return
    eval "$(declare -f load | sed '1s/load/load_at_once/')"
    load() { sleep 1; load_at_once "$@"; }
}

# Every message is on disk (fsync) before it is fanned out, and members hear who comes and goes; the peers do neither.
add earshot_rooms fanout
start_earshot_rooms() {
    pause_before_each_run
    URL=ws://127.0.0.1:$PORT/ws
    FAN=(--await '"type":"welcome"' --hello '{"type":"room.join","payload":{"room":"room{r}","name":"member {i}"},"timestamp":0}' --await '"members":['
         --pub '{"type":"room.say","payload":{"room":"room{r}","text":"t={t} n={n} '"$TEXT"'"},"timestamp":0}'
         --match '"type":"room.message"' --t-key 't=')
    local data
    data=$(mktemp -d "${TMPDIR:-/tmp}/es-bench.XXXXXX")
    spawn "$EARSHOT_BIN"/earshot-broker --data "$data" --log-level warn
    spawn "$EARSHOT_BIN"/earshot-room --data "$data" --log-level warn --member-grace 100ms
    spawn "$EARSHOT_BIN"/earshot-edge --port "$PORT" --max-address 0 --data "$data" --log-level warn --say-rate 0
}
