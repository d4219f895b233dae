//! Where the body of an HTTP/1 request ends.

use tokio::time::timeout;

use super::message::{Field, Head, Reply, Version, refuse};
use super::plan::{Both, Chunked, Cut, Framing, Reads};
use super::wire::{Reader, Stopped, Stream};

/// Bytes of one chunk line or trailer section.
const LINE_MAX: usize = 8 * 1024;

/// What [`Chunked::FewOnly`] takes.
const CHUNKS_FEW: u32 = 64;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimited {
    Length(u64),
    Chunked,
}

/// Why there is no whole body.
#[derive(Debug)]
pub(super) enum Flaw {
    /// The request is to be refused; what follows on the connection means nothing.
    Refused(Reply),
    /// The peer left, or kept still for too long, after these bytes.
    BrokeOff(Vec<u8>),
}

impl From<Reply> for Flaw {
    fn from(reply: Reply) -> Self {
        Self::Refused(reply)
    }
}

/// How the head says the body is delimited (RFC 9112, 6.3).
pub(super) fn delimited(head: &Head, both: Both) -> Result<Delimited, Reply> {
    let bad = |detail| refuse(400, detail);
    let length = length(head)?;
    if head.all("transfer-encoding").next().is_none() || (both == Both::LengthCounts && length.is_some()) {
        return Ok(Delimited::Length(length.unwrap_or(0)));
    }
    if length.is_some() || head.version == Version::Http10 {
        return Err(bad("a length and chunks, or chunks in HTTP/1.0"));
    }
    let codings: Vec<_> =
        head.all("transfer-encoding").filter_map(Field::text).flat_map(|text| text.split(',')).collect();
    match codings[..] {
        [coding] if coding.trim().eq_ignore_ascii_case("chunked") => Ok(Delimited::Chunked),
        _ => Err(refuse(501, "a transfer coding other than chunked")),
    }
}

/// Several equal lengths are one (RFC 9110, 8.6).
fn length(head: &Head) -> Result<Option<u64>, Reply> {
    let bad = || refuse(400, "a length that is none");
    let mut length = None;
    for field in head.all("content-length") {
        for text in field.text().ok_or_else(bad)?.split(',').map(str::trim) {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(bad());
            }
            let number = text.parse().map_err(|_| bad())?;
            if length.is_some_and(|length| length != number) {
                return Err(bad());
            }
            length = Some(number);
        }
    }
    Ok(length)
}

/// Reads the body.
pub(super) async fn read<S: Stream>(
    reader: &mut Reader<S>,
    delimited: Delimited,
    framing: &Framing,
) -> Result<Vec<u8>, Flaw> {
    match delimited {
        Delimited::Length(length) => with_length(reader, length, framing).await,
        Delimited::Chunked => match framing.chunked {
            Chunked::LengthDemanded => Err(refuse(411, "a length is demanded").into()),
            Chunked::Hangs => Err(Reply::Hang.into()),
            Chunked::TakenForEmpty => {
                reader.forget();
                Ok(Vec::new())
            }
            Chunked::LinesTakenForBody => {
                if reader.buffered() == 0 {
                    reader.fill_once().await.map_err(|_| Flaw::BrokeOff(Vec::new()))?;
                }
                Ok(reader.take_all())
            }
            _ => chunks(reader, framing).await,
        },
    }
}

async fn with_length<S: Stream>(
    reader: &mut Reader<S>,
    length: u64,
    framing: &Framing,
) -> Result<Vec<u8>, Flaw> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > framing.body_max {
        return Err(too_large().into());
    }
    if framing.length == Reads::Once {
        if reader.buffered() == 0 && length > 0 {
            reader.fill_once().await.map_err(|_| Flaw::BrokeOff(Vec::new()))?;
        }
        return Ok(reader.take(length.min(reader.buffered())));
    }
    let filled = match framing.length {
        Reads::Within(span) => {
            let late = || refuse(408, "the body did not come in time");
            timeout(span, reader.fill_to(length)).await.map_err(|_| late())?
        }
        _ => reader.fill_to(length).await,
    };
    match filled {
        Ok(()) => Ok(reader.take(length)),
        Err(Stopped) if framing.cut == Cut::TakenForWhole => Ok(reader.take_all()),
        Err(Stopped) => Err(Flaw::BrokeOff(reader.take_all())),
    }
}

async fn chunks<S: Stream>(reader: &mut Reader<S>, framing: &Framing) -> Result<Vec<u8>, Flaw> {
    let mut body = Vec::new();
    let mut count = 0;
    let flaw = || match framing.chunked {
        Chunked::FlawIsInternalError => Flaw::Refused(refuse(500, "internal server error")),
        _ => Flaw::Refused(refuse(400, "a chunk that is none")),
    };
    loop {
        let Ok(line) = reader.line(LINE_MAX).await else { return Err(Flaw::BrokeOff(body)) };
        let size = line.as_deref().and_then(|line| chunk_size(line, framing.chunked)).ok_or_else(flaw)?;
        if size == 0 {
            break;
        }
        count += 1;
        if count > CHUNKS_FEW && framing.chunked == Chunked::FewOnly {
            return Err(flaw());
        }
        if body.len().saturating_add(size) > framing.body_max {
            return Err(too_large().into());
        }
        if reader.fill_to(size + 2).await.is_err() {
            body.extend(reader.take_all());
            return Err(Flaw::BrokeOff(body));
        }
        body.extend(reader.take(size));
        if reader.take(2) != b"\r\n" {
            return Err(flaw());
        }
    }
    if framing.chunked == Chunked::TrailersLeft {
        // The empty line that most requests have here passes for the one that may come before a request line.
        return Ok(body);
    }
    let mut trailers = 0;
    loop {
        let Ok(line) = reader.line(LINE_MAX).await else { return Err(Flaw::BrokeOff(body)) };
        let line = line.ok_or_else(flaw)?;
        trailers += line.len();
        if line.is_empty() {
            return Ok(body);
        }
        if trailers > LINE_MAX || !line.contains(&b':') {
            return Err(flaw());
        }
    }
}

/// The size that a chunk line announces; extensions are passed over (RFC 9112, 7.1.1).
fn chunk_size(line: &[u8], chunked: Chunked) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    let (size, extension) = match line.split_once(';') {
        Some((size, extension)) => (size, Some(extension)),
        None => (line, None),
    };
    if extension.is_some() && chunked == Chunked::ExtensionsRefused {
        return None;
    }
    let radix = if chunked == Chunked::DecimalSizes { 10 } else { 16 };
    let size = size.trim_end_matches([' ', '\t']);
    if size.is_empty() || size.len() > 8 || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    usize::from_str_radix(size, radix).ok()
}

fn too_large() -> Reply {
    refuse(413, "the body is larger than this receiver takes")
}

#[cfg(test)]
mod tests {
    use super::super::head;
    use super::*;

    fn of(fields: &str) -> Result<Delimited, Option<u16>> {
        let text = format!("POST /pns HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        delimited(&head::parse(text.as_bytes()).unwrap(), Both::Refused).map_err(|reply| reply.status())
    }

    #[test]
    fn a_body_is_delimited_by_one_thing_alone() {
        assert_eq!(of("X: y"), Ok(Delimited::Length(0)));
        assert_eq!(of("content-length: 7\r\nContent-Length: 7"), Ok(Delimited::Length(7)));
        assert_eq!(of("Transfer-Encoding: Chunked"), Ok(Delimited::Chunked));
        for bad in [
            "Content-Length: 7\r\nContent-Length: 8",
            "Content-Length: 7, 8",
            "Content-Length: +7",
            "Content-Length:",
            "Content-Length: 7\r\nTransfer-Encoding: chunked",
        ] {
            assert_eq!(of(bad), Err(Some(400)), "{bad}");
        }
        assert_eq!(of("Transfer-Encoding: gzip, chunked"), Err(Some(501)));
    }

    #[test]
    fn chunk_lines_are_hexadecimal_with_extensions() {
        let as_specified = |line: &[u8]| chunk_size(line, Chunked::AsSpecified);
        assert_eq!(as_specified(b"1a"), Some(26));
        assert_eq!(as_specified(b"1A ;a=\"b\""), Some(26));
        assert_eq!(as_specified(b"000"), Some(0));
        for bad in [&b"zz"[..], b"", b"-1", b"+1", b"0x1", b" 1", b"123456789"] {
            assert_eq!(as_specified(bad), None);
        }
    }
}
