//! From a [`Draft`] to the exact bytes, and when each of them is written. Pure.

use std::time::Duration;

use bytes::Bytes;

use super::shape::{Chunks, Framing, Part, Pieces, Stop, StopAfter, Then, Version, Writing};

/// Most writes of one request: with a pause between each, more would be a load test of the network.
pub(crate) const PIECES_MAX: usize = 10_000;
/// Most real time that the planned pauses of one request add up to: beyond it, a receiver may well give up.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(30);

/// One line of the head, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderLine(pub Vec<u8>);

impl HeaderLine {
    /// `name: value`.
    pub(crate) fn of(name: &str, value: &[u8]) -> Self {
        Self([name.as_bytes(), b": ", value].concat())
    }

    /// What stands before the colon, without spaces; a line without a colon has no name.
    pub(crate) fn name(&self) -> &[u8] {
        let end = self.0.iter().position(|byte| *byte == b':').unwrap_or(0);
        self.0[..end].trim_ascii()
    }

    /// What stands after the colon, without spaces around it.
    pub(crate) fn value(&self) -> &[u8] {
        let start = self.0.iter().position(|byte| *byte == b':').map_or(self.0.len(), |colon| colon + 1);
        self.0[start..].trim_ascii()
    }

    fn is(&self, name: &[u8]) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }
}

/// A request in its parts.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// As written.
    pub method: String,
    /// The request target as written.
    pub target: String,
    /// HTTP/1.0 or HTTP/1.1; HTTP/2 has no plan.
    pub version: Version,
    /// The usual headers, without those that frame the message.
    pub usual: Vec<HeaderLine>,
    /// Names of usual headers, framing among them, that are left out.
    pub leave_out: Vec<String>,
    /// Further lines. All of those that have the name of a usual header stand in its place.
    pub further: Vec<HeaderLine>,
    /// How the body is framed.
    pub framing: Framing,
    /// The body before framing.
    pub body: Bytes,
    /// Bytes before the request line.
    pub prefix: Vec<u8>,
    /// Bytes after the body.
    pub suffix: Vec<u8>,
    /// How it is written.
    pub writing: Option<Writing>,
    /// Where it is broken off.
    pub stop: Option<Stop>,
    /// Whether the body waits for `100 Continue`.
    pub expect: Expect,
}

/// Whether the body waits for the receiver's leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It follows the head at once.
    Nothing,
    /// `Expect: 100-continue`.
    Continue,
}

/// A request that cannot be written as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    /// Too many writes.
    #[error("{0} pieces, the limit is {PIECES_MAX}")]
    Pieces(usize),
    /// Pauses too long.
    #[error("the pauses add up to {0:?}, the limit is {STALL_MAX:?}")]
    Stall(Duration),
}

/// The bytes of a request, and when they are written.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// All bytes, up to where it is broken off.
    pub bytes: Bytes,
    /// Where the head ends, or where the bytes end if it is broken off before that.
    pub head_end: usize,
    /// The writes, in order; none for a request that is broken off before its first byte.
    pub cuts: Vec<Cut>,
    /// Whether the bytes after the head wait for `100 Continue`.
    pub expect: Expect,
    /// How it is broken off.
    pub stop: Option<Stop>,
    /// What the reader of the answer must know.
    pub asked: Asked,
}

/// One write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Where it ends.
    pub end: usize,
    /// Real time before it.
    pub pause: Duration,
}

/// What the form of an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// An answer to HEAD has no body.
    pub is_head: bool,
    /// An answer to HTTP/1.0 must not be chunked.
    pub is_http10: bool,
    /// What follows the request, or is framed wrongly, may be taken for a second one and answered, too.
    pub may_be_several: bool,
}

impl Plan {
    /// These bytes and nothing else, in place of a request.
    pub(crate) fn raw(bytes: Bytes) -> Self {
        let end = bytes.len();
        Self {
            bytes,
            head_end: 0,
            cuts: vec![Cut { end, pause: Duration::ZERO }],
            expect: Expect::Nothing,
            stop: None,
            asked: Asked { is_head: false, is_http10: false, may_be_several: true },
        }
    }
}

impl Draft {
    /// The bytes and their cuts.
    ///
    /// # Errors
    /// When the request would be written in too many pieces, or over too long a time.
    pub(crate) fn plan(self) -> Result<Plan, PlanError> {
        let head = self.head();
        let body = self.framed_body();
        let head_end = head.len();
        let total = head_end + body.len();
        let end = match self.stop.map(|stop| stop.after) {
            None | Some(StopAfter::Body) => total,
            Some(StopAfter::Connect | StopAfter::Handshake) => 0,
            Some(StopAfter::HalfHead) => head_end / 2,
            Some(StopAfter::Head) => head_end,
            Some(StopAfter::HalfBody) => head_end + body.len() / 2,
        };
        let mut bytes = head;
        bytes.extend_from_slice(&body);
        bytes.truncate(end);
        let head_end = head_end.min(end);
        let cuts = cuts(self.writing, self.expect, head_end, end)?;
        let may_be_several = !self.suffix.is_empty()
            || matches!(self.framing, Framing::LengthOf(_) | Framing::ChunkLines(_))
            || (self.framing == Framing::None && !self.body.is_empty())
            || self.further.iter().any(|line| line.is(b"content-length") || line.is(b"transfer-encoding"));
        Ok(Plan {
            bytes: bytes.into(),
            head_end,
            cuts,
            expect: self.expect,
            stop: self.stop,
            asked: Asked {
                is_head: self.method.eq_ignore_ascii_case("HEAD"),
                is_http10: self.version == Version::Http10,
                may_be_several,
            },
        })
    }

    /// The header lines as they are written.
    pub(crate) fn lines(&self) -> Vec<HeaderLine> {
        let mut usual = self.usual.clone();
        match &self.framing {
            Framing::Length => usual.push(length(self.body.len() as u64)),
            Framing::LengthOf(number) => usual.push(length(*number)),
            Framing::None => {}
            Framing::Chunked(_) | Framing::ChunkLines(_) => {
                usual.push(HeaderLine::of("Transfer-Encoding", b"chunked"));
            }
        }
        if self.expect == Expect::Continue {
            usual.push(HeaderLine::of("Expect", b"100-continue"));
        }
        usual.retain(|line| !self.leave_out.iter().any(|name| line.is(name.as_bytes())));
        let replaces = |line: &HeaderLine| usual.iter().any(|other| other.is(line.name()));
        let (mut replacing, adding): (Vec<_>, Vec<_>) =
            self.further.iter().cloned().partition(|line| !line.name().is_empty() && replaces(line));
        let mut lines = Vec::with_capacity(usual.len() + self.further.len());
        for line in &usual {
            let (here, others) = replacing.into_iter().partition(|other| other.is(line.name()));
            replacing = others;
            let here: Vec<HeaderLine> = here;
            // Two usual lines of one name: what replaces them stands at the first.
            let gone = here.is_empty() && self.further.iter().any(|other| other.is(line.name()));
            if here.is_empty() && !gone {
                lines.push(line.clone());
            }
            lines.extend(here);
        }
        lines.extend(adding);
        lines
    }

    fn head(&self) -> Vec<u8> {
        let mut head = self.prefix.clone();
        head.extend_from_slice(
            format!("{} {} {}\r\n", self.method, self.target, self.version.name()).as_bytes(),
        );
        for line in self.lines() {
            head.extend_from_slice(&line.0);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// The body as it goes out, and what follows it.
    fn framed_body(&self) -> Vec<u8> {
        let mut framed = match &self.framing {
            Framing::Length | Framing::LengthOf(_) | Framing::None => self.body.to_vec(),
            Framing::Chunked(chunks) => chunked(&self.body, chunks),
            Framing::ChunkLines(lines) => raw_chunks(&self.body, lines),
        };
        framed.extend_from_slice(&self.suffix);
        framed
    }
}

fn length(number: u64) -> HeaderLine {
    HeaderLine::of("Content-Length", number.to_string().as_bytes())
}

fn chunked(body: &[u8], chunks: &Chunks) -> Vec<u8> {
    let extension = chunks.extension.as_ref().map_or_else(String::new, |text| format!(";{text}"));
    let mut framed = Vec::with_capacity(body.len() + 32);
    let mut rest = body;
    let mut chunk = |data: &[u8]| {
        framed.extend_from_slice(format!("{:x}{extension}\r\n", data.len()).as_bytes());
        framed.extend_from_slice(data);
        framed.extend_from_slice(b"\r\n");
    };
    for size in &chunks.sizes {
        let (data, after) = rest.split_at((*size).min(rest.len()));
        // An empty chunk would be the last one.
        if !data.is_empty() {
            chunk(data);
        }
        rest = after;
    }
    if !rest.is_empty() {
        chunk(rest);
    }
    framed.extend_from_slice(format!("0{extension}\r\n").as_bytes());
    if let Some(trailer) = &chunks.trailer {
        framed.extend_from_slice(trailer.as_bytes());
        framed.extend_from_slice(b"\r\n");
    }
    framed.extend_from_slice(b"\r\n");
    framed
}

fn raw_chunks(body: &[u8], lines: &[String]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(body.len() + 32);
    for (index, line) in lines.iter().enumerate() {
        framed.extend_from_slice(line.as_bytes());
        framed.extend_from_slice(b"\r\n");
        if index == 0 {
            framed.extend_from_slice(body);
            framed.extend_from_slice(b"\r\n");
        }
    }
    framed
}

/// The writes: those before and after the part that is cut, and its pieces, each but the very first after a pause.
fn cuts(
    writing: Option<Writing>,
    expect: Expect,
    head_end: usize,
    end: usize,
) -> Result<Vec<Cut>, PlanError> {
    let (part, pieces, pause) = match writing {
        None => (0..end, 1, Duration::ZERO),
        Some(writing) => {
            let part = match writing.of {
                Part::Head => 0..head_end,
                Part::Body => head_end..end,
                Part::All => 0..end,
            };
            let pieces = match writing.pieces {
                Pieces::Count(count) => count.get(),
                Pieces::Bytes => part.len(),
            };
            (part.clone(), pieces.min(part.len()), writing.pause)
        }
    };
    if pieces > PIECES_MAX {
        return Err(PlanError::Pieces(pieces));
    }
    let mut cuts = Vec::with_capacity(pieces + 3);
    let mut add = |end: usize, pause: Duration| {
        if end > cuts.last().map_or(0, |last: &Cut| last.end) {
            cuts.push(Cut { end, pause });
        }
    };
    add(part.start, Duration::ZERO);
    let mut stall = Duration::ZERO;
    for piece in 1..=pieces {
        let pause = if part.start == 0 && piece == 1 { Duration::ZERO } else { pause };
        stall += pause;
        let until = part.start + part.len() * piece / pieces;
        let from = part.start + part.len() * (piece - 1) / pieces;
        // What waits for the receiver's leave begins a write of its own.
        if expect == Expect::Continue && from < head_end && head_end < until {
            add(head_end, pause);
            add(until, Duration::ZERO);
        } else {
            add(until, pause);
        }
    }
    add(end, Duration::ZERO);
    if stall > STALL_MAX {
        return Err(PlanError::Stall(stall));
    }
    Ok(cuts)
}

/// What a request that is broken off leaves behind, in words.
pub(crate) fn stop_words(stop: Stop) -> String {
    let after = match stop.after {
        StopAfter::Connect => "after the TCP connection",
        StopAfter::Handshake => "after the TLS handshake",
        StopAfter::HalfHead => "after half of the head",
        StopAfter::Head => "after the head",
        StopAfter::HalfBody => "after half of the body",
        StopAfter::Body => "after the body",
    };
    let then = match stop.then {
        Then::Close => "closed",
        Then::Reset => "reset",
        Then::Wait => "held open",
    };
    format!("broken off {after} and {then}")
}
