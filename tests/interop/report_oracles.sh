#!/usr/bin/env bash
# The reports, read by others: JSON against its published schema by Python's `jsonschema`, JUnit against the
# schema that Jenkins' xUnit plugin reads (junit.xsd) by Python's `xmlschema`, and by `junitparser`.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --quiet --manifest-path "$root/Cargo.toml"
pns="$root/target/release/pns"
[ -x "$pns" ] || pns="${CARGO_TARGET_DIR:?}/release/pns"

if ! python3 -m venv "$work/venv" || ! "$work/venv/bin/pip" install --quiet jsonschema xmlschema junitparser; then
    echo "skipped: Python's jsonschema, xmlschema and junitparser could not be installed"
    exit 0
fi

# One run that passes and one that fails, because failures are what reports are for.
"$pns" run --no-progress --report "json=$work/pass.json,junit=$work/pass.xml" >/dev/null
cat >"$work/fails.yaml" <<'YAML'
scenario: A receiver that always fails
clause: delivery-failure
receiver: { then: { status: 500 } }
steps:
  - emit: RFP_SEND
  - until: delivered
    within: 1h
expect:
  - delivered: all
YAML
status=0
"$pns" run --no-progress --report "json=$work/fail.json,junit=$work/fail.xml" "$work/fails.yaml" >/dev/null || status=$?
[ "$status" = 1 ] || { echo "a broken check must exit 1, not $status"; exit 1; }

"$work/venv/bin/python" - "$work" "$root/docs/report.schema.json" junit.xsd <<'PYTHON'
import json, sys
import jsonschema, junitparser, xmlschema

work, json_schema, xsd = sys.argv[1:]
validator = jsonschema.Draft202012Validator(json.load(open(json_schema)))
junit = xmlschema.XMLSchema(xsd)
for run, failing in (("pass", False), ("fail", True)):
    report = json.load(open(f"{work}/{run}.json"))
    validator.validate(report)
    junit.validate(f"{work}/{run}.xml")
    suites = junitparser.JUnitXml.fromfile(f"{work}/{run}.xml")
    cases = [case for suite in suites for case in suite]
    failed = [case for case in cases if any(isinstance(r, junitparser.Failure) for r in case.result)]
    assert cases and bool(failed) == failing, (run, len(cases), len(failed))
    assert suites.failures == len(failed), (suites.failures, len(failed))
    print(f"{run}: {len(cases)} test cases, {len(failed)} failed, both reports valid")
PYTHON
