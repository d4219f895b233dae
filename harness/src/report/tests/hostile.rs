//! What a receiver says is its own choice: no text, wherever it stands, breaks a format or gives an order.

use super::super::github::GithubActions;
use super::checks::checks_run;
use super::*;

const HOSTILE: [&str; 9] = [
    "</pre></td></details><script>alert(1)</script><img src=x onerror=alert(1)>\"'",
    "]]><!--  --><?xml?>&#0;&lt;&\u{0}\u{b}\u{fffe}\u{ffff}",
    "  ...\n  ---\nok 1 - forged\nnot ok 2 # TODO\nBail out! forged\n1..0 # SKIP forged",
    "::error::forged\n  ::set-output name=a::b\n##[error]forged",
    "``` \n````\n# heading | cell | <b>\n[a](javascript:alert(1)) @someone",
    "\u{1b}[2J\u{1b}]0;title\u{7}\r\n\u{202e}reversed\u{2028}\u{85}",
    "- key: &anchor *alias !!python/object \"\\\u{feff}",
    "",
    "\n\n",
];

/// The run with `text` in every place where foreign text can stand.
fn poisoned(events: Vec<Event>, text: &str) -> Vec<Event> {
    let mut events = events;
    for event in &mut events {
        match event {
            Event::RunStarted(run) => {
                run.target = Target::Endpoint(text.to_owned());
                run.notes.push(Note::Other(text.to_owned()));
            }
            Event::ScenarioStarted(scenario) => {
                scenario.title = text.to_owned();
                scenario.location = Some(Location { file: text.to_owned(), line: 1 });
            }
            Event::ScenarioFinished(scenario) => {
                scenario.notes.push(text.to_owned());
                poison_verdict(&mut scenario.verdict, text);
                scenario.checks.iter_mut().for_each(|check| poison_check(check, text));
            }
            Event::RunFinished(run) => run.end = RunEnd::Unreachable(text.to_owned()),
            Event::ScenarioProgress(_) | Event::CheckFinished { .. } => {}
        }
    }
    events
}

fn poison_verdict(verdict: &mut ScenarioVerdict, text: &str) {
    match verdict {
        ScenarioVerdict::Passed | ScenarioVerdict::Failed => {}
        ScenarioVerdict::Skipped(reason)
        | ScenarioVerdict::Inconclusive(reason)
        | ScenarioVerdict::Error(reason)
        | ScenarioVerdict::ExpectedFailure(reason)
        | ScenarioVerdict::UnexpectedPass(reason) => text.clone_into(reason),
    }
}

fn poison_check(check: &mut CheckResult, text: &str) {
    text.clone_into(&mut check.title);
    let Some(failure) = &mut check.failure else { return };
    for place in [&mut failure.expected, &mut failure.found, &mut failure.explanation, &mut failure.repeat] {
        text.clone_into(place);
    }
    failure.curl = Some(text.to_owned());
    failure.scenario = Some(ScenarioText { text: text.to_owned(), saved: None, shrunk_by: 1 });
    for exchange in &mut failure.exchanges {
        exchange.response = Some(text.to_owned());
        let WireExchange { label, request, outcome, connection, .. } = exchange;
        [label, request, outcome, connection].into_iter().for_each(|place| text.clone_into(place));
    }
    for delivery in &mut failure.deliveries {
        delivery.name = Some(text.to_owned());
        text.clone_into(&mut delivery.event_type);
        for attempt in &mut delivery.attempts {
            text.clone_into(&mut attempt.outcome);
            attempt.fault = Some(text.to_owned());
            attempt.detail = Some(text.to_owned());
        }
    }
}

fn each(check: impl Fn(&str, &[Event], &Collected)) {
    for text in HOSTILE {
        for events in [run(), checks_run()] {
            let events = poisoned(events, text);
            check(text, &events, &collected_of(&events));
        }
    }
}

/// Tags of `page` in order, or where it stops being well-formed. Attributes are all in double quotes.
fn tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').expect("a tag ends") + start;
        tags.push(rest[start + 1..end].split(' ').next().unwrap_or_default().to_owned());
        rest = &rest[end + 1..];
    }
    tags
}

#[test]
fn no_text_adds_an_element_to_the_page() {
    const VOID: [&str; 2] = ["!doctype", "meta"];
    each(|text, _, collected| {
        let page = html::render(collected, &redactor());
        let mut open = Vec::new();
        for tag in tags(&page) {
            assert!(!["script", "img", "b>"].contains(&tag.as_str()), "{text:?}: <{tag}>");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop().as_deref(), Some(name), "{text:?}"),
                None if VOID.contains(&tag.as_str()) => {}
                None => open.push(tag),
            }
        }
        assert_eq!(open, Vec::<String>::new(), "{text:?}");
        assert!(!page.contains(['\u{0}', '\u{b}', '\u{1b}', '\u{202e}']), "{text:?}");
    });
}

#[test]
fn no_text_adds_a_point_to_tap() {
    each(|text, _, collected| {
        let report = tap::render(collected, &redactor());
        let point =
            |line: &str| line.strip_prefix("not ").unwrap_or(line).strip_prefix("ok ").map(str::to_owned);
        let points: Vec<String> = report.lines().filter_map(point).collect();
        for (index, point) in points.iter().enumerate() {
            assert!(point.starts_with(&format!("{} - ", index + 1)), "{text:?}:\n{report}");
        }
        // A run that bails out has no plan.
        assert!(!report.lines().any(|line| line.starts_with("1..")), "{text:?}:\n{report}");
        assert_eq!(report.lines().filter(|line| line.starts_with("Bail out!")).count(), 1);
        let blocks = |fence: &str| report.lines().filter(|line| *line == fence).count();
        assert_eq!(blocks("  ---"), blocks("  ..."), "{text:?}:\n{report}");
        assert!(report.lines().all(|line| !line.starts_with("  ") || is_diagnostic(line)), "{report}");
    });
}

/// Keys are ours, and what follows them is a number, a flag or one whole quoted text.
fn is_diagnostic(line: &str) -> bool {
    let line = line.trim_start();
    let value = match line.strip_prefix("- ") {
        Some(value) => value,
        None if matches!(line, "---" | "..." | "-") => return true,
        None => match line.split_once(": ") {
            Some((_, value)) => value,
            None => return line.ends_with(':'),
        },
    };
    value.parse::<u64>().is_ok()
        || matches!(value, "true" | "false")
        || serde_json::from_str::<String>(value).is_ok()
}

#[test]
fn no_text_gives_an_order_to_github() {
    each(|text, events, _| {
        let mut github = GithubActions::prepare(Vec::new(), "t".to_owned(), None, redactor()).unwrap();
        events.iter().for_each(|event| github.handle(event).unwrap());
        let out = String::from_utf8(github.into_inner()).unwrap();
        for line in out.lines() {
            let ours = ["::t::", "::error ", "::warning ", "::notice "];
            assert!(ours.iter().any(|command| line.starts_with(command)), "{text:?}: {line}");
        }
    });
}

#[test]
fn no_text_adds_markup_to_the_summary() {
    each(|text, _, collected| {
        let summary = github::summary(collected, &redactor());
        let mut fence: Option<&str> = None;
        for line in summary.lines() {
            match fence {
                Some(open) if line == open => fence = None,
                Some(_) => {}
                None if line.starts_with("```") => fence = Some(line.trim_end_matches("text")),
                None => {
                    let ours = ["<details>", "</details>", "<summary>", "</summary>"];
                    let rest = ours.iter().fold(line.to_owned(), |line, tag| line.replace(tag, ""));
                    assert!(!rest.contains('<') && !rest.contains('@'), "{text:?}: {line}");
                }
            }
        }
        assert_eq!(fence, None, "{text:?}");
    });
}

#[test]
fn no_text_drives_the_terminal_or_breaks_xml_and_json() {
    each(|text, events, collected| {
        let human = human_of(events, Detail::Checks);
        assert!(!human.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{text:?}");
        let suites = quick_junit::Report::deserialize_from_str(&junit::render(collected, &redactor()));
        assert!(suites.unwrap().test_suites.len() > 3, "{text:?}");
        assert_eq!(schema_errors(&json::render(collected, &redactor())), Vec::<String>::new());
    });
}
