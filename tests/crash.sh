#!/usr/bin/env bash
# Kills `pns serve` at random moments and reconciles: `tests/crash.sh [ROUNDS]` (300), with a release build. What
# `cargo test` does a few times. PNS_CRASH_SEED repeats a run as far as chance is ours.
set -euo pipefail
cd "$(dirname "$0")/.."
PNS_CRASH_ROUNDS=${1:-300} cargo test --release --package pns-harness --test crash -- --nocapture
