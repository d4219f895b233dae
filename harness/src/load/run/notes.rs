//! What weakens the figures of a run, in words.

use crate::load::record::{LATE_AFTER, NotSent, Recorder};
use crate::load::round::End;
use crate::load::settings::{LoadSettings, Model};
use crate::load::share::Share;
use crate::settings::HttpVersion;

pub(super) fn notes(settings: &LoadSettings, site: &[String], recorder: &Recorder, end: End) -> Vec<String> {
    let mut notes = site.to_vec();
    if let End::Stopped { abandoned } = end {
        let under_way = match abandoned {
            0 => String::new(),
            count => format!("; {count} requests were under way, and are in no count"),
        };
        notes.push(format!("the run was ended before its end{under_way}"));
    }
    if matches!(settings.model, Model::Closed { .. }) {
        notes.push(
            "closed model: a receiver that stalls is sent less, and latencies look better than a real sender finds \
             them"
                .to_owned(),
        );
    }
    let late = recorder.late.by_generator;
    if late > 0 && Share::one_percent().reached_by(late, recorder.sent()) {
        notes.push(format!(
            "{late} of {} requests were sent more than {LATE_AFTER:?} late by the generator's own doing: this machine \
             is too slow for the rate, or busy",
            recorder.sent()
        ));
    }
    if let Some(count) = recorder.not_sent.get(&NotSent::BacklogFull) {
        notes.push(format!(
            "{count} arrivals were not sent, because more than {} waited for one of {} connections",
            settings.connections.backlog, settings.connections.most
        ));
    }
    if settings.connection.http_version == HttpVersion::Http2IfOffered {
        notes.push("over HTTP/2, each connection carries one request at a time".to_owned());
    }
    if settings.connection.target.as_ref().is_some_and(|target| !target.is_secure()) {
        notes.push("the target is plain HTTP, to which PNS does not send".to_owned());
    }
    notes
}
