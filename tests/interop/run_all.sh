#!/usr/bin/env bash
# Runs every check against independent oracles. Each script prints `skipped: why` where its tool cannot be had,
# and fails on any disagreement.
set -euo pipefail
cd "$(dirname "$0")"
failed=0
for script in schema_oracles.sh report_oracles.sh receivers.sh check_receivers.sh control_api.sh; do
    printf -- '-- %s\n' "$script"
    "./$script" || { printf 'FAILED: %s\n' "$script"; failed=1; }
done
exit "$failed"
