//! The specimens by themselves: each starts and accepts, and its bug is there on the wire. What the checks make of
//! them is tested where the checks are.

mod client;
mod effects;
mod http;
mod server;

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::{Kind, Specimen, all, bugs, named, unusual};
use client::{Client, Outcome, notification, start};

#[test]
fn names_are_unique_and_kebab_case() {
    let mut names = BTreeSet::new();
    for Specimen { name, .. } in all() {
        assert!(names.insert(*name), "`{name}` twice");
        let kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(name.bytes().all(kebab), "{name}");
    }
    assert!(bugs().count() >= 60 && unusual().count() >= 20);
    assert!(named("plain").is_some() && named("no-such").is_none());
}

#[test]
fn every_bug_names_the_property_that_catches_it() {
    const FAMILIES: [&str; 8] = ["accepts", "auth", "rejects", "delivery", "http", "tls", "effects", "pulls"];
    for specimen in bugs() {
        let Kind::Bug { caught_by, story } = specimen.kind else { panic!("{specimen:?}") };
        assert!(!caught_by.is_empty() && !story.is_empty() && !story.ends_with('.'), "{specimen:?}");
        for id in caught_by {
            let family = id.split_once('/').unwrap().0;
            assert!(FAMILIES.contains(&family), "{id}");
            let keyed = family != "auth" || specimen.needs.contains(&super::Need::Key);
            let probed = family != "effects" || specimen.needs.contains(&super::Need::Probe);
            let pulled = family != "pulls" || specimen.needs.contains(&super::Need::Pull);
            assert!(keyed && probed && pulled, "{specimen:?}");
        }
    }
    for specimen in unusual() {
        assert!(matches!(specimen.kind, Kind::Unusual { story } if !story.is_empty()), "{specimen:?}");
    }
}

#[tokio::test]
async fn every_specimen_accepts_a_plain_notification() {
    let mut trials = JoinSet::new();
    for specimen in all() {
        trials.spawn(async move {
            let running = start(specimen.name).await;
            let mut client = Client::connect(&running).await;
            client.send(&notification("8c7d2f4e-6d8d-46c3-ac57-95e14b3b7e33", "RFP_SEND")).await;
            let outcome = client.outcome().await;
            assert!(matches!(outcome, Outcome::Status(200..300)), "{}: {outcome:?}", specimen.name);
            running.shutdown().await;
        });
    }
    while let Some(trial) = trials.join_next().await {
        trial.unwrap();
    }
}

#[tokio::test]
async fn every_unusual_one_processes_it_once() {
    let mut trials = JoinSet::new();
    for specimen in unusual() {
        trials.spawn(async move {
            let running = start(specimen.name).await;
            for _ in 0..2 {
                let mut client = Client::connect(&running).await;
                client.send(&notification("a", "PLANNER_CANCEL")).await;
                assert!(matches!(client.outcome().await, Outcome::Status(200..300)), "{}", specimen.name);
            }
            client::eventually_processed(&running, "a").await;
            running.shutdown().await;
        });
    }
    while let Some(trial) = trials.join_next().await {
        trial.unwrap();
    }
}
