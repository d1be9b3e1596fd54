#!/bin/sh
# Installs into a directory of its own and builds an actor against that alone, as somebody else would: with pkg-config, and with CMake.
#   own_actor.sh BUILD SOURCE CC CMAKE
set -eu
build=$1 source=$2 cc=$3 cmake=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "own_actor: $*" >&2; exit 1; }

DESTDIR=$dir "$cmake" --install "$build" --prefix /opt/earshot >/dev/null
prefix=$dir/opt/earshot
for binary in earshot earshot-analysis earshot-broker earshot-decode earshot-edge earshot-jobs earshot-room earshot-transcriber; do
    [ -x "$prefix/bin/$binary" ] || fail "bin/$binary was not installed"
done
[ -f "$prefix/share/earshot/web/index.html" ] || fail "the page was not installed"
[ -f "$prefix/share/man/man1/earshot.1.gz" ] || fail "the manual was not installed"
[ -f "$prefix/etc/earshot/earshot.env" ] || fail "the settings were not installed"

mkdir "$dir/own" # beside nothing of ours, so that only installed headers are found
cp "$source" "$dir/own/own.c"
cd "$dir/own"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name earshot.pc)")
export PKG_CONFIG_PATH
pkg-config --validate earshot
"$cc" -std=gnu11 -Wall -Wextra -Werror $(pkg-config --cflags earshot) -o by-pkg-config own.c $(pkg-config --libs earshot)
unset PKG_CONFIG_PATH

cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(own LANGUAGES C)
find_package(earshot 0.1 REQUIRED)
add_executable(by-cmake own.c)
target_compile_options(by-cmake PRIVATE -std=gnu11 -Wall -Wextra -Werror)
target_link_libraries(by-cmake PRIVATE earshot::runtime m)
END
"$cmake" -S . -B build -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" >cmake.log 2>&1 || { cat cmake.log; fail "find_package(earshot) failed"; }
"$cmake" --build build >cmake.log 2>&1 || { cat cmake.log; fail "an actor does not build by CMake"; }

for own in ./by-pkg-config build/by-cmake; do
    "$own" --help | grep -q -- --capacity || fail "$own --help does not name its option"
done
