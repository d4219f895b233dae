#!/usr/bin/env bash
# The reports, read by others: JSON against its published schema by Python's `jsonschema`, JUnit against the
# schema that Jenkins' xUnit plugin reads (junit.xsd) by Python's `xmlschema`, and by `junitparser`; HTML by
# `html5lib`, which stops at the first thing that a browser would have to mend, and by `html-validate` (markup and
# accessibility); TAP by `tap-parser`, the reference implementation of TAP 14.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --quiet --manifest-path "$root/Cargo.toml"
pns="$root/target/release/pns"
[ -x "$pns" ] || pns="${CARGO_TARGET_DIR:?}/release/pns"

if ! python3 -m venv "$work/venv" || ! "$work/venv/bin/pip" install --quiet jsonschema xmlschema junitparser html5lib; then
    echo "skipped: Python's jsonschema, xmlschema, junitparser and html5lib could not be installed"
    exit 0
fi

# One run of scenarios that passes and one that fails, because failures are what reports are for.
reports() { # name
    echo "json=$work/$1.json,junit=$work/$1.xml,html=$work/$1.html,tap=$work/$1.tap,github=$work/$1.md,no-github"
}
"$pns" run --no-progress --report "$(reports pass)" >/dev/null
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
"$pns" run --no-progress --report "$(reports fail)" "$work/fails.yaml" >/dev/null || status=$?
[ "$status" = 1 ] || { echo "a broken check must exit 1, not $status"; exit 1; }

# The same of property checks: on the embedded receiver, on one whose every effect comes twice, and on none at all.
"$pns" check --no-progress --seed 1 --max-examples 4 --report "$(reports check-pass)" >/dev/null
: >"$work/receiver.txt"
"$pns" receiver --then again+200 --write-ca "$work/ca.pem" >/dev/null 2>"$work/receiver.txt" &
receiver=$!
trap 'kill "$receiver" 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q '^try it with' "$work/receiver.txt"; do
    kill -0 "$receiver" || { cat "$work/receiver.txt"; exit 1; }
    sleep 0.1
done
at() { sed -n "s/^$1 *//p" "$work/receiver.txt"; }
status=0
"$pns" check delivery/duplicate delivery/burst effects/duplicate-later effects/duplicate-after-lost-acknowledgement \
    --no-progress --seed 1 --target "$(at 'receiver at')" --probe "$(at 'probe at')" --cacert "$work/ca.pem" \
    --report "$(reports check-fail)" >/dev/null || status=$?
[ "$status" = 1 ] || { echo "a broken property must exit 1, not $status"; exit 1; }
kill "$receiver"
wait "$receiver" || true
status=0
"$pns" check delivery --no-progress --target "$(at 'receiver at')" --report "$(reports check-none)" >/dev/null || status=$?
[ "$status" = 3 ] || { echo "a receiver that is not there must exit 3, not $status"; exit 1; }

"$work/venv/bin/python" - "$work" "$root/docs/report.schema.json" junit.xsd <<'PYTHON'
import json, sys
import html5lib, jsonschema, junitparser, xmlschema

work, json_schema, xsd = sys.argv[1:]
validator = jsonschema.Draft202012Validator(json.load(open(json_schema)))
junit = xmlschema.XMLSchema(xsd)
runs = {"pass": False, "fail": True, "check-pass": False, "check-fail": True, "check-none": False}
for run, failing in runs.items():
    report = json.load(open(f"{work}/{run}.json"))
    validator.validate(report)
    junit.validate(f"{work}/{run}.xml")
    html5lib.HTMLParser(strict=True).parse(open(f"{work}/{run}.html").read())
    suites = junitparser.JUnitXml.fromfile(f"{work}/{run}.xml")
    cases = [case for suite in suites for case in suite]
    failed = [case for case in cases if any(isinstance(r, junitparser.Failure) for r in case.result)]
    assert cases and bool(failed) == failing, (run, len(cases), len(failed))
    assert suites.failures == len(failed), (suites.failures, len(failed))
    assert bool(suites.errors) == (run == "check-none"), (run, suites.errors)
    assert report["subject"] == ("checks" if run.startswith("check") else "scenarios")
    print(f"{run}: {len(cases)} test cases, {len(failed)} failed, JSON, JUnit and HTML valid")
PYTHON

if ! npm install --silent --no-audit --no-fund --prefix "$work" tap-parser html-validate >/dev/null; then
    echo "skipped: npm's tap-parser and html-validate could not be installed"
    exit 0
fi
bin="$work/node_modules/.bin"
"$bin/html-validate" --preset standard,a11y "$work"/*.html
for run in pass check-pass; do
    "$bin/tap-parser" <"$work/$run.tap" >/dev/null
done
! "$bin/tap-parser" <"$work/check-none.tap" >/dev/null || { echo "a TAP consumer must see that nothing ran"; exit 1; }
for run in fail check-fail; do
status=0
"$bin/tap-parser" -j <"$work/$run.tap" >"$work/tap.json" || status=$?
[ "$status" = 1 ] || { echo "a TAP consumer must see the failure"; exit 1; }
"$work/venv/bin/python" - "$work/tap.json" <<'PYTHON'
import json, sys

events = json.load(open(sys.argv[1]))
assert not [event for event in events if event[0] == "extra"], "lines that are no TAP"
failed = [event[1] for event in events if event[0] == "assert" and not event[1]["ok"]]
assert failed and all(point["diag"]["expected"] for point in failed), failed
print(f"TAP and HTML hold before their own tools, {len(failed)} failed point with diagnostics")
PYTHON
done
