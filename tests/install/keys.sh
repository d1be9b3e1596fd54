#!/usr/bin/env bash
# Whatever becomes of the keys of a house in containers: who has a key of the script's making is let in, and who was revoked is not.
#   keys.sh KEYS_SCRIPT BIN
set -euo pipefail
script=$1 bin=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "keys: $*" >&2; exit 1; }
mkdir "$dir/path"
# Ends as if it had been killed before it did what is told in $dir/fails.
cat >"$dir/path/earshot" <<END2
#!/bin/sh
[ "\$1 \$2" != "\$(cat "$dir/fails" 2>/dev/null)" ] || exit 137
exec "$bin/earshot" "\$@"
END2
chmod +x "$dir/path/earshot"
keys() { PATH=$dir/path:$PATH sh "$script" "$dir/keys" edge transcriber=transcriber-1 >"$dir/said" 2>&1; }
public() { sed -n 's/^ *public-key = //p' "$1"; }
let_in() { # after what
    keys || fail "$1: the script fails: $(cat "$dir/said")"
    for name in edge transcriber-1; do
        [ "$(public "$dir/keys/$name/$name.key")" = "$(public "$dir/keys/broker/allowed/$name.pub")" ] || fail "$1: the broker does not know the key of $name"
        cmp -s "$dir/keys/$name/broker.pub" "$dir/keys/broker/broker.pub" || fail "$1: $name does not know the broker"
        [ "$(ls -A "$dir/keys/$name" | xargs)" = "broker.pub $name.key $name.pub" ] || fail "$1: $name has $(ls -A "$dir/keys/$name" | xargs)"
    done
}
killed() { # before what
    echo "$1" >"$dir/fails"
    ! keys || fail "a script whose $1 is killed ends well"
    rm "$dir/fails"
}

let_in 'anew'
before=$(public "$dir/keys/edge/edge.key")
let_in 'once more'
[ "$(public "$dir/keys/edge/edge.key")" = "$before" ] || fail 'a key that was there was made anew'
rm -r "$dir/keys/edge"
let_in 'the keys of the edge are lost'
rm -r "$dir/keys/edge"
killed 'keys add'
let_in 'killed before a key was let in'
rm "$dir/keys/edge/edge.key"
let_in 'killed before a key came to its place'
rm -r "$dir/keys/broker"
let_in 'the keys of the broker are lost'
rm -r "$dir/keys/broker"
killed 'keygen broker'
let_in 'killed before the broker had its keys anew'

"$bin/earshot" keys revoke transcriber-1 --keys "$dir/keys/broker" >/dev/null
keys || fail "after a revocation: $(cat "$dir/said")"
[ ! -e "$dir/keys/broker/allowed/transcriber-1.pub" ] || fail 'who was revoked was let in again'
echo 'keys: who has a key is let in, and who was revoked is not'
