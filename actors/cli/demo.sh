#!/usr/bin/env bash
# Starts a house, speaks a sample to it as a microphone would, prints the words, and keeps it running until Ctrl-C.
#   demo.sh BIN_DIR
# PORT=8000   port of the page (0, the default, draws a free one)
# SAMPLE=f    a WAV to speak instead of the sample made with flite; f.txt beside it (same name) holds the words expected
# ONCE=1      end after the sample: exit 0 only if the expected words came back
set -euo pipefail
bin=${1:?demo.sh BIN_DIR}
work=$(mktemp -d "${TMPDIR:-/tmp}/earshot-demo.XXXXXX")
up=

finish() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$up" ]; then
        kill -TERM "$up" 2>/dev/null || true
        wait "$up" || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "demo: $*" >&2
    [ ! -s "$work/up.log" ] || { echo "demo: what the actors said last:" >&2; tail -n 25 "$work/up.log" >&2; }
    exit 1
}

# Silence of so many milliseconds at 16 kHz.
silence() { head -c $(($1 * 32)) /dev/zero; }

# flite is deterministic and the model hears these sentences exactly. Its head is 44 bytes, its rate with this voice 16 kHz.
make_sample() {
    local first=1 phrase
    silence 500
    for phrase in "$@"; do
        [ "$first" ] || silence 900
        first=
        flite -voice rms -t "$phrase" -o "$work/phrase.wav" >/dev/null
        tail -c +45 "$work/phrase.wav"
    done
    silence 500
}

if [ -n "${SAMPLE:-}" ]; then
    [ -r "$SAMPLE" ] || fail "cannot read SAMPLE=$SAMPLE"
    source=("$SAMPLE")
    expected=
    [ ! -r "${SAMPLE%.*}.txt" ] || expected=$(cat "${SAMPLE%.*}.txt")
else
    phrases=("one two three four five" "please call me tomorrow" "two hundred and fifty dollars")
    make_sample "${phrases[@]}" >"$work/sample.raw"
    source=(--rate 16000 "$work/sample.raw")
    expected="${phrases[*]}"
fi

mkfifo "$work/ready"
"$bin/earshot" up --engine pocketsphinx --port "${PORT:-0}" --data "$work/data" >"$work/ready" 2>"$work/up.log" &
up=$!
exec 3<"$work/ready"
read -r -t 60 word url <&3 && [ "$word" = ready ] || fail "the system did not come up within a minute"

echo "The system is up at $url. Streaming ${SAMPLE:-a spoken sample} in real time:"
echo
"$bin/earshot" stream --url "$url" --save "$work/words" "${source[@]}" || fail "the stream was not confirmed"
echo
words=$(tr '\n' ' ' <"$work/words" | sed 's/ *$//')
if [ -n "$expected" ] && [ "$words" != "$(echo $expected)" ]; then
    echo "demo: these words were expected: $expected" >&2
    echo "demo: these came:                $words" >&2
    [ -z "${ONCE:-}" ] || exit 1
elif [ -n "$words" ]; then
    echo "Every word came back${expected:+ as it was spoken}."
elif [ -n "${ONCE:-}" ]; then
    fail "no words came back"
fi
[ -z "${ONCE:-}" ] || exit 0
echo "Now open $url in a browser and speak. Ctrl-C ends it."
wait "$up"
