//! A hand-made run of property checks: reproducible, flaky, shrunk, warned, expected and undecided ones.

use super::super::github::{CommandGuard, GithubActions};
use super::*;

const BODY: &str =
    r#"{"eventId":"00000000-0000-4000-8000-000000000001","eventType":"RFP_SEND","x":{"y":[1]}}"#;

fn exchanges() -> Vec<WireExchange> {
    let request = format!(
        "POST /pns HTTP/1.1\r\nHost: hotel.example\r\nAuthorization: api_key {KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let accepted = WireExchange {
        label: "request 1 of 2".to_owned(),
        request: request.clone(),
        response: Some("HTTP/1.1 204 No Content\r\nServer: hotel/1\r\n\r\n".to_owned()),
        outcome: "status 204".to_owned(),
        fits: true,
        connection: "new connection, TLS 1.3, HTTP/1.1".to_owned(),
        latency: Some(Duration::from_micros(2_345)),
    };
    let refused = WireExchange {
        label: "request 2 of 2, on connection `a`".to_owned(),
        response: Some(format!(
            "HTTP/1.1 500 Internal Server Error\r\nX-Echo: {KEY}\r\n\r\nTypeError: x.y is no string\n  at parse (pns.js:14)\n"
        )),
        outcome: "status 500".to_owned(),
        fits: false,
        ..accepted.clone()
    };
    let silent = WireExchange {
        label: "request 1 of 1".to_owned(),
        response: None,
        outcome: "no answer within 5 s".to_owned(),
        fits: false,
        latency: None,
        ..accepted.clone()
    };
    vec![silent, accepted, refused]
}

fn broken(id: &str, reproduced: (u32, u32)) -> CheckFailure {
    CheckFailure {
        expected: "an acknowledgement (2xx)".to_owned(),
        found: "status 500\nin: an object, a list and 3 more".to_owned(),
        explanation:
            "Cvent adds fields without notice: ignore members that you do not know, at every level. Strict \
                      deserialisers have a switch for it (FAIL_ON_UNKNOWN_PROPERTIES in Jackson)."
                .to_owned(),
        repeat: format!("pns check {id} --seed 42 --target https://hotel.example/pns --api-key {KEY}"),
        reproduced: Some(Reproduced { failed: reproduced.0, tried: reproduced.1 }),
        curl: Some("curl -H \"Authorization: api_key $PNS_API_KEY\" https://hotel.example/pns".to_owned()),
        ..CheckFailure::default()
    }
}

fn on_the_wire(id: &str) -> CheckFailure {
    CheckFailure {
        exchanges: exchanges(),
        scenario: Some(ScenarioText {
            text: format!(
                "scenario: {id}\nclause: event-types\nsteps:\n  - request:\n      with: {{ x: {{ y: [1] }} }}\n"
            ),
            saved: Some("failures/accepts-unknown-fields-42.yaml".to_owned()),
            shrunk_by: 37,
        }),
        ..broken(id, (3, 3))
    }
}

fn on_a_schedule(id: &str) -> CheckFailure {
    let timeline = failure().deliveries;
    let mut delivered = timeline[0].clone();
    delivered.delivery = "d1".to_owned();
    delivered.name = None;
    delivered.attempts.truncate(2);
    delivered.attempts.push(attempt(3, 6, Some(200)));
    delivered.attempts_left_out = None;
    delivered.state = DeliveryState::Delivered(Duration::from_secs(360));
    CheckFailure {
        deliveries: vec![timeline[0].clone(), delivered],
        scenario: Some(ScenarioText { text: format!("scenario: {id}\n"), saved: None, shrunk_by: 0 }),
        ..broken(id, (2, 3))
    }
}

fn property(
    (id, title): (&str, &str),
    strength: Strength,
    verdict: ScenarioVerdict,
    (cases, requests): (u64, u64),
    failure: Option<(CheckVerdict, CheckFailure)>,
) -> [Event; 2] {
    let reason = verdict.reason().unwrap_or_default().to_owned();
    let check = match (&verdict, &failure) {
        (_, Some((check, _))) => check.clone(),
        (ScenarioVerdict::Skipped(_), None) => CheckVerdict::Skipped(reason),
        (ScenarioVerdict::Inconclusive(_), None) => CheckVerdict::Inconclusive(reason),
        _ => CheckVerdict::Passed,
    };
    let started = ScenarioStarted {
        id: id.to_owned(),
        title: title.to_owned(),
        location: None,
        clause: Clause::EventTypes,
    };
    let check = CheckResult {
        id: id.to_owned(),
        title: title.to_owned(),
        clause: Clause::EventTypes,
        strength,
        verdict: check,
        location: None,
        pns_time: Duration::ZERO,
        failure: failure.map(|(_, failure)| Box::new(failure)),
    };
    let finished = ScenarioFinished {
        id: id.to_owned(),
        verdict,
        checks: vec![check],
        pns_time: Duration::from_secs(60),
        wall: Duration::from_micros(123_456),
        attempts: requests,
        deliveries: cases,
        cases,
        notes: Vec::new(),
        pulls: None,
    };
    [Event::ScenarioStarted(started), Event::ScenarioFinished(finished)]
}

fn properties() -> Vec<Event> {
    use ScenarioVerdict::{ExpectedFailure, Failed, Inconclusive, Passed, Skipped, UnexpectedPass};
    use Strength::{Advice, Must, Should};
    let unknown = ("accepts/unknown-fields", "fields that do not exist yet are ignored");
    let every = ("accepts/every-event-type", "each of the 33 event types is acknowledged");
    let nul = ("accepts/text-nul", "U+0000 in a text does not break the receiver");
    let retry = ("delivery/retry-after-resets", "a notification is acknowledged after resets");
    let order = ("delivery/order-reversed", "the newest notification may come first");
    let known = ("http/chunked", "a chunked body is accepted, or refused with 411");
    let mended = ("http/pipelined", "two requests may come before the first answer");
    let slow = ("http/slow-body", "a body may take two seconds");
    let once = ("effects/processed-once", "each notification has one effect");
    let type_kept = ("effects/type-kept", "the effect is of the notification’s type");
    let why = || "ticket 7".to_owned();
    let no_probe = || Skipped("no probe: see --probe".to_owned());
    let fails = |failure| Some((CheckVerdict::Failed, failure));
    let warns = |failure| Some((CheckVerdict::Warned, failure));
    [
        property(every, Must, Passed, (33, 33), None),
        property(unknown, Must, Failed, (25, 61), fails(on_the_wire(unknown.0))),
        property(nul, Advice, Passed, (1, 3), warns(broken(nul.0, (3, 3)))),
        property(retry, Should, Failed, (1, 9), fails(on_a_schedule(retry.0))),
        property(order, Should, Passed, (1, 2), None),
        property(known, Should, ExpectedFailure(why()), (3, 9), fails(broken(known.0, (3, 3)))),
        property(mended, Should, UnexpectedPass(why()), (1, 2), None),
        property(slow, Should, Inconclusive("the receiver asked for less".to_owned()), (1, 6), None),
        property(once, Should, no_probe(), (0, 0), None),
        property(type_kept, Should, no_probe(), (0, 0), None),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn checks_run() -> Vec<Event> {
    let mut events = run();
    let Some(Event::RunStarted(mut started)) = events.drain(..).next() else { unreachable!("it begins so") };
    started.subject = Subject::Checks;
    started.scenarios = 10;
    started.notes = vec![Note::EffectsNotChecked, Note::NoApiKey];
    let properties = properties();
    let mut totals = Totals::default();
    for event in &properties {
        if let Event::ScenarioFinished(finished) = event {
            totals.count(finished);
        }
    }
    events.push(Event::RunStarted(started));
    events.extend(properties);
    events.push(Event::RunFinished(RunFinished {
        totals,
        wall: Duration::from_millis(8_920),
        pns_time: Duration::from_secs(600),
        end: RunEnd::Complete,
    }));
    events
}

#[test]
fn human_report_of_checks() {
    insta::assert_snapshot!(human_of(&checks_run(), Detail::Verdicts));
}

#[test]
fn titles_of_checks_that_held_are_told_on_demand() {
    let title = "each of the 33 event types";
    assert!(!human_of(&checks_run(), Detail::Verdicts).contains(title));
    assert!(human_of(&checks_run(), Detail::Checks).contains(title));
}

#[test]
fn junit_report_of_checks() {
    insta::assert_snapshot!(junit::render(&collected_of(&checks_run()), &redactor()));
}

#[test]
fn tap_report_of_checks() {
    insta::assert_snapshot!(tap::render(&collected_of(&checks_run()), &redactor()));
}

#[test]
fn github_summary_of_checks() {
    insta::assert_snapshot!(github::summary(&collected_of(&checks_run()), &redactor()));
}

#[test]
fn json_report_of_checks_keeps_to_its_published_schema() {
    let report = json::render(&collected_of(&checks_run()), &redactor());
    assert_eq!(schema_errors(&report), Vec::<String>::new());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["subject"], &report["fail_on"]), (&"checks".into(), &"should".into()));
    let failure = &report["scenarios"][1]["checks"][0]["failure"];
    assert_eq!(failure["reproduced"], serde_json::json!({ "failed": 3, "tried": 3 }));
    assert_eq!(failure["exchanges"][2]["latency_us"], 2_345);
    assert_eq!(failure["scenario"]["shrunk_by"], 37);
    assert_eq!(report["scenarios"][2]["warned"], true);
    assert_eq!(report["scenarios"][1]["cases"], 25);
}

#[test]
fn the_page_tells_everything_in_its_place() {
    let page = html::render(&collected_of(&checks_run()), &redactor());
    let places: Vec<usize> = [
        "The receiver broke 2 checks",
        "effects are not checked",
        "fields that do not exist yet are ignored",
        "reproduced every time (3 of 3)",
        "HTTP/1.1 500 Internal Server Error",
        "flaky: it failed 2 of 3 times",
        "class=\"m-status\"",
        "pill\">not red in this run",
        "All checks",
    ]
    .iter()
    .map(|text| page.find(text).unwrap_or_else(|| panic!("`{text}` is missing")))
    .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("url("));
}

#[test]
fn a_page_of_scenarios_is_complete_too() {
    let page = html::render(&collected(), &redactor());
    for text in ["the harness itself failed", "1.2 ms", "86 more", "All scenarios", "Mended"] {
        assert!(page.contains(text), "`{text}` is missing");
    }
}

#[test]
fn annotations_come_after_the_log_in_which_commands_are_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.md");
    fs::write(&path, "before\n").unwrap();
    let token = || "token".to_owned();
    let mut guard = CommandGuard::new(Vec::new(), token());
    let mut github = GithubActions::prepare(Vec::new(), token(), Some(&path), redactor()).unwrap();
    for event in checks_run() {
        guard.handle(&event).unwrap();
        github.handle(&event).unwrap();
    }
    assert_eq!(String::from_utf8(guard.into_inner()).unwrap(), "::stop-commands::token\n");
    insta::assert_snapshot!(String::from_utf8(github.into_inner()).unwrap());
    let summary = fs::read_to_string(path).unwrap();
    assert!(summary.starts_with("before\n## ❌ pns"), "{summary}");
}

#[test]
fn ten_annotations_are_told_the_worst_first() {
    let mut events = checks_run();
    let end = events.pop().unwrap();
    for number in 0..15 {
        let id = format!("rejects/check-{number}");
        let (strength, times) =
            if number == 14 { (Strength::Must, (3, 3)) } else { (Strength::Should, (1, 3)) };
        let failure = Some((CheckVerdict::Failed, broken(&id, times)));
        events.extend(property((&id, "junk is refused"), strength, ScenarioVerdict::Failed, (1, 1), failure));
    }
    events.push(end);
    let mut github = GithubActions::prepare(Vec::new(), String::new(), None, redactor()).unwrap();
    events.iter().for_each(|event| github.handle(event).unwrap());
    let text = String::from_utf8(github.into_inner()).unwrap();
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 10);
    assert!(errors.iter().take(3).any(|line| line.contains("rejects/check-14")), "{text}");
    assert!(text.contains("8 more annotations in the step summary"), "{text}");
}

#[test]
fn a_page_goes_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("new/")] {
        let report = FileReport { format: FileFormat::Html, path: path.clone() };
        let mut reporter = FileReporter::prepare(&report, redactor()).unwrap();
        checks_run().iter().for_each(|event| reporter.handle(event).unwrap());
        assert!(fs::read_to_string(path.join("index.html")).unwrap().starts_with("<!doctype html>"));
    }
}
