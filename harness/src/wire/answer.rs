//! Reads an HTTP/1.1 answer as RFC 9112 writes it, and says what is wrong with anything else. Pure: bytes in, an
//! answer out.
//!
//! Strict where two readers could understand different things (framing, line ends, names), lenient where none could:
//! a missing reason phrase, a `Content-Length: 0` beside 204. 1xx answers are skipped.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::plan::Asked;

/// Largest head, all interim answers and trailers counted: what the sender's transport takes.
pub(crate) const HEAD_MAX: usize = 64 << 10;
/// How much of a body is read; the status stands, the rest is left.
pub(crate) const BODY_MAX: usize = 256 << 10;
/// Most digits of a chunk's size: 16 hold every 64-bit number.
const SIZE_DIGITS_MAX: usize = 16;

/// A whole, well-formed answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status, final.
    pub status: u16,
    /// The headers, without trailers.
    pub headers: HeaderMap,
    /// The body, up to [`BODY_MAX`].
    pub body: Bytes,
    /// Whether the connection may carry another request.
    pub persistence: Persistence,
}

/// Whether a connection may be used again after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It stays open, as far as the answer says.
    Open,
    /// The answer says, or needs, that it is closed.
    Closing,
}

/// What a reader has come to.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// More bytes are needed.
    Unfinished,
    /// `100 Continue` came, of which the writer must know.
    Continue,
    /// The answer is whole.
    Whole(Answer),
}

/// Why bytes are no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub String);

type Read<T> = Result<T, Malformed>;

fn malformed<T>(text: impl Into<String>) -> Read<T> {
    Err(Malformed(text.into()))
}

/// Takes bytes as they come.
#[derive(Debug)]
pub(crate) struct Reader {
    asked: Asked,
    buffer: Vec<u8>,
    /// What is read of `buffer`.
    at: usize,
    /// Bytes of heads, chunk lines and trailers so far.
    head_bytes: usize,
    state: State,
    head: Option<Head>,
    body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of body are missing.
    Length(u64),
    ChunkSize,
    /// So many bytes of this chunk are missing.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

#[derive(Debug)]
struct Head {
    status: u16,
    headers: HeaderMap,
    persistence: Persistence,
}

impl Reader {
    /// Nothing has come yet.
    pub(crate) fn new(asked: Asked) -> Self {
        Self {
            asked,
            buffer: Vec::new(),
            at: 0,
            head_bytes: 0,
            state: State::Head,
            head: None,
            body: Vec::new(),
        }
    }

    /// Takes what came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// All that came.
    pub(crate) fn received(&self) -> &[u8] {
        &self.buffer
    }

    /// What came after the end of the answer, or, before it, what is not read yet.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Reads on. To be called until it is [`Progress::Unfinished`] or an error.
    pub(crate) fn poll(&mut self) -> Read<Progress> {
        loop {
            match self.state {
                State::Head => match self.poll_head()? {
                    None => return Ok(Progress::Unfinished),
                    Some(100) => return Ok(Progress::Continue),
                    Some(_) => {}
                },
                State::Length(missing) => {
                    let missing = missing - self.take_body(missing);
                    self.state = if missing == 0 { State::Done } else { State::Length(missing) };
                    if missing > 0 {
                        return Ok(self.unfinished());
                    }
                }
                State::UntilClose => {
                    self.take_body(u64::MAX);
                    return Ok(self.unfinished());
                }
                State::ChunkSize => match self.line()? {
                    None => return Ok(Progress::Unfinished),
                    Some(line) => {
                        let size = chunk_size(&line)?;
                        self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
                    }
                },
                State::Chunk(missing) => {
                    let missing = missing - self.take_body(missing);
                    self.state = if missing == 0 { State::ChunkEnd } else { State::Chunk(missing) };
                    if missing > 0 {
                        return Ok(self.unfinished());
                    }
                }
                State::ChunkEnd => match self.rest() {
                    [b'\r', b'\n', ..] => {
                        self.at += 2;
                        self.state = State::ChunkSize;
                    }
                    [] | [b'\r'] => return Ok(Progress::Unfinished),
                    _ => return malformed("a chunk is longer than its size says"),
                },
                State::Trailers => match self.line()? {
                    None => return Ok(Progress::Unfinished),
                    Some(line) if line.is_empty() => self.state = State::Done,
                    Some(line) => {
                        field(&line)?;
                    }
                },
                State::Done => return Ok(self.whole(Persistence::Open)),
            }
        }
    }

    /// The connection has ended: the answer, if that is its end.
    pub(crate) fn end(&mut self) -> Read<Option<Answer>> {
        match self.poll()? {
            Progress::Whole(answer) => return Ok(Some(answer)),
            Progress::Continue | Progress::Unfinished => {}
        }
        match self.state {
            State::UntilClose => match self.whole(Persistence::Closing) {
                Progress::Whole(answer) => Ok(Some(answer)),
                Progress::Continue | Progress::Unfinished => Ok(None),
            },
            State::Head if self.buffer.is_empty() => Ok(None),
            _ => malformed(format!("the connection was closed {}", self.place())),
        }
    }

    /// Where the answer stopped, for "closed …" and "nothing more came …".
    pub(crate) fn place(&self) -> String {
        match self.state {
            State::Head => "within its head".to_owned(),
            State::Length(missing) => format!("{missing} bytes before the end that `Content-Length` tells"),
            State::ChunkSize | State::Chunk(_) | State::ChunkEnd => "before the last chunk".to_owned(),
            State::Trailers => "within its trailers".to_owned(),
            State::UntilClose | State::Done => "after its body".to_owned(),
        }
    }

    /// More is needed, unless as much as is read has come.
    fn unfinished(&mut self) -> Progress {
        if self.body.len() >= BODY_MAX { self.whole(Persistence::Closing) } else { Progress::Unfinished }
    }

    fn whole(&mut self, persistence: Persistence) -> Progress {
        let Some(head) = self.head.take() else { return Progress::Unfinished };
        Progress::Whole(Answer {
            status: head.status,
            headers: head.headers,
            body: std::mem::take(&mut self.body).into(),
            persistence: match persistence {
                Persistence::Open => head.persistence,
                Persistence::Closing => Persistence::Closing,
            },
        })
    }

    /// Moves up to `most` bytes into the body; how many.
    fn take_body(&mut self, most: u64) -> u64 {
        let room = BODY_MAX.saturating_sub(self.body.len());
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(room).min(self.rest().len());
        self.body.extend_from_slice(&self.buffer[self.at..self.at + most]);
        self.at += most;
        most as u64
    }

    /// The next line, without its end. `None`: it is not whole yet.
    fn line(&mut self) -> Read<Option<Vec<u8>>> {
        let rest = &self.buffer[self.at..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            if self.head_bytes + rest.len() > HEAD_MAX {
                return malformed(format!("its head is larger than {HEAD_MAX} bytes"));
            }
            return Ok(None);
        };
        self.head_bytes += end + 1;
        if self.head_bytes > HEAD_MAX {
            return malformed(format!("its head is larger than {HEAD_MAX} bytes"));
        }
        let Some(line) = rest[..end].strip_suffix(b"\r") else {
            return malformed(format!("a line ends with LF instead of CRLF: {}", quoted(&rest[..end])));
        };
        let line = line.to_vec();
        self.at += end + 1;
        Ok(Some(line))
    }

    /// A whole head: its status. `None`: it is not whole yet.
    fn poll_head(&mut self) -> Read<Option<u16>> {
        let rest = &self.buffer[self.at..];
        let start = &rest[..rest.len().min(5)];
        if !b"HTTP/".starts_with(start) {
            return malformed(format!(
                "it does not begin with `HTTP/`: {}",
                quoted(&rest[..rest.len().min(40)])
            ));
        }
        // Lines are taken only when all of them are there: before that, nothing is read twice.
        if find(rest, b"\r\n\r\n").is_none()
            && find(rest, b"\n\n").is_none()
            && find(rest, b"\n\r\n").is_none()
        {
            if self.head_bytes + rest.len() > HEAD_MAX {
                return malformed(format!("its head is larger than {HEAD_MAX} bytes"));
            }
            return Ok(None);
        }
        let Some(line) = self.line()? else { return Ok(None) };
        let (minor, status) = status_line(&line)?;
        let mut headers = HeaderMap::new();
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            if line.is_empty() {
                break;
            }
            let (name, value) = field(&line)?;
            headers.append(name, value);
        }
        if (100..200).contains(&status) {
            return match status {
                101 => malformed("status 101, although no other protocol was asked for"),
                _ => Ok(Some(status)),
            };
        }
        let persistence = persistence(minor, &headers);
        self.state = body_state(self.asked, status, &headers)?;
        self.head = Some(Head { status, headers, persistence });
        Ok(Some(status))
    }
}

/// The minor version and the status.
fn status_line(line: &[u8]) -> Read<(u8, u16)> {
    let wrong = || Malformed(format!("its status line is {}", quoted(line)));
    let rest = line.strip_prefix(b"HTTP/1.").ok_or_else(wrong)?;
    let [minor @ (b'0' | b'1'), b' ', rest @ ..] = rest else { return Err(wrong()) };
    let (code, reason) = rest.split_at_checked(3).ok_or_else(wrong)?;
    if !code.iter().all(u8::is_ascii_digit) || !matches!(reason, [] | [b' ', ..]) {
        return Err(wrong());
    }
    let status = code.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    if !(100..600).contains(&status) {
        return malformed(format!("there is no status {status}"));
    }
    Ok((minor - b'0', status))
}

/// A header line.
fn field(line: &[u8]) -> Read<(HeaderName, HeaderValue)> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return malformed(format!("a header line is folded: {}", quoted(line)));
    }
    let wrong = || Malformed(format!("a header line is no `name: value`: {}", quoted(line)));
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(wrong)?;
    let name = HeaderName::from_bytes(&line[..colon]).map_err(|_| wrong())?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).map_err(|_| wrong())?;
    Ok((name, value))
}

fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn persistence(minor: u8, headers: &HeaderMap) -> Persistence {
    let says = |word: &[u8]| {
        tokens(headers, &http::header::CONNECTION).any(|token| token.eq_ignore_ascii_case(word))
    };
    if says(b"close") || (minor == 0 && !says(b"keep-alive")) {
        Persistence::Closing
    } else {
        Persistence::Open
    }
}

/// Where the body ends (RFC 9112, 6.3).
fn body_state(asked: Asked, status: u16, headers: &HeaderMap) -> Read<State> {
    let coded = headers.contains_key(http::header::TRANSFER_ENCODING);
    let length = content_length(headers)?;
    if coded && length.is_some() {
        return malformed("it has both `Transfer-Encoding` and `Content-Length`");
    }
    if status == 204 && (coded || length.is_some_and(|length| length > 0)) {
        return malformed("status 204 with a body's framing");
    }
    if asked.is_head || status == 204 || status == 304 {
        return Ok(State::Done);
    }
    if coded {
        if asked.is_http10 {
            return malformed("a request in HTTP/1.0 is answered with `Transfer-Encoding`");
        }
        let codings: Vec<&[u8]> = tokens(headers, &http::header::TRANSFER_ENCODING).collect();
        return match codings[..] {
            [only] if only.eq_ignore_ascii_case(b"chunked") => Ok(State::ChunkSize),
            _ => malformed("its `Transfer-Encoding` is other than `chunked`, which nobody asked for"),
        };
    }
    Ok(match length {
        Some(0) => State::Done,
        Some(length) => State::Length(length),
        None => State::UntilClose,
    })
}

/// Several equal values are one, as RFC 9112 lets them be.
fn content_length(headers: &HeaderMap) -> Read<Option<u64>> {
    let mut found = None;
    for token in tokens(headers, &http::header::CONTENT_LENGTH) {
        let digits = (!token.is_empty() && token.iter().all(u8::is_ascii_digit)).then_some(token);
        let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
        let Some(number) = number else {
            return malformed(format!("its `Content-Length` is {}", quoted(token)));
        };
        if found.is_some_and(|other| other != number) {
            return malformed("it has two different values of `Content-Length`");
        }
        found = Some(number);
    }
    Ok(found)
}

fn chunk_size(line: &[u8]) -> Read<u64> {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
    // Spaces before an extension are bad form that readers must take (RFC 9112, 7.1.1).
    let size = if size.len() < line.len() { size.trim_ascii_end() } else { size };
    let digits = (1..=SIZE_DIGITS_MAX).contains(&size.len()) && size.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(size).ok().filter(|_| digits);
    match text.and_then(|text| u64::from_str_radix(text, 16).ok()) {
        Some(size) => Ok(size),
        None => malformed(format!("a chunk's size is {}", quoted(line))),
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// A few bytes for a message.
fn quoted(bytes: &[u8]) -> String {
    let short = &bytes[..bytes.len().min(60)];
    format!("`{}`", short.escape_ascii())
}
