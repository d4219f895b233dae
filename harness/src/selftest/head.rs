//! The head of an HTTP/1 request: read until it is complete, then parsed by the letter of RFC 9112.

use super::message::{Field, Head, Reply, Version, refuse};

/// Bytes of a head: eight times what most servers take.
pub(super) const HEAD_MAX: usize = 64 * 1024;

/// How long the head is that these bytes begin with, its empty line included. Bare line feeds end it, too: it is
/// for the parser to refuse them.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let mut line_start = 0;
    let mut begun = false;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let line = &bytes[line_start..at];
        let empty = line.is_empty() || line == b"\r";
        if empty && begun {
            return Some(at + 1);
        }
        begun |= !empty;
        line_start = at + 1;
    }
    None
}

/// Parses a whole head.
pub(super) fn parse(bytes: &[u8]) -> Result<Head, Reply> {
    let bad = |detail| refuse(400, detail);
    let mut lines = lines(bytes)?.into_iter().skip_while(|line| line.is_empty());
    let request_line = lines.next().ok_or_else(|| bad("no request line"))?;
    let (method, target, version) = request_line_of(request_line)?;
    let mut fields = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        fields.push(field(line)?);
    }
    let head = Head { method, target, version, fields };
    if version == Version::Http11 && head.all("host").count() != 1 {
        return Err(bad("not exactly one host"));
    }
    Ok(head)
}

fn lines(bytes: &[u8]) -> Result<Vec<&[u8]>, Reply> {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    // What follows the last line feed is nothing.
    lines.pop();
    lines
        .into_iter()
        .map(|line| line.strip_suffix(b"\r").ok_or_else(|| refuse(400, "a line that does not end in CR LF")))
        .collect()
}

fn request_line_of(line: &[u8]) -> Result<(String, String, Version), Reply> {
    let bad = || refuse(400, "no request line");
    let text = std::str::from_utf8(line).map_err(|_| bad())?;
    let mut parts = text.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    if !is_token(method.as_bytes())
        || target.is_empty()
        || !target.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(bad());
    }
    let version = match version {
        "HTTP/1.1" => Version::Http11,
        "HTTP/1.0" => Version::Http10,
        _ if version.starts_with("HTTP/") => return Err(refuse(505, "no such version here")),
        _ => return Err(bad()),
    };
    Ok((method.to_owned(), target.to_owned(), version))
}

/// A folded line begins with white space and has no name: it is refused with the others (RFC 9112, 5.2).
fn field(line: &[u8]) -> Result<Field, Reply> {
    let bad = || refuse(400, "a header line that is none");
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(bad)?;
    let (name, raw) = (&line[..colon], &line[colon + 1..]);
    let controls = raw.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    if !is_token(name) || controls {
        return Err(bad());
    }
    let name = String::from_utf8(name.to_vec()).map_err(|_| bad())?;
    let value = trimmed(raw).to_vec();
    Ok(Field { name, value, raw: raw.to_vec() })
}

fn trimmed(value: &[u8]) -> &[u8] {
    let space = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = value.iter().position(|byte| !space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !space(byte)).map_or(start, |at| at + 1);
    &value[start..end]
}

fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_empty_line() {
        assert_eq!(length(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nbody"), Some(29));
        assert_eq!(length(b"GET / HTTP/1.1\n\nbody"), Some(16));
        assert_eq!(length(b"\r\n\r\n"), None);
        assert_eq!(length(b"GET / HTTP/1.1\r\nHost: a\r\n\r"), None);
    }

    #[test]
    fn spellings_that_mean_the_same_are_read() {
        let head = parse(b"\r\nPOST https://h/pns?x=1 HTTP/1.1\r\nhOST:h\r\nX-A: \t b c \t\r\nX-B:\r\n\r\n")
            .unwrap();
        assert_eq!((head.path(), head.text("Host")), ("/pns", Some("h")));
        assert_eq!((head.text("x-a"), head.text("x-b")), (Some("b c"), Some("")));
        let plain = parse(b"GET /a?b=https://c HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!((plain.path(), plain.version), ("/a", Version::Http10));
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for (head, status) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            (b"GET / HTTP/1.1\nHost: a\n\n", 400),
            (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
            (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
            (b"hello\r\n\r\n", 400),
        ] {
            let text = String::from_utf8_lossy(head);
            assert_eq!(parse(head).unwrap_err().status(), Some(status), "{text}");
        }
    }
}
