//! The checks of `pns check` tried on receivers whose faults are known: `pns selftest` with a fixed seed.

use std::num::NonZeroUsize;

use pns_harness::selftest;
use pns_harness::selftest::trials::{self, OnBugs, SelftestSettings, Tried};

/// Any other would do; `pns selftest --seed N` tries others.
const SEED: u64 = 1;

#[test]
fn every_bug_is_caught_and_nothing_turns_red_on_correct_receivers() {
    let settings = SelftestSettings {
        seed: SEED,
        specimens: selftest::all().collect(),
        jobs: NonZeroUsize::new(32).unwrap(),
        max_examples: 3,
        on_bugs: OnBugs::Named,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tried = runtime.block_on(trials::run(settings, &mut |_| {})).unwrap();
    assert_eq!(tried.len(), selftest::all().count());
    let wrong: Vec<String> = tried.iter().filter(|one| !one.verdict.is_good()).map(told).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn told(tried: &Tried) -> String {
    let name = tried.specimen.name;
    format!("{name}: {:?}\n  pns selftest {name} --seed {SEED} --max-examples 3", tried.verdict)
}
