use std::fs;
use std::time::Duration;

use pns_engine::FailureReason;
use pns_simulator::secret::ApiKey;

use super::format::{Model, Settings};
use super::*;
use crate::load::record::{Class, Filed, NotSent, Recorder, Sample};
use crate::load::search::{Limits, Search, SearchSettings, StepResult};
use crate::load::segment::Segment;
use crate::load::verdict::{Metric, Thresholds};

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/load.schema.json");

/// After a change of the format: `cargo test -p pns-harness -- --ignored publish_the_load_schema`.
#[test]
#[ignore = "writes docs/load.schema.json"]
fn publish_the_load_schema() {
    fs::write(PUBLISHED, schema()).unwrap();
}

fn settings() -> Settings {
    Settings {
        target: Some("https://build.example/pns".to_owned()),
        model: Model::Open,
        shape: Some("constant".to_owned()),
        rate: Some("100/s".to_owned()),
        span_ms: 10_000,
        mix: "equal".to_owned(),
        redelivered: "0%".to_owned(),
        connections: 64,
        keep_alive: true,
        tls_resumption: true,
        http: "1.1".to_owned(),
        seed: 7,
        schema_pack: "cvent-2016-11".to_owned(),
    }
}

fn segment(text: &str) -> Segment {
    Segment::parse(text, None).unwrap()
}

/// What a segment of a run of a thousand arrivals records: some of everything.
fn recorder(segment: Segment) -> Recorder {
    let mut recorder = Recorder::default();
    for n in (0..1_000_u64).filter(|n| segment.has(*n)) {
        let due = Duration::from_millis(n * 10);
        let class = match n % 100 {
            31 => Class::SlowDown(429),
            57 => Class::Failed(FailureReason::Status(500)),
            83 => Class::Failed(FailureReason::Reset),
            _ => Class::Acknowledged,
        };
        if n % 100 == 99 {
            recorder.record_not_sent(due, NotSent::BacklogFull);
            continue;
        }
        let started = due + Duration::from_micros(n % 7 * 3_000);
        let ended = started + Duration::from_micros(900 + n * n % 70_000);
        let sample = Sample { due, released: due, started, ended, bunched: false, filed: Filed::Due, class };
        recorder.record(&sample, || format!("{class}: arrival {n} with api_key s3cret-key"));
    }
    recorder.connections.opened = 3;
    recorder
}

fn document(text: &str) -> Document {
    let segment = segment(text);
    Document::new(settings(), segment, "2026-11-25T12:00:00Z".to_owned(), &recorder(segment))
}

fn redactor() -> Redactor {
    Redactor::new([&ApiKey::new("s3cret-key").unwrap()])
}

fn errors(text: &str) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&schema()).unwrap()).unwrap();
    let value = serde_json::from_str(text).unwrap();
    validator.iter_errors(&value).map(|error| error.to_string()).collect()
}

fn searched() -> Document {
    let limits = Limits { accept: "99.9%".parse().unwrap(), p99: Duration::from_secs(1) };
    let span = Duration::from_secs(1);
    let start = "10/s".parse().unwrap();
    let mut search = Search::new(SearchSettings { limits, start, ceiling: None, span, confirm: span });
    while let Some(step) = search.next() {
        let acknowledged = if step.rate.per_second() > 100.0 { 0 } else { 10 };
        search.observe(StepResult {
            arrivals: 10,
            acknowledged,
            slowed: 0,
            bunched: 0,
            p99: Some(span / 2),
            served_p99: Some(span / 2),
            drift: None,
            late_by_generator: 0,
        });
    }
    document("1/1").with_search(&search, &limits)
}

#[test]
fn documents_keep_to_the_published_schema() {
    assert!(fs::read_to_string(PUBLISHED).unwrap_or_default() == schema(), "see `publish_the_load_schema`");
    let empty =
        Document::new(settings(), Segment::WHOLE, "2026-11-25T12:00:00Z".to_owned(), &Recorder::default());
    for document in [document("1/1"), searched(), empty] {
        assert_eq!(errors(&document.render(&redactor())), Vec::<String>::new());
    }
}

#[test]
fn a_document_reads_back_to_what_was_recorded() {
    let thresholds = Thresholds { p99: Some(Duration::from_millis(100)), ..Thresholds::default() };
    let recorded = recorder(Segment::WHOLE);
    let document = document("1/1").with_verdicts(&thresholds.judge(&recorded, None));
    let text = document.render(&Redactor::default());
    let read = Document::read(&text).unwrap();
    assert_eq!(read, document);
    assert_eq!(read.recorder().unwrap(), recorded);
    assert_eq!(read.verdicts[0].outcome, "held");
}

#[test]
fn secrets_do_not_leave() {
    let mut document = document("1/1");
    document.settings.target = Some("https://h/?k=s3cret-key".to_owned());
    document.notes.push("s3cret-key".to_owned());
    let text = document.render(&redactor());
    assert!(text.contains("***") && !text.contains("s3cret"), "{text}");
    assert!(Document::read(&text).is_ok());
}

#[test]
fn segments_merge_into_the_run_of_one_machine() {
    let parts: Vec<Document> = (1..=5).map(|number| document(&format!("{number}/5"))).collect();
    let merged = Document::merge(&parts).unwrap();
    let mut whole = document("1/1");
    whole.segments = (1..=5).map(|number| format!("{number}/5")).collect();
    whole.connections.opened = 15;
    assert_eq!(merged, whole);
    // In two steps and another order as well.
    let some = Document::merge(&[parts[4].clone(), parts[1].clone()]).unwrap();
    assert_eq!(some.notes, ["not the whole run: without segment 1/5, 3/5, 4/5"]);
    let all = Document::merge(&[parts[3].clone(), some, parts[0].clone(), parts[2].clone()]).unwrap();
    assert_eq!(all, merged);
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let error = |documents: &[Document]| Document::merge(documents).unwrap_err().to_string();
    assert_eq!(error(&[]), "there is nothing to merge");
    let mut other = document("2/5");
    other.settings.seed = 8;
    assert!(error(&[document("1/5"), other]).starts_with("document 2 is of another run"));
    assert!(error(&[document("1/5"), document("1/5")]).contains("holds segment 1/5, which another holds"));
    assert!(error(&[document("1/5"), document("2/4")]).contains("`2/4`"));
    assert!(error(&[searched()]).contains("one machine makes alone"));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let refused = |change: fn(&mut Document)| {
        let mut document = document("1/1");
        change(&mut document);
        Document::read(&document.render(&Redactor::default())).unwrap_err().to_string()
    };
    assert!(refused(|document| document.totals.acknowledged += 1).contains("contradict"));
    assert!(refused(|document| document.totals.acknowledged = u64::MAX).contains("any run"));
    assert!(refused(|document| document.outcomes[0].class = "odd".to_owned()).contains("`odd`"));
    assert!(refused(|document| document.outcomes[0].class = "acknowledged".to_owned()).contains("others"));
    assert!(
        refused(|document| document.outcomes[0].class = document.outcomes[1].class.clone()).contains("twice")
    );
    assert!(refused(|document| document.not_sent[0].why = "odd".to_owned()).contains("`odd`"));
    assert!(refused(|document| document.series.width_ms = 0).contains("width"));
    assert!(refused(|document| document.series.slots[0].answers = u64::MAX).contains("any run"));
    assert!(refused(|document| document.latency.histogram.clear()).contains("`latency`: not a histogram"));
    let many = |document: &mut Document| {
        let slot = document.series.slots[0].clone();
        document.series.slots = vec![slot; 601];
    };
    assert!(refused(many).contains("number of slots"));
    assert!(Document::read("{}").is_err() && Document::read("").is_err());
    let other = document("1/1").render(&Redactor::default()).replace("pns-load/1", "pns-load/2");
    assert!(Document::read(&other).unwrap_err().to_string().contains("pns-load/2"));
}

#[test]
fn the_rate_of_a_search_is_its_maximum() {
    let document = searched();
    let search = document.search.as_ref().unwrap();
    assert!(search.is_of_receiver && search.steps.len() > 5);
    let rate = document.figures().unwrap().of(Metric::Rate).unwrap();
    assert_eq!(Some(rate.value), search.max_per_second);
    assert!(rate.value <= 100.0 && rate.value > 97.0);
    assert!(rate.sigma > 0.0);
    assert!(search.advised_per_second.unwrap() <= 80.0);
}
