#!/usr/bin/env bash
# A PostgreSQL server of its own for a test: in a temporary directory, on a unix socket, with fsync. It ends, and the directory goes, when whoever wanted it does, however that ends.
#   postgres.sh run COMMAND...     runs COMMAND with ES_POSTGRES_URL and ES_POSTGRES_DIR in its environment
#   postgres.sh make               prints the directory of a new server and ends it when its standard input does
#   postgres.sh url DIR            the address of the database
#   postgres.sh start|stop DIR     of a server that was made so; stop MODE DIR: smart, fast or immediate (the default: as if the power failed)
#   postgres.sh where              prints the directory of its programs
# 77: PostgreSQL is not installed.
set -euo pipefail
umask 022

programs() {
    local dir
    dir=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    [ -n "$dir" ] || dir=$(dirname "$(command -v initdb || echo /nowhere/initdb)")
    [ -x "$dir/initdb" ] || { echo 'skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)' >&2; exit 77; }
    echo "$dir"
}

# The server does not run as root.
as_owner() {
    local user
    [ "$(id -u)" = 0 ] || { "$@"; return; }
    user=$(getent passwd postgres nobody | head -n 1 | cut -d: -f1)
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
}

start() {
    as_owner "$bin/pg_ctl" -D "$1/data" -l "$1/log" -s -w -t 60 start >/dev/null </dev/null 9>&- || { cat "$1/log" >&2; return 1; }
}

stop() {
    as_owner "$bin/pg_ctl" -D "$1/data" -s -w -t 60 -m "${2:-immediate}" stop >/dev/null </dev/null 9>&- || true
}

new_dir() { as_owner mktemp -d "${TMPDIR:-/tmp}/es-postgres-XXXXXX"; }

make() {
    local dir=$1
    as_owner "$bin/initdb" -D "$dir/data" -A trust -U earshot -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null 9>&-
    as_owner tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = on
synchronous_commit = on
max_connections = 60
shared_buffers = 32MB
CONF
    start "$dir"
    as_owner "$bin/createdb" -h "$dir" -U earshot earshot 9>&-
}

# In a session of its own: it survives the signals that end the others. It is there before the server is.
guard() {
    cat >/dev/null
    # What made it may still be at work.
    for _ in $(seq 100); do
        stop "$1"
        ! rm -rf "$1" || break
        sleep 0.1
    done
}

url() { echo "postgresql://earshot@/earshot?host=$1"; }

bin=$(programs)
verb=${1:?}
shift
case $verb in
where) echo "$bin" ;;
url) url "$1" ;;
start) start "$1" ;;
stop) [ $# -eq 2 ] && stop "$2" "$1" || stop "$1" ;;
guard) guard "$1" ;;
make)
    dir=$(new_dir)
    exec 9<&0
    setsid -f "$0" guard "$dir" <&9 >/dev/null 2>&1
    make "$dir" >&2
    echo "$dir"
    ;;
run)
    dir=$(new_dir)
    exec 9> >(exec setsid -f "$0" guard "$dir" >/dev/null 2>&1)
    make "$dir"
    status=0
    ES_POSTGRES_URL=$(url "$dir") ES_POSTGRES_DIR=$dir "$@" 9>&- || status=$?
    exec 9>&-
    while [ -d "$dir" ]; do sleep 0.05; done
    exit "$status"
    ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
