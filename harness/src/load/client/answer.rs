//! Reads answers of HTTP/1.1 (RFC 9112): as much of them as decides what came of a request, and where the next one
//! begins. Strict where framing could be mistaken, lenient where the RFC allows it.

use std::ops::ControlFlow;
use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};
use pns_simulator::transport::HttpsTransport;

/// Header fields of an answer: more are malformed.
const FIELDS_MAX: usize = 100;

/// The longest line of a chunk's size, with its extensions.
const CHUNK_LINE_MAX: usize = 4_096;

/// What is no answer of HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// Whether the connection may carry another request.
    pub(super) persists: bool,
    /// The wait that a 429 or a 503 asks for.
    pub(super) retry_after: Option<Duration>,
}

/// How the end of an answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// The head at the start of `bytes`, and its length; `None`: it is not whole yet.
pub(super) fn head(bytes: &[u8]) -> Result<Option<(Head, usize)>, Malformed> {
    let mut rest = bytes;
    // Some servers end a body by one line feed too many.
    while let [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] = rest {
        rest = after;
    }
    let Some(line) = take_line(&mut rest) else { return Ok(None) };
    let (status, minor) = status_line(line)?;
    let mut fields = Fields::default();
    for _ in 0..=FIELDS_MAX {
        let Some(line) = take_line(&mut rest) else { return Ok(None) };
        if line.is_empty() {
            return Ok(Some((fields.head(status, minor)?, bytes.len() - rest.len())));
        }
        fields.take(line, status)?;
    }
    Err(Malformed("too many header fields"))
}

/// The next line without its end, which may be a line feed alone (RFC 9112, 2.2).
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The status and the minor version.
fn status_line(line: &[u8]) -> Result<(u16, u8), Malformed> {
    let no = Malformed("no status line of HTTP/1.1");
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9', b' ', code @ ..] = line else {
        return Err(no);
    };
    let (code, reason) = code.split_at_checked(3).ok_or(no)?;
    if !(reason.is_empty() || reason[0] == b' ') || !code.iter().all(u8::is_ascii_digit) || code[0] == b'0' {
        return Err(no);
    }
    let status = code.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    Ok((status, minor - b'0'))
}

/// What the fields say that matters here.
#[derive(Debug, Default)]
struct Fields {
    length: Option<u64>,
    transfer: Option<Transfer>,
    close: bool,
    keep_alive: bool,
    when: Option<Box<HeaderMap>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    Chunked,
    Other,
}

impl Fields {
    fn take(&mut self, line: &[u8], status: u16) -> Result<(), Malformed> {
        let colon =
            line.iter().position(|byte| *byte == b':').ok_or(Malformed("a header without a colon"))?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Malformed("a header's name with characters that no name has"));
        }
        if value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(Malformed("a header's value with control characters"));
        }
        // By length first: most fields are none of these.
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let last = value.rsplit(|byte| *byte == b',').next().unwrap_or(value).trim_ascii();
                let chunked = last.eq_ignore_ascii_case(b"chunked");
                self.transfer = Some(if chunked { Transfer::Chunked } else { Transfer::Other });
                Ok(())
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
                Ok(())
            }
            4 if matches!(status, 429 | 503) && name.eq_ignore_ascii_case(b"date") => self.keep(DATE, value),
            11 if matches!(status, 429 | 503) && name.eq_ignore_ascii_case(b"retry-after") => {
                self.keep(RETRY_AFTER, value)
            }
            _ => Ok(()),
        }
    }

    /// The same length may stand several times (RFC 9112, 6.3).
    fn length(&mut self, value: &[u8]) -> Result<(), Malformed> {
        for one in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let digits = !one.is_empty() && one.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(one).ok().filter(|_| digits).and_then(|text| text.parse().ok());
            let length = length.ok_or(Malformed("a Content-Length that is no number"))?;
            if *self.length.get_or_insert(length) != length {
                return Err(Malformed("several Content-Lengths that differ"));
            }
        }
        Ok(())
    }

    fn keep(&mut self, name: HeaderName, value: &[u8]) -> Result<(), Malformed> {
        let value = HeaderValue::from_bytes(value).map_err(|_| Malformed("a header's value that is none"))?;
        self.when.get_or_insert_default().entry(name).or_insert(value);
        Ok(())
    }

    fn head(&self, status: u16, minor: u8) -> Result<Head, Malformed> {
        let framing = match (status, self.transfer, self.length) {
            (100..=199 | 204 | 304, _, _) => Framing::Length(0),
            (_, Some(Transfer::Chunked), _) => Framing::Chunked,
            (_, Some(Transfer::Other), _) | (_, None, None) => Framing::UntilClose,
            (_, None, Some(length)) => Framing::Length(length),
        };
        // Both a length and a coding: whose end is it? The coding counts, and nothing after it is believed.
        let doubtful = self.transfer.is_some() && (self.length.is_some() || minor == 0);
        let kept = if minor == 0 { self.keep_alive && !self.close } else { !self.close };
        let switched = status == 101;
        if switched {
            return Err(Malformed("101, although no other protocol was asked for"));
        }
        Ok(Head {
            status,
            framing,
            persists: kept && !doubtful && framing != Framing::UntilClose,
            retry_after: self.when.as_deref().and_then(HttpsTransport::retry_after),
        })
    }
}

const fn is_token(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'.' | b'^'
        | b'_' | b'`' | b'|' | b'~')
}

/// Where in a body of chunks one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    Size,
    Data(u64),
    /// The line end after a chunk.
    End,
    Trailer,
}

impl Chunks {
    /// Takes what it can of `bytes`: `Break` with how much when that was the end of the body, `Continue` with how much
    /// when more is needed. `data` is shown the content.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(&[u8]),
    ) -> Result<ControlFlow<usize, usize>, Malformed> {
        let mut rest = bytes;
        let taken = |rest: &[u8]| bytes.len() - rest.len();
        loop {
            let before = rest;
            match *self {
                Self::Data(left) => {
                    let piece = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    data(&rest[..piece]);
                    rest = &rest[piece..];
                    let left = left - piece as u64;
                    *self = if left == 0 { Self::End } else { Self::Data(left) };
                    if left > 0 {
                        return Ok(ControlFlow::Continue(taken(rest)));
                    }
                }
                Self::Size | Self::End | Self::Trailer => {
                    let Some(line) = take_line(&mut rest) else {
                        if before.len() > CHUNK_LINE_MAX {
                            return Err(Malformed("a line among the chunks that does not end"));
                        }
                        return Ok(ControlFlow::Continue(taken(before)));
                    };
                    *self = match *self {
                        Self::Size => match chunk_size(line)? {
                            0 => Self::Trailer,
                            size => Self::Data(size),
                        },
                        Self::End if line.is_empty() => Self::Size,
                        Self::End => return Err(Malformed("a chunk longer than it says")),
                        _ if line.is_empty() => return Ok(ControlFlow::Break(taken(rest))),
                        _ => Self::Trailer,
                    };
                }
            }
        }
    }
}

fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or(line).trim_ascii();
    let hexadecimal = !digits.is_empty() && digits.len() <= 15 && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| hexadecimal);
    text.and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or(Malformed("a chunk without a size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Head>, Malformed> {
        head(text.as_bytes()).map(|found| {
            found.map(|(head, length)| {
                assert_eq!(length, text.len());
                head
            })
        })
    }

    fn framing(text: &str) -> (Framing, bool) {
        let head = read(text).unwrap().unwrap();
        (head.framing, head.persists)
    }

    #[test]
    fn the_end_of_an_answer_is_told_as_the_rfc_says() {
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), (Framing::Length(5), true));
        assert_eq!(framing("HTTP/1.1 200\ncontent-length: 5, 5\n\n"), (Framing::Length(5), true));
        assert_eq!(framing("HTTP/1.1 204 No\r\n\r\n"), (Framing::Length(0), true));
        assert_eq!(framing("HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n"), (Framing::Length(0), true));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n";
        assert_eq!(framing(chunked), (Framing::Chunked, true));
        let both = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(framing(both), (Framing::Chunked, false));
        assert_eq!(framing("HTTP/1.1 200 OK\r\n\r\n"), (Framing::UntilClose, false));
        let close = "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(framing(close), (Framing::Length(0), false));
        assert_eq!(framing("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), (Framing::Length(0), false));
        let kept = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(framing(kept), (Framing::Length(0), true));
    }

    #[test]
    fn retry_after_is_read_where_it_counts() {
        let wait = |status| {
            let text = format!("HTTP/1.1 {status} X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
            read(&text).unwrap().unwrap().retry_after
        };
        assert_eq!(
            [wait(503), wait(429), wait(500)],
            [Some(7), Some(7), None].map(|s| s.map(Duration::from_secs))
        );
    }

    #[test]
    fn a_part_of_a_head_is_no_head_yet() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for wrong in [
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1  200 OK\r\n\r\n",
            "garbage\r\n\r\n",
            "HTTP/1.1 101 X\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nname : value\r\n\r\n",
            "HTTP/1.1 200 OK\r\n folded: value\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx: \u{1}\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ] {
            assert!(head(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(FIELDS_MAX + 1));
        assert!(head(many.as_bytes()).is_err());
    }

    #[test]
    fn chunks_are_taken_in_any_pieces() {
        let body = b"4\r\nabcd\r\n0A;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
        for piece in 1..=body.len() {
            let (mut chunks, mut content, mut kept) = (Chunks::Size, Vec::new(), Vec::new());
            let mut ended = None;
            for bytes in body.chunks(piece) {
                kept.extend_from_slice(bytes);
                match chunks.take(&kept, |data| content.extend_from_slice(data)).unwrap() {
                    ControlFlow::Continue(taken) => drop(kept.drain(..taken)),
                    ControlFlow::Break(taken) => ended = Some(kept.len() - taken),
                }
            }
            assert_eq!((ended, content.as_slice()), (Some(0), b"abcd0123456789".as_slice()), "{piece}");
        }
    }

    #[test]
    fn chunks_that_are_none_are_refused() {
        for wrong in ["\r\n", "x\r\n", "-1\r\n", "4\r\nabcdef\r\n", "1234567890123456\r\n"] {
            assert!(Chunks::Size.take(wrong.as_bytes(), |_| ()).is_err(), "{wrong}");
        }
        assert!(Chunks::Size.take(&[b'0'; CHUNK_LINE_MAX + 1], |_| ()).is_err());
    }
}
