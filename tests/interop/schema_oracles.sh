#!/usr/bin/env bash
# The schema packs and generated bodies, judged by validators that nobody here wrote: Python's `jsonschema` and npm's
# `ajv`. Every generated body must pass, every mutant must be refused, by both.
# PNS names the binary; without it the release binary is built.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${PNS:-}" ]; then
    cargo build --release --quiet --manifest-path "$root/Cargo.toml"
    PNS="${CARGO_TARGET_DIR:-$root/target}/release/pns"
fi

# What to judge: each pack's files, and bodies of every event type.
for pack in cvent-2016-11 cvent-2015; do
    "$PNS" schema export "$work/$pack" --pack "$pack" >/dev/null
    "$PNS" schema generate --pack "$pack" --count 6600 --seed 7 >"$work/$pack.jsonl"
    "$PNS" schema validate --lines --pack "$pack" "$work/$pack.jsonl" >/dev/null
done
cp -r own-pack "$work/own-pack"
"$PNS" schema generate --schema-pack own-pack --count 2100 --seed 7 >"$work/own-pack.jsonl"

# Mutants, made from Cvent's table of additional fields and not from the schemas: one broken rule each.
cat >"$work/mutants.py" <<'PYTHON'
import collections, copy, json, sys

UUID = "6f1c9d3e-2b4a-4c5d-8e6f-7a8b9c0d1e2f"
REASON = {"PLANNER_CANCEL", "PLANNER_CANCEL_SUPPLIER", "PLANNER_DECLINE_SUPPLIER", "RESPONSE_TURN_DOWN", "RESPONSE_WITHDRAW"}
EXTRA = {
    "rfpId": (UUID, lambda t: t != "VENUE_VISIBILITY_CHANGED"),
    "supplierId": (UUID, lambda t: t not in ("PLANNER_CANCEL", "VENUE_VISIBILITY_CHANGED")),
    "reason": ("OTHER", lambda t: t in REASON),
    "forwarderInfo": ({"forwarderSupplierId": UUID, "forwarderName": "x"}, lambda t: t == "RFP_FORWARD"),
    "attachmentIds": ([UUID], lambda t: t in ("RESPONSE_ADD_ATTACHMENT", "RESPONSE_DELETE_ATTACHMENT")),
    "messageDetails": ({"messageId": UUID, "subject": "s", "body": "b"}, lambda t: t.startswith("MESSAGE_")),
    "venueId": (UUID, lambda t: t == "VENUE_VISIBILITY_CHANGED"),
    "venueDetails": ({"active": True}, lambda t: t == "VENUE_VISIBILITY_CHANGED"),
}
old = sys.argv[1] == "cvent-2015"
first = {}
for line in sys.stdin:
    body = json.loads(line)
    first.setdefault(body["eventType"], body)
assert len(first) == 33, sorted(first)
for kind, body in first.items():
    expected = {"eventId", "eventType", "eventTimestamp"} | ({"eventCategory"} if not old else set())
    expected |= {name for name, (_, has) in EXTRA.items() if has(kind)}
    assert set(body) == expected, (kind, set(body) ^ expected)
    mutants = []
    for name in body:
        without = copy.deepcopy(body); del without[name]; mutants.append(without)
        for wrong in (None, 7, "", [], {}, "nonsense", True):
            mutants.append({**body, name: wrong})
    for name, (value, has) in EXTRA.items():
        if not has(kind):
            mutants.append({**body, name: value})
    mutants.append({**body, "unknownField": 1})
    if old:
        mutants.append({**body, "eventCategory": "RFP"})
    else:
        mutants.append({**body, "eventCategory": {"RFP": "VENUE", "VENUE": "RFP"}[body["eventCategory"]]})
    if "reason" in body:
        foreign = "LOW_BUDGET" if kind != "RESPONSE_TURN_DOWN" else "SELECTED_OTHER_CITY"
        mutants.append({**body, "reason": foreign})
    mutants.append({**body, "eventId": body["eventId"] + "0"})
    mutants.append({**body, "eventTimestamp": "2016-11-01T12:00:00Z"})
    for mutant in mutants:
        print(json.dumps(mutant))
PYTHON
for pack in cvent-2016-11 cvent-2015; do
    python3 "$work/mutants.py" "$pack" <"$work/$pack.jsonl" >"$work/$pack.mutants.jsonl"
done
: >"$work/own-pack.mutants.jsonl"

cat >"$work/judge.py" <<'PYTHON'
import decimal, json, pathlib, sys
import jsonschema, referencing

def exact(text):
    """Decimal fractions as they are written: floating point cannot divide 179.35 by 0.05."""
    return json.loads(text, parse_float=decimal.Decimal)


work = pathlib.Path(sys.argv[1])
failed = False
for pack, draft, root in (
    ("cvent-2016-11", jsonschema.Draft202012Validator, "PNS/publicRfpEvent.json"),
    ("cvent-2015", jsonschema.Draft202012Validator, "PNS/publicRfpEvent.json"),
    ("own-pack", jsonschema.Draft7Validator, "publicRfpEvent.json"),
):
    resources = []
    for path in sorted((work / pack).rglob("*.json")):
        if path.name == "manifest.json":
            continue
        schema = exact(path.read_text())
        draft.check_schema(schema)
        # Python joins relative references only below schemes that it knows; nothing is fetched.
        resources.append((f"http://pack.invalid/{path.relative_to(work / pack)}", referencing.Resource.from_contents(schema)))
    registry = referencing.Registry().with_resources(resources)
    validator = draft({"$ref": f"http://pack.invalid/{root}"}, registry=registry, format_checker=jsonschema.FormatChecker())
    counts = {}
    for name, wanted in (("", True), (".mutants", False)):
        for line in (work / f"{pack}{name}.jsonl").read_text().splitlines():
            counts[wanted] = counts.get(wanted, 0) + 1
            if validator.is_valid(exact(line)) != wanted:
                failed = True
                print(f"MISMATCH {pack}: should be {'valid' if wanted else 'refused'}: {line}")
    print(f"jsonschema (Python): {pack}: {counts.get(True, 0)} bodies valid, {counts.get(False, 0)} mutants refused")
sys.exit(failed)
PYTHON

cat >"$work/judge.js" <<'NODE'
const fs = require("fs"), path = require("path"), readline = require("readline");
const Ajv7 = require("ajv"), Ajv2020 = require("ajv/dist/2020"), formats = require("ajv-formats");
const work = __dirname;

function files(dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const inner = path.join(dir, entry.name);
    return entry.isDirectory() ? files(inner) : entry.name.endsWith(".json") && entry.name !== "manifest.json" ? [inner] : [];
  });
}

let failed = false;
for (const [pack, Ajv, root] of [
  ["cvent-2016-11", Ajv2020, "PNS/publicRfpEvent.json"],
  ["cvent-2015", Ajv2020, "PNS/publicRfpEvent.json"],
  ["own-pack", Ajv7, "publicRfpEvent.json"],
]) {
  // multipleOf on decimal fractions is compared with a tolerance: floating point cannot divide 0.35 by 0.05.
  const ajv = new Ajv.default({ strict: false, multipleOfPrecision: 9 });
  formats.default(ajv);
  for (const file of files(path.join(work, pack)))
    ajv.addSchema(JSON.parse(fs.readFileSync(file)), "pack:///" + path.relative(path.join(work, pack), file));
  const validate = ajv.compile({ $ref: "pack:///" + root });
  const counts = { true: 0, false: 0 };
  for (const [name, wanted] of [["", true], [".mutants", false]])
    for (const line of fs.readFileSync(path.join(work, pack + name + ".jsonl"), "utf8").split("\n").filter(Boolean)) {
      counts[wanted] += 1;
      if (validate(JSON.parse(line)) !== wanted) {
        failed = true;
        console.log(`MISMATCH ${pack}: should be ${wanted ? "valid" : "refused"}: ${line}`);
      }
    }
  console.log(`ajv (npm): ${pack}: ${counts[true]} bodies valid, ${counts[false]} mutants refused`);
}
process.exit(failed ? 1 : 0);
NODE

failed=0
if python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet 'jsonschema[format]'; then
    "$work/venv/bin/python" "$work/judge.py" "$work" || failed=1
else
    echo "skipped: Python's jsonschema could not be installed"
fi
if (cd "$work" && npm install --silent --no-fund --no-audit ajv ajv-formats >/dev/null 2>&1); then
    node "$work/judge.js" || failed=1
else
    echo "skipped: npm's ajv could not be installed"
fi
exit "$failed"
