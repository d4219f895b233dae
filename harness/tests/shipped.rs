//! The shipped scenarios, through the library: all hold, and equal seeds give equal runs.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::Timestamp;
use pns_harness::event::{Event, ScenarioFinished, ScenarioVerdict};
use pns_harness::settings::{Connection, Filter, HttpVersion, PlainHttp, RunSettings, StopAfter, Trust};
use pns_harness::{runner, scenario};
use pns_simulator::clock::Gear;

fn settings(seed: u64, jobs: usize) -> RunSettings {
    RunSettings {
        paths: Vec::new(),
        filter: Filter::default(),
        connection: Connection {
            target: None,
            api_key: None,
            api_key_file: None,
            trust: Trust::Platform,
            plain_http: PlainHttp::Refused,
            http_version: HttpVersion::Http1,
            resolve: Vec::new(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            ack_timeout: Duration::from_secs(10),
        },
        probe: None,
        gear: Gear::Virtual,
        seed,
        epoch: Some(Timestamp::from_millis(1_764_000_000_000)),
        schema_pack: None,
        jobs: NonZeroUsize::new(jobs).expect("at least one"),
        stop: StopAfter::Nothing,
        wait_for_target: None,
        variables: BTreeMap::new(),
        pull: None,
    }
}

fn run(settings: RunSettings) -> BTreeMap<String, ScenarioFinished> {
    let scenarios = scenario::shipped().into_scenarios(scenario::Style::Plain).expect("they parse");
    let scenarios = scenarios.into_iter().map(Arc::new).collect();
    let mut finished = BTreeMap::new();
    let mut sink = |event: &Event| {
        if let Event::ScenarioFinished(scenario) = event {
            finished.insert(scenario.id.clone(), scenario.clone());
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(runner::run(settings, scenarios, 0, &mut sink)).expect("the settings are of use");
    finished
}

#[test]
fn every_shipped_scenario_holds_against_the_embedded_receiver() {
    let finished = run(settings(1, 2));
    assert!(finished.len() >= 100, "only {} scenarios ran", finished.len());
    for scenario in finished.values() {
        let holds = matches!(scenario.verdict, ScenarioVerdict::Passed | ScenarioVerdict::ExpectedFailure(_));
        assert!(holds, "{}: {:?} {:#?}", scenario.id, scenario.verdict, scenario.checks);
        let guarantees = scenario.checks.iter().filter(|check| check.id == "guarantees").count();
        assert_eq!(guarantees, 1, "{} was not watched", scenario.id);
    }
}

#[test]
fn equal_seeds_give_equal_runs_whatever_the_number_of_jobs() {
    let told = |finished: BTreeMap<String, ScenarioFinished>| {
        let scenarios = finished.into_values().map(|scenario| {
            let checks: Vec<_> = scenario
                .checks
                .iter()
                .map(|check| (check.title.clone(), check.verdict.clone(), check.pns_time))
                .collect();
            (scenario.id, scenario.verdict, scenario.pns_time, scenario.attempts, scenario.deliveries, checks)
        });
        scenarios.collect::<Vec<_>>()
    };
    let one = told(run(settings(7, 1)));
    assert_eq!(one, told(run(settings(7, 3))));
    let other = told(run(settings(8, 2)));
    assert_ne!(one, other, "another seed draws another jitter");
}
