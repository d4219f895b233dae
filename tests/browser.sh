#!/usr/bin/env bash
# The dashboard in a real browser: installs Debian's Chromium and its driver where they are missing, fetches the
# accessibility checks (axe-core), and runs tests/dashboard. Says `skipped: why` where that cannot be had.
# `tests/browser.sh pictures` makes the screenshots of the documents instead.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        chromium chromium-driver fonts-dejavu-core; } >/dev/null 2>&1 || true
fi
for tool in chromium chromedriver; do
    command -v $tool >/dev/null || { echo "skipped: there is no $tool, and apt-get cannot install it here"; exit 0; }
done

if [ "${1:-}" = pictures ]; then
    exec cargo run --quiet -p pns-workspace --features browser --example dashboard-pictures -- docs/pictures
fi

# The rules of axe-core are somebody else's: an independent judge of what our pages do for people.
axe=target/axe-core/axe.min.js
if [ ! -s "$axe" ]; then
    mkdir -p target/axe-core
    if command -v npm >/dev/null && (cd target/axe-core && npm pack --silent axe-core@4.14.1 >/dev/null 2>&1); then
        tar -xzf target/axe-core/axe-core-*.tgz -C target/axe-core --strip-components=1 package/axe.min.js
    fi
fi
without=()
[ -s "$axe" ] || { echo "skipped: the checks by axe-core, which npm cannot fetch here"; without=(--skip axe_); }
in_browser() { cargo test --quiet -p pns-workspace --features browser --test dashboard -- "$@"; }
in_browser "${without[@]}" --skip large::
# By itself: it measures how long pages take.
in_browser large::
