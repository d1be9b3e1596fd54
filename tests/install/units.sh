#!/usr/bin/env bash
# systemd understands the units, and finds that they keep the programs from nearly everything.
#   units.sh UNITS BIN
set -euo pipefail
units=$1 bin=$2
command -v systemd-analyze >/dev/null || { echo 'units: systemd-analyze is not here: not checked'; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$units"/* "$dir"
sed -i "s|^ExecStart=[^ ]*/|ExecStart=$bin/|" "$dir"/*.service # what is built is not installed here
bad=0
complain() { echo "units: $*" >&2; bad=1; }

said=$(systemd-analyze verify --man=no "$dir"/*.service "$dir"/earshot.target 2>&1) || complain "$said"
[ -z "$said" ] || complain "$said"
for unit in "$dir"/*.service; do
    score=$(systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" 2>&1 | sed -n 's/.*level for \(.*\)$/\1/p')
    echo "units: exposure of $score"
    systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" >/dev/null 2>&1 || complain "${unit##*/} is more exposed than 2.0"
done
# What a unit starts takes the flags that it is given.
sed -n 's/^ExecStart=//p' "$dir"/*.service | sed 's/%i/1/g' | while read -r command; do
    $command --version >/dev/null || { echo "units: $command: wrong flags" >&2; exit 1; }
done || bad=1
exit "$bad"
