#!/usr/bin/env bash
# `pns load` judged by receivers that nobody here wrote the HTTP or TLS of, and by their own logs.
#
# stall     a receiver that stands still for a second: the p99.9 that is reported agrees with the one that follows from
#           the receiver's log and the due times, within 5 %
# capacity  (with --all; minutes) receivers of known capacity, one that queues and one that refuses beyond a burst of 20:
#           `--find-max` names it within 5 % in five of five runs
#
# PNS names the binary (default: the release build).
set -euo pipefail
cd "$(dirname "$0")"
pns=${PNS:-../../target/release/pns}
[ -x "$pns" ] || { printf 'there is no `%s`: build it, or name it in PNS\n' "$pns" >&2; exit 1; }
command -v python3 >/dev/null || { echo 'skipped: no python3'; exit 0; }

# shellcheck source=tests/interop/processes.bash
. ./processes.bash

load() {
    "$pns" load --target "https://127.0.0.1:$port/pns" --cacert "$dir/cert.pem" "$@"
}

failed=0
start stall python3 load_oracles.py stall 0 "$dir/cert.pem" "$dir/key.pem" "$dir/stall.log" 5
load --rate 500/s --duration 12s --report "json=$dir/stall.json" >"$dir/stall.out" 2>&1 || { cat "$dir/stall.out"; exit 1; }
python3 - "$dir/stall.json" "$dir/stall.log" <<'PYTHON' || failed=1
import datetime
import json
import math
import sys

document = json.load(open(sys.argv[1]))
acknowledged = sorted(float(line) for line in open(sys.argv[2]))
start = datetime.datetime.fromisoformat(document["started"].replace("Z", "+00:00")).timestamp()
# The first of a constant rate is due at the start, the others evenly after it.
true = sorted(end - (start + n / 500) for n, end in enumerate(acknowledged))
for name, share in [("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999), ("max_us", 1)]:
    index = max(math.ceil(share * len(true)) - 1, 0)
    print(f"stall: {name[:-3]:5} reported {document['latency'][name] / 1e6:.4f} s, by the receiver's log {true[index]:.4f} s")
index = math.ceil(0.999 * len(true)) - 1
reported, truth = document["latency"]["p999_us"] / 1e6, true[index]
if len(true) != document["totals"]["sent"] or truth < 0.9:
    sys.exit("the receiver's log is not of this run, or it did not stand still")
if abs(reported / truth - 1) > 0.05:
    sys.exit(f"FAILED: p99.9 is {reported / truth:.3f} of the true one")
PYTHON

if [ "${1:-}" = --all ]; then
    for capacity in 120 400; do
        start "queue$capacity" python3 load_oracles.py capacity 0 "$dir/cert.pem" "$dir/key.pem" "$capacity"
        queue=$port
        for run in 1 2 3 4 5; do
            for kind in queues refuses; do
                port=$queue
                if [ $kind = refuses ]; then
                    rm -f "$dir/ca.pem"
                    said=$dir/refuses.$capacity.$run
                    "$pns" receiver --quiet --rate-limit "$capacity:20" --write-ca "$dir/ca.pem" 2>"$said" &
                    pids+=($!)
                    until grep -q '^probe' "$said"; do read -r -t 0.1 <> <(:) || true; done
                    port=$(grep -o -m 1 '127.0.0.1:[0-9]*' "$said" | cut -d: -f2)
                fi
                cacert=$dir/cert.pem
                [ $kind = queues ] || cacert=$dir/ca.pem
                "$pns" load --find-max --rate 50/s --target "https://127.0.0.1:$port/pns" --cacert "$cacert" \
                    --report "json=$dir/max.json" >"$dir/max.out" 2>&1 || [ $? = 3 ] || { cat "$dir/max.out"; exit 1; }
                python3 - "$dir/max.json" "$capacity" "$kind" "$run" <<'PYTHON' || failed=1
import json
import sys

search = json.load(open(sys.argv[1]))["search"]
found, capacity = search["max_per_second"] or 0, float(sys.argv[2])
# On a busy machine the generator may be late, and then says so.
named = "named" if search["is_of_receiver"] else "not named, this or more:"
word = "" if search["is_of_receiver"] and abs(found / capacity - 1) <= 0.05 else "FAILED: "
print(f"{word}capacity {capacity:.0f}/s, {sys.argv[3]}, run {sys.argv[4]}: {named} {found:.1f}/s", flush=True)
sys.exit(bool(word))
PYTHON
            done
        done
    done
fi
exit "$failed"
