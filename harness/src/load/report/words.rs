//! Figures in words, the same in every report.

use std::time::Duration;

use crate::exit::Exit;
use crate::load::document::format::{Distribution, Document, Model, Settings};
use crate::load::share::Share;
use crate::load::verdict::Outcome;
use crate::report::text::{count, wall};
use crate::report::verdict::{Headline, Tone};

/// Where the figures are no measurement of anybody's receiver.
pub(super) const EMBEDDED: &str = "the embedded receiver, in this process and on this machine's processors: a trial of \
                                   the tool, no measurement of a receiver of yours";

/// What a closed loop does not show.
pub(super) const CLOSED: &str = "closed loop: each connection waits for its answer before it sends again, so a receiver that \
                                 stalls is sent less, and latencies look better than those that Cvent's notifications meet; \
                                 for comparison with tools that do the same";

/// From this share on, sends that are late by the generator's doing spoil percentiles.
const LATE_MATTERS: Share = Share::percent(1);

/// What the run came to.
pub(super) fn headline(document: &Document) -> Headline {
    let broken = document.verdicts.iter().filter(|one| one.outcome == Outcome::Broke.name()).count() as u64;
    let (tone, text) = match Exit::of_load(document) {
        Exit::Interrupted => (Tone::Unsure, "interrupted: the figures are of a part of the run".to_owned()),
        Exit::Broken if broken == 0 => (Tone::Bad, "not even the lowest rate held".to_owned()),
        Exit::Broken if broken == 1 => (Tone::Bad, "the receiver did not reach what was demanded".to_owned()),
        Exit::Broken => {
            (Tone::Bad, format!("the receiver did not reach {broken} of {} demands", document.verdicts.len()))
        }
        Exit::Held => (Tone::Good, held(document)),
        Exit::Inconclusive | Exit::Harness | Exit::Usage => (Tone::Unsure, undecided(document)),
    };
    Headline { tone, text, remark: advice(document) }
}

fn held(document: &Document) -> String {
    let max = document.search.as_ref().and_then(|search| search.max_per_second);
    match (max, &document.search, document.verdicts.as_slice()) {
        (Some(max), Some(search), _) if search.is_of_receiver => {
            format!("the receiver takes {}", rate(max))
        }
        (Some(max), _, _) => format!("the receiver takes {} or more", rate(max)),
        (None, _, []) if document.drain.is_some() => {
            let span = document.drain.as_ref().and_then(|drain| drain.caught_up_us);
            format!("the receiver caught up in {}", micros(span))
        }
        (None, _, []) => "measured; nothing was demanded of the receiver".to_owned(),
        (None, _, [_]) => "what was demanded held".to_owned(),
        (None, _, _) => "everything that was demanded held".to_owned(),
    }
}

fn undecided(document: &Document) -> String {
    let search = document.search.as_ref();
    match search.filter(|search| !search.is_of_receiver).map(|search| search.max_per_second) {
        _ if document.lacks_segments() => "inconclusive: not all segments of the run are here".to_owned(),
        _ if document.totals.acknowledged == 0 => "inconclusive: nothing was acknowledged".to_owned(),
        Some(Some(max)) => {
            format!("inconclusive: the receiver takes {} or more, and the generator was the limit", rate(max))
        }
        Some(None) => "inconclusive: the generator was the limit".to_owned(),
        None if document.verdicts.is_empty() => {
            "inconclusive: not all were acknowledged, so it is not known when the receiver caught up"
                .to_owned()
        }
        None => "inconclusive: not all that was demanded could be judged".to_owned(),
    }
}

/// The limit to ask for.
fn advice(document: &Document) -> Option<String> {
    let search = document.search.as_ref()?;
    let advised = rate(search.advised_per_second?);
    Some(match search.is_of_receiver {
        true => format!("rate limit to ask Cvent for: {advised}"),
        false => format!("rate limit that is safe to ask Cvent for, and lower than need be: {advised}"),
    })
}

/// `1999.8/s`, `12/s`.
pub(super) fn rate(per_second: f64) -> String {
    let digits = usize::from(per_second < 1_000.0);
    let text = format!("{per_second:.digits$}");
    format!("{}/s", text.strip_suffix(".0").unwrap_or(&text))
}

/// A latency, or what stands for none.
pub(super) fn micros(span: Option<u64>) -> String {
    span.map_or_else(|| "–".to_owned(), |span| wall(Duration::from_micros(span)))
}

/// A share, without decimals that say nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let text = crate::load::verdict::percent(part, whole);
    match text.strip_suffix('%') {
        Some(number) => format!("{}%", number.trim_end_matches('0').trim_end_matches('.')),
        None => text,
    }
}

/// The figures of a distribution that are told.
pub(super) fn quantiles(of: &Distribution) -> [(&'static str, Option<u64>); 5] {
    [("p50", of.p50_us), ("p90", of.p90_us), ("p99", of.p99_us), ("p99.9", of.p999_us), ("max", of.max_us)]
}

/// The receiver as a noun.
pub(super) fn target(settings: &Settings) -> &str {
    settings.target.as_deref().unwrap_or("the embedded receiver")
}

/// What was asked for, by name.
pub(super) fn asked(document: &Document) -> Vec<(&'static str, String)> {
    let settings = &document.settings;
    let span = wall_ms(settings.span_ms);
    let course = match settings.model {
        Model::Open => {
            let rate = settings.rate.as_ref().map(|rate| format!("{rate}, ")).unwrap_or_default();
            let shape = settings.shape.as_deref().unwrap_or("constant");
            format!("open model: {rate}{shape}, for {span}")
        }
        Model::Closed => {
            format!("closed loop: {} for {span}", count(settings.connections, "connection"))
        }
        Model::FindMax => format!("the highest rate that holds; each is tried for {span}"),
        Model::Drain => {
            let held = document.drain.as_ref().map_or(0, |drain| drain.held);
            let limit = match &settings.rate {
                Some(rate) => format!("at {rate} at most"),
                None => "all at once".to_owned(),
            };
            format!("{} held for a downtime, then released {limit}", count(held, "notification"))
        }
    };
    let mut sent = vec![format!("mix {}", settings.mix)];
    if settings.redelivered != "0%" {
        sent.push(format!("{} of them duplicates", settings.redelivered));
    }
    sent.push(format!("seed {}", settings.seed));
    sent.push(format!("schema pack {}", settings.schema_pack));
    let kept = if settings.keep_alive { "kept alive" } else { "a new one for each request" };
    let resumed = if settings.tls_resumption { "TLS sessions resumed" } else { "no TLS session resumed" };
    let over = format!(
        "at most {}, {kept}, {resumed}, HTTP/{}",
        count(settings.connections, "connection"),
        settings.http
    );
    let mut asked = vec![("course", course), ("bodies", sent.join(", ")), ("over", over)];
    if document.segments != ["1/1"] {
        asked.push(("segments", document.segments.join(", ")));
    }
    asked
}

/// What was measured, by name; percentiles stand in a table of their own.
pub(super) fn measured(document: &Document) -> Vec<(&'static str, String)> {
    let totals = &document.totals;
    let mut measured = Vec::new();
    let sent = match totals.not_sent {
        0 => format!("{}, all that were due", count(totals.sent, "request")),
        not_sent => format!("{} of {} due, {not_sent} not sent", totals.sent, totals.arrivals),
    };
    measured.push(("sent", sent));
    let share = percent(totals.acknowledged, totals.arrivals);
    measured.push(("accepted", format!("{share} ({} of {})", totals.acknowledged, totals.arrivals)));
    measured.push(("rate", format!("{} acknowledged", rate(totals.rate_per_second))));
    let connections = &document.connections;
    let resumed = match connections.resumed {
        0 => String::new(),
        resumed => format!(" ({resumed} with a resumed TLS session)"),
    };
    let opened = count(connections.opened, "connection");
    measured.push(("over", format!("{opened}{resumed}; {} over one in use before", connections.reused)));
    if let Some(ceiling) = document.generator_ceiling_per_second {
        let text = format!("{} against a receiver that does nothing", rate(ceiling));
        measured.push(("generator", text));
    }
    if let Some(drain) = &document.drain {
        let text = match drain.caught_up_us {
            Some(span) => format!("{} after the release", micros(Some(span))),
            None => "never: not all were acknowledged".to_owned(),
        };
        measured.push(("caught up", text));
        if let Some(limit) = &drain.rate_limit {
            let held = match drain.rate_limit_held {
                Some(true) => "held",
                Some(false) => "not held: the receiver was sent more",
                None => "not known whether it held",
            };
            measured.push(("limit", format!("{limit}, {held}")));
        }
    }
    measured
}

/// What weakens the figures.
pub(super) struct Note {
    /// It must not be missed.
    pub(super) is_loud: bool,
    pub(super) text: String,
}

/// What weakens the figures, the gravest first; never left out.
pub(super) fn notes(document: &Document) -> Vec<Note> {
    let totals = &document.totals;
    let mut notes = Vec::new();
    let mut add = |is_loud, text| notes.push(Note { is_loud, text });
    if document.settings.target.is_none() {
        add(true, format!("this is {EMBEDDED}"));
    }
    if document.settings.model == Model::Closed {
        add(true, CLOSED.to_owned());
    }
    if totals.late_by_generator > 0 {
        let text = format!(
            "{} started more than 10 ms late because the generator did not keep up ({}); the wait counts in the \
             latencies, though it is not the receiver's",
            count(totals.late_by_generator, "request"),
            percent(totals.late_by_generator, totals.sent)
        );
        add(LATE_MATTERS.reached_by(totals.late_by_generator, totals.sent), text);
    }
    if totals.late_for_connection > 0 {
        let text = format!(
            "{} started more than 10 ms late for want of a connection ({}): those in use waited for answers, or this \
             machine was busy; the wait counts in the latencies",
            count(totals.late_for_connection, "request"),
            percent(totals.late_for_connection, totals.sent)
        );
        add(false, text);
    }
    let steps = document.search.iter().flat_map(|search| &search.steps);
    let bunched = steps.map(|step| step.bunched).sum::<u64>().max(totals.bunched);
    if bunched > 0 {
        let text = format!(
            "{} {} asked to slow down that had gone out closer to others than they were due: the receiver's limit allows \
             little or no burst, and no sender is quite even",
            count(bunched, "request"),
            if bunched == 1 { "was" } else { "were" },
        );
        add(false, if document.search.is_some() { text + "; the search does not count them" } else { text });
    }
    for not_sent in &document.not_sent {
        let why = match not_sent.why.as_str() {
            "backlog-full" => "too many waited for a free connection",
            "run-ended" => "the run ended while they waited",
            other => other,
        };
        add(true, format!("{} not sent: {why}", count(not_sent.count, "notification")));
    }
    document.notes.iter().for_each(|note| add(false, note.clone()));
    notes
}

/// Why a step of a search did not hold.
pub(super) fn broke(why: Option<&str>) -> &str {
    match why {
        None => "held",
        Some("slow-down") => "asked to slow down",
        Some("acceptance") => "too few acknowledged",
        Some("p99") => "p99 too long",
        Some("falls-behind") => "fell behind",
        Some("generator") => "the generator was late",
        Some(other) => other,
    }
}

/// Milliseconds as a span of wall time.
pub(super) fn wall_ms(millis: u64) -> String {
    if millis.is_multiple_of(1_000) && millis < 60_000 {
        format!("{} s", millis / 1_000)
    } else {
        wall(Duration::from_millis(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_they_are_known_to() {
        assert_eq!([rate(12.0), rate(99.96), rate(1_999.8)], ["12/s", "100/s", "2000/s"]);
        assert_eq!(rate(0.25), "0.2/s");
        assert_eq!(percent(999, 1_000), "99.9%");
        assert_eq!(percent(99_999, 100_000), "99.999%");
        assert_eq!(percent(0, 0), "nothing was due");
        assert_eq!([wall_ms(30_000), wall_ms(1_500), wall_ms(90_000)], ["30 s", "1.50 s", "1 min 30 s"]);
    }
}
