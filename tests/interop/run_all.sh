#!/usr/bin/env bash
# Runs every check against independent oracles. Each script prints `skipped: why` where its tool cannot be had,
# and fails on any disagreement.
set -euo pipefail
cd "$(dirname "$0")"
failed=0
for script in schema_oracles.sh report_oracles.sh receivers.sh load_oracles.sh control_client.sh control_api.sh pull_client.sh check_receivers.sh; do
    printf -- '-- %s\n' "$script"
    "./$script" || { printf 'FAILED: %s\n' "$script"; failed=1; }
done
exit "$failed"
