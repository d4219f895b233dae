#!/usr/bin/env bash
# The control API against its own OpenAPI document, by schemathesis: examples at the limits of every field, random ones
# that fit and that do not, and chains of calls. No server error, and no answer that the document does not describe. Then
# /metrics, read by Prometheus' own parser.
# PNS_BIN names the binary (default: the release build); SERVE a whole command that serves at ADDRESS; EXAMPLES how many
# random examples each operation gets; KEEP=1 keeps the report.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD/control_api
pns=${PNS_BIN:-${PNS:-../../target/release/pns}}
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=127.0.0.1:$port
serve=${SERVE:-$(realpath -m "$pns") serve --ephemeral --listen ADDRESS --allow-http}

dir=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
    if [ -n "${KEEP:-}" ]; then printf 'kept: %s\n' "$dir"; else rm -rf "$dir"; fi
}
trap cleanup EXIT

packages='schemathesis==4.32.5 openapi-spec-validator==0.9.0 prometheus-client==0.26.0'
# shellcheck disable=SC2086 # several packages
if ! python3 -m venv "$dir/venv" || ! "$dir/venv/bin/pip" install --quiet --disable-pip-version-check $packages; then
    printf 'skipped: pip could not install %s\n' "$packages"
    exit 0
fi
"$dir/venv/bin/openapi-spec-validator" ../../docs/openapi.json

# shellcheck disable=SC2086 # a command with its arguments
${serve//ADDRESS/$address} >"$dir/serve.log" 2>&1 &
pid=$!
curl --silent --fail --output /dev/null --retry 60 --retry-connrefused --retry-delay 1 --max-time 5 \
    "http://$address/readyz" || { cat "$dir/serve.log"; exit 1; }

# Nothing listens there: what is published is attempted and refused.
nobody=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export NOBODY=http://127.0.0.1:$nobody/pns
export SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
cd "$dir"
# A listener to records is answered without end.
if "$dir/venv/bin/schemathesis" --config-file "$here/schemathesis.toml" run "http://$address/api/v1/openapi.json" \
    --exclude-path /api/v1/records --max-examples "${EXAMPLES:-25}" --seed 7 --request-timeout 20 \
    --continue-on-failure --no-color >schemathesis.log 2>&1; then
    printf 'schemathesis: %s\n' "$(grep -m1 'generated,' schemathesis.log | xargs)"
else
    cat schemathesis.log
    exit 1
fi
curl --silent --fail "http://$address/metrics" | "$dir/venv/bin/python" -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
samples = [sample for family in text_string_to_metric_families(sys.stdin.read()) for sample in family.samples]
assert any(sample.name == "pns_notifications_published_total" and sample.value > 0 for sample in samples), samples
print(f"metrics: {len(samples)} samples")
'
kill -0 "$pid" 2>/dev/null || { printf 'the service ended:\n'; cat serve.log; exit 1; }
