#!/bin/sh
# Runs one of the suites: run.sh library | jobs | stream | rooms | rooms-recovery | room-page | dashboard-page | sign-in-page [BIN_DIR] | page [BIN_DIR] | room [BIN_DIR] | dashboard [BIN_DIR]. Exit 77 means skipped, and says why.
set -u
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "skipped: $*"; exit 77; }

command -v node >/dev/null || skip "node is missing (apt-get install nodejs)"
case "$(node -p 'process.versions.node.split(".")[0] >= 18')" in true) ;; *) skip "node is older than 18" ;; esac

case "$1" in *page | room | dashboard) browser=yes ;; *) browser=no ;; esac
if [ "$browser" = yes ]; then
  EARSHOT_BIN=${2:-$here/../../build/bin}
  export EARSHOT_BIN
  CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
  export CHROMIUM
  [ -n "$CHROMIUM" ] || skip "chromium is missing (apt-get install chromium)"
  [ -d "$here/node_modules/playwright-core" ] || skip "playwright-core is missing (npm ci in tests/browser)"
  command -v flite >/dev/null || skip "flite is missing (apt-get install flite)"
fi
exec node --test "$here/$1.test.js"
