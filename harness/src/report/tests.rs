//! Each report of one hand-made run that has a bit of everything: passes, failures, skips, what could not be
//! decided, texts beyond ASCII, control characters, and a secret in every place where one could hide.

mod checks;
mod hostile;

use std::fs;
use std::io::Write;
use std::time::Duration;

use pns_engine::Timestamp;
use pns_simulator::clock::Gear;
use pns_simulator::secret::ApiKey;

use super::human::{Detail, Human, Progress};
use super::*;
use crate::clause::Clause;
use crate::event::*;

const KEY: &str = "s3cr/et-Key&'";
const EPOCH: Timestamp = Timestamp::from_millis(1_764_000_000_000);

fn redactor() -> Redactor {
    Redactor::new([&ApiKey::new(KEY).unwrap()])
}

fn attempt(number: u32, minutes: u64, status: Option<u16>) -> AttemptLine {
    let offset = Duration::from_secs(minutes * 60);
    let acknowledged = status == Some(200);
    let outcome = match status {
        Some(200) => "acknowledged".to_owned(),
        Some(code) => format!("status {code} does not acknowledge"),
        None => "no acknowledgement within the timeout".to_owned(),
    };
    AttemptLine {
        number,
        at: EPOCH + offset,
        offset,
        acknowledged,
        outcome,
        reason: if acknowledged { "acknowledged" } else { "status" }.to_owned(),
        status,
        latency: Some(Duration::from_micros(1_234)),
        deferrals: if number == 2 { vec!["downtime".to_owned()] } else { Vec::new() },
        fault: (number == 3).then(|| "ack lost".to_owned()),
        response: status.map(|code| ResponseExcerpt {
            head: format!("HTTP/1.1 {code} ?\nx-echo: api_key {KEY}"),
            body: format!("{{\"error\":\"schlüssel {KEY} \x1b[2J\"}}"),
            truncated: false,
        }),
        detail: status.is_none().then(|| format!("timed out near {KEY}")),
    }
}

fn failure() -> CheckFailure {
    CheckFailure {
        expected: "exactly 3 attempts".to_owned(),
        found: "4 attempts, none acknowledged".to_owned(),
        explanation: "status 500: the receiver failed inside: its own log tells why".to_owned(),
        deliveries: vec![DeliveryTimeline {
            delivery: "d0".to_owned(),
            name: Some("rfp".to_owned()),
            event_type: "RFP_SEND".to_owned(),
            event_id: Some("00000000-0000-4000-8000-000000000001".to_owned()),
            subscription: "default".to_owned(),
            published: Duration::ZERO,
            state: DeliveryState::Pending,
            attempts: vec![
                attempt(1, 0, Some(500)),
                attempt(2, 1, Some(429)),
                attempt(3, 3, None),
                attempt(90, 4_440, Some(500)),
            ],
            attempts_left_out: Some(LeftOut { count: 86, after: 3 }),
        }],
        deliveries_left_out: 2,
        curl: Some("curl -H \"Authorization: api_key $PNS_API_KEY\" https://hotel.example/pns".to_owned()),
        repeat: "pns run --seed 42 --target https://hotel.example/pns downtime/x.yaml".to_owned(),
        ..CheckFailure::default()
    }
}

fn check(id: &str, title: &str, verdict: CheckVerdict) -> CheckResult {
    let failure = (verdict == CheckVerdict::Failed).then(|| Box::new(failure()));
    CheckResult {
        id: id.to_owned(),
        title: title.to_owned(),
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        verdict,
        location: Some(Location { file: "scenarios/delivery-failure/x.yaml".to_owned(), line: 14 }),
        pns_time: Duration::from_secs(266_400),
        failure,
    }
}

fn scenario(id: &str, title: &str, verdict: ScenarioVerdict, checks: Vec<CheckResult>) -> [Event; 2] {
    let started = ScenarioStarted {
        id: id.to_owned(),
        title: title.to_owned(),
        location: Some(Location { file: format!("scenarios/{id}.yaml"), line: 1 }),
        clause: Clause::DeliveryFailure,
    };
    let finished = ScenarioFinished {
        id: id.to_owned(),
        verdict,
        checks,
        pns_time: Duration::from_secs(266_400),
        wall: Duration::from_micros(12_345),
        attempts: 4,
        deliveries: 1,
        cases: 1,
        pulls: id.starts_with("auth/").then_some(PullCount { leading: 3, pulled: 2, surplus: 1 }),
        notes: Vec::new(),
    };
    [Event::ScenarioStarted(started), Event::ScenarioFinished(finished)]
}

fn scenarios() -> Vec<Event> {
    let passed = || check("delivered", "all notifications are delivered", CheckVerdict::Passed);
    let failed = || check("attempts", "rfp took exactly 3 attempts", CheckVerdict::Failed);
    let skipped = CheckVerdict::Skipped("the target offers no probe".to_owned());
    let [first_start, first_end] =
        scenario("auth/key-sent", "Der Schlüssel wird gesandt ✓", ScenarioVerdict::Passed, vec![passed()]);
    let [second_start, second_end] = scenario(
        "delivery-failure/x",
        "Acknowledgement <lost> & found",
        ScenarioVerdict::Failed,
        vec![passed(), failed(), check("probe", "the receiver processed rfp", skipped)],
    );
    // Two at the same time, the second ending first: told in the order of their beginning all the same.
    let mut events = vec![first_start, second_start, second_end, first_end];
    let unreachable = ScenarioVerdict::Inconclusive(format!("the target went away, saying {KEY}"));
    let known = || "issue 7 of the receiver".to_owned();
    events.extend(scenario("downtime/a", "Late", unreachable, Vec::new()));
    events.extend(scenario(
        "downtime/b",
        "Early",
        ScenarioVerdict::Skipped("no probe".to_owned()),
        Vec::new(),
    ));
    events.extend(scenario("downtime/c", "Known", ScenarioVerdict::ExpectedFailure(known()), vec![failed()]));
    events.extend(scenario("downtime/d", "Mended", ScenarioVerdict::UnexpectedPass(known()), vec![passed()]));
    events.extend(scenario("downtime/e", "Broken", ScenarioVerdict::Error("a bug".to_owned()), Vec::new()));
    events
}

fn run() -> Vec<Event> {
    let mut totals = Totals::default();
    let scenarios = scenarios();
    for event in &scenarios {
        if let Event::ScenarioFinished(finished) = event {
            totals.count(finished);
        }
    }
    let mut events = vec![Event::RunStarted(RunStarted {
        version: "0.1.0".to_owned(),
        seed: 42,
        target: Target::Endpoint(format!("https://hotel.example/pns?token={KEY}")),
        gear: Gear::Virtual,
        epoch: EPOCH,
        scenarios: 7,
        filtered_out: 3,
        notes: vec![Note::TlsNotVerified, Note::AcknowledgementsOnly],
        request_budget: 70_000,
        subject: Subject::Scenarios,
        fail_on: Strength::Should,
    })];
    events.extend(scenarios);
    events.push(Event::RunFinished(RunFinished {
        totals,
        wall: Duration::from_millis(920),
        pns_time: Duration::from_secs(266_400 * 7),
        end: RunEnd::Complete,
    }));
    events
}

fn collected() -> Collected {
    collected_of(&run())
}

fn collected_of(events: &[Event]) -> Collected {
    let mut collected = Collected::default();
    events.iter().for_each(|event| collected.handle(event));
    collected
}

fn human(detail: Detail) -> String {
    human_of(&run(), detail)
}

fn human_of(events: &[Event], detail: Detail) -> String {
    let out = RedactingWriter::new(anstream::StripStream::new(Vec::new()), redactor());
    let mut human = Human::new(out, Progress::hidden(), detail);
    for event in events {
        human.handle(event).unwrap();
    }
    String::from_utf8(human.into_inner().into_inner().unwrap().into_inner()).unwrap()
}

#[test]
fn human_report() {
    insta::assert_snapshot!(human(Detail::Verdicts));
}

#[test]
fn every_check_is_told_on_demand() {
    assert!(!human(Detail::Verdicts).contains("✓ all notifications"));
    assert!(human(Detail::Checks).contains("✓ all notifications are delivered  delivered"));
}

#[test]
fn json_report() {
    insta::assert_snapshot!(json::render(&collected(), &redactor()));
}

#[test]
fn junit_report() {
    insta::assert_snapshot!(junit::render(&collected(), &redactor()));
}

#[test]
fn no_report_holds_the_secret() {
    for events in [run(), checks::checks_run()] {
        let collected = collected_of(&events);
        for report in [
            human_of(&events, Detail::Checks),
            json::render(&collected, &redactor()),
            junit::render(&collected, &redactor()),
            tap::render(&collected, &redactor()),
            html::render(&collected, &redactor()),
            github::summary(&collected, &redactor()),
        ] {
            assert!(report.contains("***") || report.contains(r"\*\*\*"));
            assert!(!report.contains("s3cr"), "{report}");
        }
    }
}

#[test]
fn a_key_that_is_a_word_of_the_format_does_not_break_it() {
    for word in ["testcase", "scenarios", "\"", "<", "e"] {
        let redactor = Redactor::new([&ApiKey::new(word).unwrap()]);
        let report = json::render(&collected(), &redactor);
        assert!(serde_json::from_str::<serde_json::Value>(&report).unwrap()["scenarios"].is_array());
        let report = junit::render(&collected(), &redactor);
        assert_eq!(
            quick_junit::Report::deserialize_from_str(&report).unwrap().test_suites.len(),
            7,
            "{word}"
        );
    }
}

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/report.schema.json");

/// After a change of the format: `cargo test -p pns-harness -- --ignored publish_the_schema`.
#[test]
#[ignore = "writes docs/report.schema.json"]
fn publish_the_schema() {
    fs::write(PUBLISHED, json::schema()).unwrap();
}

#[test]
fn json_keeps_to_its_published_schema() {
    assert!(fs::read_to_string(PUBLISHED).unwrap() == json::schema(), "see `publish_the_schema`");
    assert_eq!(schema_errors(&json::render(&collected(), &redactor())), Vec::<String>::new());
    // A run that never began is a report too.
    assert_eq!(schema_errors(&json::render(&Collected::default(), &redactor())), Vec::<String>::new());
}

fn schema_errors(report: &str) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&json::schema()).unwrap()).unwrap();
    let report = serde_json::from_str(report).unwrap();
    validator.iter_errors(&report).map(|error| error.to_string()).collect()
}

#[test]
fn tap_report() {
    insta::assert_snapshot!(tap::render(&collected(), &redactor()));
}

#[test]
fn a_run_that_never_began_is_a_report_too() {
    let nothing = Collected::default();
    assert!(tap::render(&nothing, &redactor()).ends_with("\nBail out! the run did not end\n"));
    assert!(html::render(&nothing, &redactor()).contains("The run did not end"));
    assert!(github::summary(&nothing, &redactor()).contains("the run did not end"));
}

#[test]
fn an_interrupted_run_tells_what_it_has() {
    let mut events = run();
    // The first scenario never ended.
    events.remove(4);
    let out = anstream::StripStream::new(Vec::new());
    let mut human = Human::new(out, Progress::hidden(), Detail::Verdicts);
    for event in &events {
        human.handle(event).unwrap();
    }
    let text = String::from_utf8(human.into_inner().into_inner()).unwrap();
    assert!(text.contains("Acknowledgement <lost> & found"), "{text}");
    let mut collected = Collected::default();
    events.iter().for_each(|event| collected.handle(event));
    assert!(json::render(&collected, &redactor()).contains("\"unfinished\""));
    assert!(junit::render(&collected, &redactor()).contains("the run ended before it did"));
}

#[test]
fn a_secret_cut_in_two_writes_is_found() {
    let mut writer = RedactingWriter::new(Vec::new(), redactor());
    let (a, b) = KEY.split_at(4);
    write!(writer, "x {a}").unwrap();
    writer.flush().unwrap();
    write!(writer, "{b} y\nz").unwrap();
    assert_eq!(String::from_utf8(writer.into_inner().unwrap()).unwrap(), "x *** y\nz");
}

#[test]
fn a_file_is_checked_first_and_replaced_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    fs::write(&path, "old").unwrap();
    let report = FileReport { format: FileFormat::Json, path: path.clone() };
    let mut reporter = FileReporter::prepare(&report, redactor()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    run().iter().for_each(|event| reporter.handle(event).unwrap());
    assert!(fs::read_to_string(&path).unwrap().contains("pns-report/1"));
    drop(reporter);
    drop(FileReporter::prepare(&report, redactor()).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "drafts are removed");
    let nowhere = FileReport { format: FileFormat::Json, path: folder.path().join("no/such/report.json") };
    assert!(matches!(FileReporter::prepare(&nowhere, redactor()), Err(ReportError::File { .. })));
    let folder = FileReport { format: FileFormat::Json, path: folder.path().to_owned() };
    assert!(FileReporter::prepare(&folder, redactor()).is_err());
}
