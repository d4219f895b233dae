use std::time::Duration;

use pns_engine::FailureReason;
use pns_simulator::secret::ApiKey;

use super::*;
use crate::exit::Exit;
use crate::load::document::format::{Drain, Model, Settings};
use crate::load::record::{Class, Filed, NotSent, Recorder, Sample};
use crate::load::search::{Limits, Search, SearchSettings, StepResult};
use crate::load::segment::Segment;
use crate::load::verdict::Thresholds;

fn settings(model: Model) -> Settings {
    Settings {
        target: Some("https://build.example/pns".to_owned()),
        model,
        shape: (model == Model::Open).then(|| "constant".to_owned()),
        rate: (model == Model::Open).then(|| "100/s".to_owned()),
        span_ms: 30_000,
        mix: "lifecycle".to_owned(),
        redelivered: "2%".to_owned(),
        connections: 64,
        keep_alive: true,
        tls_resumption: true,
        http: "1.1".to_owned(),
        seed: 7,
        schema_pack: "cvent-2016-11".to_owned(),
    }
}

/// Thirty seconds at 100 a second, with a stall of one second and some of everything that goes wrong.
fn stalled() -> Recorder {
    let mut recorder = Recorder::default();
    for n in 0..3_000_u64 {
        let due = Duration::from_millis(n * 10);
        if n % 1_000 == 999 {
            recorder.record_not_sent(due, NotSent::BacklogFull);
            continue;
        }
        let class = match n % 1_000 {
            31..=33 => Class::SlowDown(429),
            570 => Class::Failed(FailureReason::Status(500)),
            830 => Class::Failed(FailureReason::Reset),
            _ => Class::Acknowledged,
        };
        let stall_end = Duration::from_millis(13_000);
        let started = if (1_200..1_300).contains(&n) { stall_end } else { due + Duration::from_micros(20) };
        let ended = started + Duration::from_micros(900 + n * n % 7_000);
        let sample = Sample { due, released: due, started, ended, bunched: false, filed: Filed::Due, class };
        recorder.record(&sample, || format!("{class}: <script>alert(1)</script> for api_key s3cret-key"));
    }
    recorder.connections.opened = 64;
    recorder.connections.reused = 2_930;
    recorder
}

fn document(recorder: &Recorder, model: Model) -> Document {
    let started = "2026-11-25T12:00:00Z".to_owned();
    let mut document = Document::new(settings(model), Segment::WHOLE, started, recorder);
    document.generator_ceiling_per_second = Some(21_000.0);
    document
}

fn judged() -> Document {
    let thresholds = Thresholds {
        accept: Some("99%".parse().unwrap()),
        p99: Some(Duration::from_millis(500)),
        min_rate: Some("99/s".parse().unwrap()),
        ..Thresholds::default()
    };
    let recorder = stalled();
    let claims = thresholds.judge(&recorder, Some(recorder.rate()));
    document(&recorder, Model::Open).with_verdicts(&claims)
}

/// A receiver that takes `capacity` a second.
fn searched(capacity: f64) -> Document {
    let limits = Limits { accept: "99.9%".parse().unwrap(), p99: Duration::from_secs(1) };
    let span = Duration::from_secs(5);
    let start = "100/s".parse().unwrap();
    let mut search =
        Search::new(SearchSettings { limits, start, ceiling: Some(21_000.0), span, confirm: span * 3 });
    while let Some(step) = search.next() {
        let rate = step.rate.per_second();
        let arrivals = (rate * step.span.as_secs_f64()) as u64;
        let over = rate > capacity;
        let acknowledged = if rate > capacity * 1.5 { arrivals / 2 } else { arrivals };
        let p99 =
            Duration::from_secs_f64(0.004 + if over { rate / capacity } else { 0.02 * rate / capacity });
        let (slowed, drift) = (0, Some(if over { 0.2 } else { 0.0 }));
        search.observe(StepResult {
            arrivals,
            acknowledged,
            slowed,
            bunched: 0,
            p99: Some(p99),
            served_p99: Some(p99),
            drift,
            late_by_generator: 0,
        });
    }
    document(&stalled(), Model::FindMax).with_search(&search, &limits)
}

fn told(document: &Document) -> String {
    let mut out = Vec::new();
    write(&mut out, document).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

#[test]
fn a_run_is_told_with_all_that_went_wrong() {
    insta::assert_snapshot!(told(&judged()));
}

#[test]
fn a_search_is_told_with_its_steps_and_what_to_ask_for() {
    insta::assert_snapshot!(told(&searched(830.0)));
}

#[test]
fn a_drain_is_told_with_the_time_to_catch_up() {
    let mut document = document(&stalled(), Model::Drain);
    document.settings.rate = Some("500/s".to_owned());
    document.drain = Some(Drain {
        held: 3_000,
        caught_up_us: Some(31_250_000),
        rate_limit: Some("500/s".to_owned()),
        rate_limit_held: Some(true),
    });
    let text = told(&document);
    for part in ["3000 notifications held", "31.25 s after the release", "500/s, held"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.ends_with("the receiver caught up in 31.25 s\n"), "{text}");
    document.drain.as_mut().unwrap().caught_up_us = None;
    assert_eq!(Exit::of_load(&document), Exit::Inconclusive);
    assert!(told(&document).contains("it is not known when the receiver caught up"));
}

#[test]
fn what_is_no_measurement_says_so() {
    let mut document = document(&stalled(), Model::Closed);
    document.settings.target = None;
    let text = told(&document);
    assert!(text.contains("no measurement of a receiver of") && text.contains("closed loop"), "{text}");
}

#[test]
fn a_page_holds_no_script_no_secret_and_nothing_from_elsewhere() {
    let key = ApiKey::new("s3cret-key").unwrap();
    for document in [judged(), searched(830.0)] {
        let page = page(&document, &Redactor::new([&key]));
        assert!(!page.contains("<script") && !page.contains("s3cret") && !page.contains("http://"));
        assert!(page.contains("&lt;script&gt;") && page.contains("api_key ***"));
        assert!(!page.contains("NaN") && !page.contains("inf "), "all places are numbers");
    }
}

#[test]
fn a_run_of_nothing_is_told_too() {
    let empty = document(&Recorder::default(), Model::Open);
    assert!(told(&empty).contains("inconclusive: nothing was acknowledged"));
    assert!(page(&empty, &Redactor::default()).contains("there are no latencies"));
}

#[test]
fn a_load_run_ends_as_others_do() {
    assert_eq!(Exit::of_load(&judged()), Exit::Broken);
    assert_eq!(Exit::of_load(&searched(830.0)), Exit::Held);
    assert_eq!(Exit::of_load(&searched(0.1)), Exit::Broken, "not even the lowest rate held");
    let mut measured = document(&stalled(), Model::Open);
    assert_eq!(Exit::of_load(&measured), Exit::Held);
    measured.complete = false;
    assert_eq!(Exit::of_load(&measured), Exit::Interrupted);
    let mut at_ceiling = searched(830.0);
    at_ceiling.search.as_mut().unwrap().is_of_receiver = false;
    assert_eq!(Exit::of_load(&at_ceiling), Exit::Inconclusive, "the generator was the limit");
    let least = Thresholds { min_rate: Some("50/s".parse().unwrap()), ..Thresholds::default() };
    let claims = least.judge(&stalled(), Some(825.0));
    assert_eq!(Exit::of_load(&at_ceiling.with_verdicts(&claims)), Exit::Held, "and it takes enough");
    let mut unreachable = judged();
    unreachable.totals.acknowledged = 0;
    unreachable.outcomes.retain(|one| one.class == "reset");
    assert_eq!(Exit::of_load(&unreachable), Exit::Inconclusive, "nobody was there to break anything");
}
