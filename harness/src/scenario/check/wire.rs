//! How a request's bytes are framed, written, broken off, and what lies below them.

use super::super::document;
use super::super::reader::{Fields, Reader};
use super::super::yaml::{Node, Value};
use super::request::{bytes, count, stall};
use crate::wire::plan::PIECES_MAX;
use crate::wire::shape::{
    Alpn, Below, Chunks, Framing, NameIndication, Part, Pieces, Sessions, Stop, StopAfter, Then, Tls,
    TlsOffer, Writing,
};

/// Most chunks, or lines in place of chunks: as many as pieces.
const CHUNKS_MAX: usize = PIECES_MAX;
/// Largest TLS record, and the smallest that the TLS library writes.
const RECORD: std::ops::RangeInclusive<u64> = 32..=16_384;

/// `framing`.
pub(super) fn framing(reader: &mut Reader<'_>, node: &Node) -> Option<Framing> {
    if !matches!(node.value, Value::Map(_)) {
        let words = [
            ("length", Framing::Length),
            ("chunked", Framing::Chunked(Chunks::default())),
            ("none", Framing::None),
        ];
        return reader.choice(node, &words);
    }
    let fields = reader.fields::<document::FramingMap>(node, "a framing")?;
    let kind = reader.exactly_one(&fields, &["length", "chunks", "chunk_lines"], "a framing")?;
    reader.only_with(&fields, &kind.key, &[("extension", &["chunks"]), ("trailer", &["chunks"])]);
    match kind.key.as_str() {
        "length" => reader.number(&kind.node, 0, u64::MAX).map(Framing::LengthOf),
        "chunks" => {
            let sizes = reader.list(&kind.node, CHUNKS_MAX, |reader, node| {
                count(reader, node, 4 << 20).map(std::num::NonZeroUsize::get)
            });
            let extension = reader.optional(&fields, "extension", Reader::text);
            let trailer = reader.optional(&fields, "trailer", Reader::text);
            sizes.map(|sizes| Framing::Chunked(Chunks { sizes, extension, trailer }))
        }
        _ => {
            let lines = reader.one_or_many(&kind.node, Reader::text);
            if lines.is_empty() || lines.len() > CHUNKS_MAX {
                return reader.error(kind.node.span, format!("expected 1 to {CHUNKS_MAX} lines"));
            }
            Some(Framing::ChunkLines(lines))
        }
    }
}

/// `write`.
pub(super) fn writing(reader: &mut Reader<'_>, node: &Node) -> Option<Writing> {
    let fields = reader.fields::<document::Writing>(node, "a way of writing")?;
    let pieces = reader.required(&fields, "pieces", |reader, node| match &node.value {
        Value::Text(_) => reader.choice(node, &[("bytes", Pieces::Bytes)]),
        _ => count(reader, node, PIECES_MAX).map(Pieces::Count),
    });
    let pause = reader.optional(&fields, "pause", stall).unwrap_or_default();
    let of = reader.optional(&fields, "of", |reader, node| {
        reader.choice(node, &[("head", Part::Head), ("body", Part::Body), ("all", Part::All)])
    });
    Some(Writing { pieces: pieces?, pause, of: of.unwrap_or_default() })
}

/// `stop`.
pub(super) fn stop(reader: &mut Reader<'_>, node: &Node) -> Option<Stop> {
    let fields = reader.fields::<document::Stop>(node, "a place to break off")?;
    let after = reader.required(&fields, "after", |reader, node| {
        reader.choice(
            node,
            &[
                ("connect", StopAfter::Connect),
                ("handshake", StopAfter::Handshake),
                ("half-head", StopAfter::HalfHead),
                ("head", StopAfter::Head),
                ("half-body", StopAfter::HalfBody),
                ("body", StopAfter::Body),
            ],
        )
    });
    let then = reader.optional(&fields, "then", |reader, node| {
        reader.choice(node, &[("close", Then::Close), ("reset", Then::Reset), ("wait", Then::Wait)])
    });
    Some(Stop { after: after?, then: then.unwrap_or(Then::Close) })
}

/// `tls`.
pub(super) fn below(reader: &mut Reader<'_>, node: &Node) -> Option<Below> {
    let fields = reader.fields::<document::RequestTls>(node, "TLS")?;
    let plain = reader.optional(&fields, "plain", Reader::flag).unwrap_or(false);
    let raw = reader.optional(&fields, "raw_hex", bytes);
    if plain || fields.get("raw_hex").is_some() {
        if let [_, second, ..] = fields.entries {
            let message = "`plain` and `raw_hex` stand alone: there is no TLS to shape";
            return reader.error(second.key_span, message);
        }
        return if plain { Some(Below::Plain) } else { raw.map(Below::Raw) };
    }
    let offer = reader.optional(&fields, "version", |reader, node| {
        reader.choice(node, &[("tls12", TlsOffer::Tls12), ("tls13", TlsOffer::Tls13)])
    });
    let alpn = reader.optional(&fields, "alpn", |reader, node| {
        reader.choice(node, &[("none", Alpn::None), ("http1", Alpn::Http)])
    });
    let record = reader
        .optional(&fields, "record", |reader, node| reader.number(node, *RECORD.start(), *RECORD.end()));
    Some(Below::Tls(Tls {
        offer: offer.unwrap_or_default(),
        name: if flag(reader, &fields, "sni", true) { NameIndication::Sent } else { NameIndication::LeftOut },
        alpn: alpn.unwrap_or_default(),
        sessions: if flag(reader, &fields, "resume", false) { Sessions::Resumed } else { Sessions::Fresh },
        fragments: reader.optional(&fields, "fragments", |reader, node| count(reader, node, 16_384)),
        record: record.and_then(|bytes| usize::try_from(bytes).ok()),
    }))
}

fn flag(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str, usual: bool) -> bool {
    reader.optional(fields, key, Reader::flag).unwrap_or(usual)
}
