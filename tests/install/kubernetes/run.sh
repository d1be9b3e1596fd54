#!/bin/sh
# run.sh MANIFESTS BIN: exit 77 where node or the schemas are missing.
cd "$(dirname "$0")" || exit 1
command -v node >/dev/null || { echo 'kubernetes: node is not here: not checked'; exit 77; }
[ -d node_modules/kubernetes-models ] || { echo 'kubernetes: the schemas are not here (make -f Makefile.dev setup): not checked'; exit 77; }
exec node check.mjs "$@"
