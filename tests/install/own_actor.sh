#!/bin/sh
# Installs into a directory of its own and compiles an actor against that alone, as somebody else would.
#   own_actor.sh BUILD SOURCE CC CMAKE
set -eu
build=$1 source=$2 cc=$3 cmake=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "own_actor: $*" >&2; exit 1; }

DESTDIR=$dir "$cmake" --install "$build" --prefix /opt/earshot >/dev/null
prefix=$dir/opt/earshot
for binary in earshot earshot-broker earshot-edge earshot-room earshot-transcriber; do
    [ -x "$prefix/bin/$binary" ] || fail "bin/$binary was not installed"
done
[ -f "$prefix/share/earshot/web/index.html" ] || fail "the page was not installed"
lib=$(dirname "$(find "$prefix" -name libearshot-runtime.a)")

cp "$source" "$dir/own.c" # beside nothing of ours, so that only installed headers are found
"$cc" -std=gnu11 -Wall -Wextra -Werror -I "$prefix/include/earshot" $(pkg-config --cflags libczmq libzmq) -o "$dir/own" "$dir/own.c" \
    -L "$lib" -learshot-runtime -learshot-proto $(pkg-config --libs libczmq libzmq) -lmsgpackc -lm
"$dir/own" --help | grep -q -- --capacity || fail "the actor's --help does not name its option"
