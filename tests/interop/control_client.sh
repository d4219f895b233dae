#!/usr/bin/env bash
# The examples of docs/ for other languages, run: Python drives `pns serve` over HTTP, and is an integration that pulls from it.
# PNS names the binary (default: the release build).
set -euo pipefail
cd "$(dirname "$0")"
pns=${PNS:-../../target/release/pns}
[ -x "$pns" ] || { printf 'there is no `%s`: build it, or name it in PNS\n' "$pns" >&2; exit 1; }
command -v python3 >/dev/null || { echo 'skipped: no python3'; exit 0; }
PNS=$(realpath "$pns") python3 -m unittest discover --start-directory ../../docs/examples
