//! What weakens the figures of a run, in words, as far as no other field of a document tells it: counts, models and
//! the embedded receiver are told by reports, and stay right when documents are merged.

use crate::load::round::End;
use crate::load::settings::LoadSettings;
use crate::settings::HttpVersion;

pub(super) fn notes(settings: &LoadSettings, site: &[String], end: End) -> Vec<String> {
    let mut notes = site.to_vec();
    if let End::Stopped { abandoned } = end {
        let under_way = match abandoned {
            0 => String::new(),
            count => format!("; {count} requests were under way, and are in no count"),
        };
        notes.push(format!("the run was ended before its end{under_way}"));
    }
    if settings.connection.http_version == HttpVersion::Http2IfOffered {
        notes.push("over HTTP/2, each connection carries one request at a time".to_owned());
    }
    if settings.connection.target.as_ref().is_some_and(|target| !target.is_secure()) {
        notes.push("the target is plain HTTP, to which PNS does not send".to_owned());
    }
    notes
}
