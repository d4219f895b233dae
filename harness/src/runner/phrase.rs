//! A request by bytes, in words: the check's title where the scenario names none.

use super::words;
use crate::scenario::model::{Request, RequestAuth, RequestBody};
use crate::wire::plan::stop_words;
use crate::wire::shape::{Below, Framing, Pieces, Version};

/// "a RFP_SEND, chunked, in 10 pieces, is answered 2xx".
pub(super) fn title(request: &Request, wanted: &str) -> String {
    let mut parts = vec![subject(request)];
    if request.method != "POST" {
        parts.push(format!("as {}", request.method));
    }
    match request.version {
        Version::Http11 => {}
        Version::Http10 | Version::Http2 => parts.push(format!("over {}", request.version.name())),
    }
    match &request.auth {
        RequestAuth::Target => {}
        RequestAuth::None => parts.push("without a key".to_owned()),
        RequestAuth::Wrong => parts.push("with a wrong key".to_owned()),
        RequestAuth::Text(_) => parts.push("with another authorization".to_owned()),
    }
    match &request.framing {
        Framing::Length => {}
        Framing::LengthOf(length) => parts.push(format!("with `Content-Length: {length}`")),
        Framing::None => parts.push("without a length".to_owned()),
        Framing::Chunked(_) => parts.push("chunked".to_owned()),
        Framing::ChunkLines(_) => parts.push("with broken chunks".to_owned()),
    }
    if let Some(writing) = request.writing {
        parts.push(match writing.pieces {
            Pieces::Count(count) => format!("in {}", words::count(count.get() as u64, "piece")),
            Pieces::Bytes => "byte by byte".to_owned(),
        });
    }
    match &request.below {
        Below::Tls(tls) if *tls == Default::default() => {}
        Below::Tls(_) => parts.push("with TLS shaped".to_owned()),
        Below::Plain => parts.push("as plain HTTP".to_owned()),
        Below::Raw(_) => parts.push("with other bytes in place of TLS".to_owned()),
    }
    parts.extend(request.stop.map(stop_words));
    parts.extend(request.on.as_ref().map(|on| format!("on connection `{on}`")));
    let course = &request.course;
    if course.copies > 1 {
        parts.push(format!("{} at once", course.copies));
    }
    if course.times > 1 {
        parts.push(words::count(course.times.into(), "time"));
    }
    let comma = if parts.len() > 1 { "," } else { "" };
    format!("{}{comma} is answered: {wanted}", parts.join(", "))
}

fn subject(request: &Request) -> String {
    match &request.body {
        RequestBody::Generated { event_type, with: None, without } if without.is_empty() => {
            format!("{event_type}")
        }
        RequestBody::Generated { event_type, .. } => format!("{event_type} with other members"),
        RequestBody::Text(_) => "a body of its own".to_owned(),
        RequestBody::Bytes(bytes) => words::count(bytes.len() as u64, "byte"),
        RequestBody::Same(name) => format!("`{name}` again"),
    }
}
