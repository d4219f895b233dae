//! Answers on the wire, well-formed or not.

use std::io;
use std::time::Duration;

use pns_simulator::clock::pause;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::message::Answer;
use super::plan::Shape;

/// What follows an answer that should have ended.
const GARBAGE: &[u8] = b"<b>Warning</b>: headers already sent in /var/www/pns.php on line 12\r\n";

/// What a receiver that is busy may send before its answer (RFC 8297, RFC 2518).
const INTERIM: &[u8] =
    b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";

/// When what should not be there follows: late enough for a client to have its answer.
const MORE_AFTER: Duration = Duration::from_millis(50);

/// What is said of the connection's future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Close,
    KeepAlive,
}

/// Writes an answer.
pub(super) async fn answer<W: AsyncWrite + Unpin>(
    stream: &mut W,
    answer: &Answer,
    shape: Shape,
    said: Said,
) -> io::Result<()> {
    let bytes = encode(answer, shape, said);
    if shape == Shape::InterimFirst {
        stream.write_all(INTERIM).await?;
        stream.flush().await?;
    }
    if shape == Shape::ByteByByte {
        for byte in bytes.chunks(1) {
            stream.write_all(byte).await?;
            stream.flush().await?;
        }
        return Ok(());
    }
    let (whole, more) = bytes.split_at(announced(answer, shape, &bytes));
    stream.write_all(whole).await?;
    stream.flush().await?;
    if !more.is_empty() {
        pause(MORE_AFTER).await;
        stream.write_all(more).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// How many bytes a client takes for the answer.
fn announced(answer: &Answer, shape: Shape, bytes: &[u8]) -> usize {
    let length = answer.body.len();
    match shape {
        Shape::LengthTooShort if !answer.is_bodiless() => bytes.len() - (length - length / 2),
        Shape::BodyAlways if answer.is_bodiless() => bytes.len() - length,
        Shape::GarbageAfter => bytes.len() - GARBAGE.len(),
        _ => bytes.len(),
    }
}

fn encode(answer: &Answer, shape: Shape, said: Said) -> Vec<u8> {
    let shape = if answer.without_chunks && shape == Shape::Chunked { Shape::Length } else { shape };
    let version = if shape == Shape::BadStatusLine { "" } else { "HTTP/1.1 " };
    let mut head = format!("{version}{} {}\r\n", answer.status, answer.reason());
    let mut field = |name: &str, value: &str| {
        let name = if shape == Shape::LowerCaseNames { name.to_lowercase() } else { name.to_owned() };
        let space = if shape == Shape::LowerCaseNames { "" } else { " " };
        head.push_str(&format!("{name}:{space}{value}\r\n"));
    };
    for (name, value) in &answer.fields {
        field(name, value);
    }
    match said {
        Said::Nothing => {}
        Said::Close => field("Connection", "close"),
        Said::KeepAlive => field("Connection", "keep-alive"),
    }
    let length = answer.body.len();
    let bodiless = answer.is_bodiless() && shape != Shape::BodyAlways;
    match shape {
        // HTTP forbids it there (RFC 9110, 8.6).
        _ if answer.is_bodiless() && shape != Shape::TwoLengths => {}
        Shape::Chunked | Shape::NoLastChunk => field("Transfer-Encoding", "chunked"),
        Shape::UntilClose => {}
        Shape::LengthTooLong => field("Content-Length", &(length + 10).to_string()),
        Shape::LengthTooShort => field("Content-Length", &(length / 2).to_string()),
        Shape::TwoLengths => {
            field("Content-Length", &length.to_string());
            field("Content-Length", &(length + 1).to_string());
        }
        _ => field("Content-Length", &length.to_string()),
    }
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(b"\r\n");
    match shape {
        _ if bodiless => {}
        Shape::Chunked | Shape::NoLastChunk => {
            for chunk in answer.body.chunks(7) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            if shape == Shape::Chunked {
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        _ => bytes.extend_from_slice(&answer.body),
    }
    if shape == Shape::GarbageAfter {
        bytes.extend_from_slice(GARBAGE);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::message::Version;
    use super::*;

    fn text(answer: &Answer, shape: Shape) -> String {
        String::from_utf8(encode(answer, shape, Said::Nothing)).unwrap()
    }

    #[test]
    fn answers_are_framed_as_their_shape_says() {
        let ok = Answer::of(200, "text/plain", "123456789");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
        assert_eq!(text(&ok, Shape::Length), format!("{head}Content-Length: 9\r\n\r\n123456789"));
        assert_eq!(
            text(&ok, Shape::Chunked),
            format!("{head}Transfer-Encoding: chunked\r\n\r\n7\r\n1234567\r\n2\r\n89\r\n0\r\n\r\n")
        );
        assert_eq!(
            text(&ok.clone().framed_for(false, Version::Http10), Shape::Chunked),
            text(&ok, Shape::Length)
        );
        assert_eq!(text(&ok.clone().framed_for(true, Version::Http11), Shape::Length), format!("{head}\r\n"));
        assert_eq!(text(&ok, Shape::UntilClose), format!("{head}\r\n123456789"));
        assert_eq!(text(&Answer::empty(204), Shape::Length), "HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(
            text(&Answer::of(299, "a", "b"), Shape::LowerCaseNames),
            "HTTP/1.1 299 Unusual\r\ncontent-type:a\r\ncontent-length:1\r\n\r\nb"
        );
    }
}
