"""Compares what `pns check` found with what is expected, and prints the difference.

Usage: compare.py REPORT.json EXPECTED.txt. A line of EXPECTED is `ID  # why it is true`, or a comment. Advice is told
and not compared. Exits 1 on a difference.
"""

import json
import sys
from pathlib import Path

report_path, expected_path = map(Path, sys.argv[1:3])
report = json.loads(report_path.read_text())
results = [check for scenario in report["scenarios"] for check in scenario["checks"]]
failed = {check["id"]: check for check in results if check["verdict"] == "failed"}
warned = [check["id"] for check in results if check["verdict"] == "warned"]
others = [check for check in results if check["verdict"] not in ("failed", "warned", "passed", "skipped")]

expected = {}
for line in expected_path.read_text().splitlines():
    entry, _, why = line.partition("#")
    if entry.strip():
        if not why.strip():
            sys.exit(f"{expected_path}: `{entry.strip()}` does not say why it is true")
        expected[entry.strip()] = why.strip()

for id in sorted(failed.keys() - expected.keys()):
    print(f"  UNEXPECTED {id}: {failed[id]['failure']['found']}")
for id in sorted(expected.keys() - failed.keys()):
    print(f"  MISSING {id}: {expected[id]}")
for check in others:
    print(f"  {check['verdict'].upper()} {check['id']}")
print(f"  {len(failed)} failed, all as expected" if failed.keys() == expected.keys() else f"  {len(failed)} failed")
if warned:
    print(f"  advice: {' '.join(warned)}")
sys.exit(failed.keys() != expected.keys() or bool(others))
