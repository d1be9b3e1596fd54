#!/usr/bin/env bash
# Installs the Debian package on a clean system, uses it and its units' filters, removes it, and compares the files before and after.
#   package.sh DEB [SYSTEM]     as root; SYSTEM: a tar file of a debootstrapped Debian 12, else one is made (`debootstrap --variant=minbase bookworm`)
# Not part of ctest: it wants a mirror of Debian.
set -euo pipefail
deb=$(realpath "$1") system=${2:-}
[ "$(id -u)" = 0 ] || { echo 'package: a system to install into is made by root' >&2; exit 2; }
root=$(mktemp -d)
# A namespace of its own: whatever is mounted and started in it goes with it.
if [ "${EARSHOT_PACKAGE_INSIDE:-}" = "" ]; then
    rmdir "$root"
    exec env EARSHOT_PACKAGE_INSIDE=1 unshare --mount --pid --fork --kill-child "$0" "$@"
fi
trap 'umount -R "$root/proc" 2>/dev/null || true; rm -rf "$root"' EXIT
step() { echo "package: $*"; }
fail() { echo "package: $*" >&2; exit 1; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
# Files and what is in them, but for what installing anything changes.
files() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \) -prune \
        -o ! -name '*-' ! -type d -printf '%p %m %u %s\n' -o -type d -printf '%p/ %m %u\n') | sort
}

if [ -n "$system" ]; then tar -C "$root" -xf "$system"; else debootstrap --variant=minbase bookworm "$root" >/dev/null; fi
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp "$deb" "$root/tmp/earshot.deb"
step 'what it depends on'
inside apt-get update -q >/dev/null
inside apt-get satisfy -q -y --no-install-recommends "$(dpkg-deb -f "$deb" Depends)" >/dev/null 2>&1
before=$(files)

step 'install'
inside dpkg -i /tmp/earshot.deb
inside earshot --version
for program in analysis broker edge jobs room transcriber; do inside "earshot-$program" --help >/dev/null; done
[ "$(inside stat -c '%U %a' /var/lib/earshot)" = 'earshot 700' ] || fail '/var/lib/earshot is not its own'
[ "$(inside stat -c '%U:%G %a' /etc/earshot/earshot.env)" = 'root:earshot 640' ] || fail 'its settings are open to others'

for text in README.md SECURITY.md proto/PROTOCOL.md; do
    at=$(dirname "$root/usr/share/doc/earshot/$text")
    for link in $(grep -oE '\]\([^)#:]+' "$root/usr/share/doc/earshot/$text" | sed 's/](//'); do [ -e "$at/$link" ] || fail "$text points to $link, which is not there"; done
done
for dev in "$(dirname "$deb")"/libearshot-dev_*.deb; do
    [ ! -f "$dev" ] || dpkg-deb -c "$dev" | grep 'libearshot-dev/examples/level.c$' >/dev/null || fail 'libearshot-dev has nothing to compile'
done

step 'a house with the mock engine, and a stream'
cat >"$root/tmp/use.sh" <<'END'
cd /tmp
earshot up --engine mock --port 0 --data /var/lib/earshot >up.log 2>&1 &
up=$!
for _ in $(seq 100); do grep -q '^ready' up.log && break; kill -0 $up || break; sleep 0.2; done
grep '^ready' up.log || { cat up.log; exit 1; }
head -c 64000 /dev/zero >silence.raw
earshot stream --rate 16000 --fast --data /var/lib/earshot silence.raw | tail -n 2
earshot jobs submit --data /var/lib/earshot silence.raw
earshot status --data /var/lib/earshot | head -n 12
kill $up
wait $up
END
chmod 755 "$root/tmp/use.sh"
inside su -s /bin/bash earshot -c 'exec bash /tmp/use.sh' || fail 'it does not work'

step 'the broker as its unit, on a network'
settings=$root/etc/earshot/earshot.env
cp -p "$settings" "$root/tmp/earshot.env"
sed -i 's/^#EARSHOT_TCP=/EARSHOT_TCP=/' "$settings"
as_earshot() { inside setpriv --reuid earshot --regid earshot --init-groups "$@"; }
keygen=$(sed -n 's/^#.*sudo -u earshot \(earshot keygen .*\)$/\1/p' "$settings")
as_earshot sh -c "$keygen"
unshare --net "$(dirname "$0")/confined.py" --root "$root" "$root/lib/systemd/system/earshot-broker.service" >"$root/tmp/broker.log" 2>&1 &
broker=$!
for _ in $(seq 100); do grep -q 'broker=tcp://0.0.0.0:5570' "$root/tmp/broker.log" || ! kill -0 $broker && break; sleep 0.1; done
as_earshot earshot doctor broker --data /var/lib/earshot || { cat "$root/tmp/broker.log"; fail 'the broker does not serve tcp within what its unit allows'; }
kill $broker
wait $broker
mv "$root/tmp/earshot.env" "$settings"

step 'remove, and install anew'
inside dpkg -r earshot
left=$(diff <(echo "$before") <(files) | grep '^[<>]' | grep -vE '^> \./var/lib/earshot/' || true)
echo "$left"
[ "$(grep -c '^> ./etc/earshot/earshot.env' <<<"$left")" = 1 ] || fail 'remove took the settings along'
inside dpkg -i /tmp/earshot.deb >/dev/null

step 'purge: nothing is left but data'
inside dpkg -P earshot
left=$(diff <(echo "$before") <(files) | grep '^[<>]' | grep -vE '^[<>] \./(var/lib/earshot/|etc/(passwd|group|shadow|gshadow|subuid|subgid) )' || true)
[ -z "$left" ] || fail "left behind or changed: $left"
inside sh -c 'ls -l /var/lib/earshot'

step 'once more without use: nothing is left at all'
rm -rf "$root/var/lib/earshot"
inside dpkg -i /tmp/earshot.deb >/dev/null
inside dpkg -P earshot >/dev/null
left=$(diff <(echo "$before") <(files) | grep '^[<>]' || true)
[ -z "$left" ] || fail "left behind or changed: $left"
echo 'package: installs, works, and leaves no trace but data'
