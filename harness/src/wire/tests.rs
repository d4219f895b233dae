//! The pure layers: bytes of requests, answers as they are read, texts without secrets.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::answer::{Answer, Persistence, Progress, Reader};
use super::plan::{Asked, Cut, Draft, Expect, HeaderLine, PIECES_MAX, Plan, PlanError};
use super::shape::{Chunks, Framing, Part, Pieces, Stop, StopAfter, Then, Version, Writing};
use super::show;

fn draft(framing: Framing) -> Draft {
    Draft {
        method: "POST".to_owned(),
        target: "/pns".to_owned(),
        version: Version::Http11,
        usual: ["Host: h", "User-Agent: u", "Accept: */*", "Content-Type: application/json"]
            .map(|line| HeaderLine(line.into()))
            .to_vec(),
        leave_out: Vec::new(),
        further: Vec::new(),
        framing,
        body: Bytes::from_static(b"{\"a\":1}"),
        prefix: Vec::new(),
        suffix: Vec::new(),
        writing: None,
        stop: None,
        expect: Expect::Nothing,
    }
}

fn text(plan: &Plan) -> String {
    String::from_utf8(plan.bytes.to_vec()).unwrap()
}

fn body(framing: Framing) -> String {
    let plan = draft(framing).plan().unwrap();
    text(&plan)[plan.head_end..].to_owned()
}

#[test]
fn a_plain_request_is_written_as_the_sender_writes_it() {
    let plan = draft(Framing::Length).plan().unwrap();
    assert_eq!(
        text(&plan),
        "POST /pns HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nAccept: */*\r\nContent-Type: application/json\r\n\
         Content-Length: 7\r\n\r\n{\"a\":1}"
    );
    assert_eq!(plan.cuts, [Cut { end: plan.bytes.len(), pause: Duration::ZERO }]);
}

#[test]
fn bodies_are_framed_as_asked() {
    assert_eq!(body(Framing::Chunked(Chunks::default())), "7\r\n{\"a\":1}\r\n0\r\n\r\n");
    let chunks = Chunks {
        sizes: vec![1, 2, 100],
        extension: Some("x=y".to_owned()),
        trailer: Some("X-T: 1".to_owned()),
    };
    assert_eq!(
        body(Framing::Chunked(chunks)),
        "1;x=y\r\n{\r\n2;x=y\r\n\"a\r\n4;x=y\r\n\":1}\r\n0;x=y\r\nX-T: 1\r\n\r\n"
    );
    let lines = ["zz", "0", ""].map(str::to_owned).to_vec();
    assert_eq!(body(Framing::ChunkLines(lines)), "zz\r\n{\"a\":1}\r\n0\r\n\r\n");
    assert!(text(&draft(Framing::LengthOf(12)).plan().unwrap()).contains("Content-Length: 12\r\n"));
    assert!(!text(&draft(Framing::None).plan().unwrap()).contains("Content-Length"));
}

#[test]
fn lines_of_a_usual_name_stand_in_its_place_and_the_others_at_the_end() {
    let mut draft = draft(Framing::Length);
    draft.further = ["accept: a", "X: 1", "ACCEPT: b", "no colon", "content-length: 3"]
        .map(|line| HeaderLine(line.into()))
        .to_vec();
    draft.leave_out = vec!["user-agent".to_owned()];
    let lines: Vec<String> =
        draft.lines().into_iter().map(|line| String::from_utf8(line.0).unwrap()).collect();
    assert_eq!(
        lines,
        [
            "Host: h",
            "accept: a",
            "ACCEPT: b",
            "Content-Type: application/json",
            "content-length: 3",
            "X: 1",
            "no colon"
        ]
    );
}

fn cut(writing: Writing, expect: Expect) -> Result<Plan, PlanError> {
    let mut draft = draft(Framing::Length);
    draft.writing = Some(writing);
    draft.expect = expect;
    draft.plan()
}

#[test]
fn pieces_cover_the_bytes_and_pauses_stand_between_them() {
    let three = Pieces::Count(NonZeroUsize::new(3).unwrap());
    let pause = Duration::from_millis(5);
    let plan = cut(Writing { pieces: three, pause, of: Part::Body }, Expect::Nothing).unwrap();
    let pauses: Vec<Duration> = plan.cuts.iter().map(|cut| cut.pause).collect();
    assert_eq!(pauses, [Duration::ZERO, pause, pause, pause]);
    assert_eq!(plan.cuts[0].end, plan.head_end);
    let plan = cut(Writing { pieces: Pieces::Bytes, pause, of: Part::Head }, Expect::Nothing).unwrap();
    assert_eq!((plan.cuts.len(), plan.cuts[0].pause), (plan.head_end + 1, Duration::ZERO));
    let plan = cut(Writing { pieces: three, pause, of: Part::All }, Expect::Continue).unwrap();
    assert!(plan.cuts.iter().any(|cut| cut.end == plan.head_end), "the body waits by itself");
    assert_eq!(plan.cuts.last().unwrap().end, plan.bytes.len());
}

#[test]
fn what_would_take_too_long_is_refused() {
    let all = |pieces, pause| cut(Writing { pieces, pause, of: Part::All }, Expect::Nothing).map(drop);
    let stall = all(Pieces::Bytes, Duration::from_secs(1));
    assert!(matches!(stall, Err(PlanError::Stall(_))), "{stall:?}");
    let mut long = draft(Framing::Length);
    long.body = vec![b' '; PIECES_MAX + 1].into();
    long.writing = Some(Writing { pieces: Pieces::Bytes, pause: Duration::ZERO, of: Part::Body });
    assert_eq!(long.plan().map(drop), Err(PlanError::Pieces(PIECES_MAX + 1)));
}

#[test]
fn a_request_breaks_off_where_it_should() {
    let whole = draft(Framing::Length).plan().unwrap();
    let broken = |after| {
        let mut draft = draft(Framing::Length);
        draft.stop = Some(Stop { after, then: Then::Close });
        draft.plan().unwrap().bytes.len()
    };
    assert_eq!((broken(StopAfter::Connect), broken(StopAfter::Handshake)), (0, 0));
    assert_eq!(broken(StopAfter::HalfHead), whole.head_end / 2);
    assert_eq!(broken(StopAfter::Head), whole.head_end);
    assert_eq!(broken(StopAfter::HalfBody), whole.head_end + 3);
    assert_eq!(broken(StopAfter::Body), whole.bytes.len());
}

const POST: Asked = Asked { is_head: false, is_http10: false, may_be_several: false };

/// What a reader makes of bytes that come in pieces of that size, and then the end.
fn read_by(asked: Asked, bytes: &[u8], size: usize) -> Result<Option<(Answer, usize)>, String> {
    let mut reader = Reader::new(asked);
    for piece in bytes.chunks(size.max(1)) {
        reader.push(piece);
        loop {
            match reader.poll().map_err(|reason| reason.0)? {
                Progress::Whole(answer) => {
                    // What is not pushed yet would have come after the answer as well.
                    let read = reader.received().len() - reader.rest().len();
                    return Ok(Some((answer, bytes.len() - read)));
                }
                Progress::Continue => {}
                Progress::Unfinished => break,
            }
        }
    }
    reader.end().map(|answer| answer.map(|answer| (answer, 0))).map_err(|reason| reason.0)
}

fn read(text: &str) -> Result<Option<(Answer, usize)>, String> {
    read_by(POST, text.as_bytes(), usize::MAX)
}

#[test]
fn well_formed_answers_are_read_in_whatever_pieces_they_come() {
    for (text, status, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        ("HTTP/1.1 200 \r\ncontent-length:2\r\n\r\nok", 200, "ok"),
        ("HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, ""),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\nHTTP/1.1 202 A\r\nContent-Length: 0\r\n\r\n",
            202,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\no\r\n1;a=b\r\nk\r\n0\r\nX: 1\r\n\r\n",
            200,
            "ok",
        ),
        ("HTTP/1.1 500 X\r\n\r\nto the end", 500, "to the end"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 200, "ok"),
    ] {
        for size in [1, 2, 3, 7, usize::MAX] {
            let (answer, rest) = read_by(POST, text.as_bytes(), size).unwrap().unwrap();
            assert_eq!((answer.status, &answer.body[..], rest), (status, body.as_bytes(), 0), "{text}");
        }
    }
    assert!(read("").unwrap().is_none(), "closed without an answer");
}

#[test]
fn what_is_no_answer_is_refused_with_its_reason() {
    for (text, reason) in [
        ("<html>", "does not begin"),
        ("HTTP/2 200 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 20 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 999 X\r\n\r\n", "no status 999"),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n\n", "LF instead of CRLF"),
        ("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", "no `name: value`"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folded"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "Content-Length"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two different"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "both"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "other than"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk's size"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "longer than its size"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "3 bytes before the end"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "within its head"),
        ("HTTP/1.1 101 X\r\n\r\n", "101"),
        ("HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\nabc", "204"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(reason), "{text:?}: {found}");
    }
    let large = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(70_000));
    assert!(read(&large).unwrap_err().contains("larger than"));
}

#[test]
fn what_was_asked_decides_what_an_answer_may_be() {
    let head = Asked { is_head: true, ..POST };
    let (answer, rest) = read_by(head, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 9).unwrap().unwrap();
    assert_eq!((answer.status, rest), (200, 0));
    let old = Asked { is_http10: true, ..POST };
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert!(read_by(old, chunked, usize::MAX).unwrap_err().contains("HTTP/1.0"));
}

#[test]
fn an_answer_tells_whether_the_connection_stays_and_what_follows_it_is_left() {
    let persistence = |text: &str| read(text).unwrap().unwrap().0.persistence;
    assert_eq!(persistence("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Persistence::Open);
    assert_eq!(
        persistence("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n"),
        Persistence::Closing
    );
    assert_eq!(persistence("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), Persistence::Closing);
    assert_eq!(persistence("HTTP/1.1 200 OK\r\n\r\n"), Persistence::Closing);
    let (_, rest) = read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc").unwrap().unwrap();
    assert_eq!(rest, 2);
}

#[test]
fn texts_are_printable_cut_and_without_secrets() {
    let mut draft = draft(Framing::Length);
    draft.usual.push(HeaderLine::of("Authorization", b"api_key s3cret-key"));
    draft.body = [b"\xff\x00s3cret-key".as_slice(), &[b'x'; 5_000]].concat().into();
    let plan = draft.plan().unwrap();
    let shown = show::request(&plan, plan.bytes.len(), &["s3cret-key".to_owned()]);
    assert!(shown.contains("Authorization: api_key ***\n"), "{shown}");
    assert!(shown.contains("\\xff\\u{0}***xxx") && !shown.contains("s3cret"), "{shown}");
    assert!(shown.ends_with("bytes left out)"), "{shown}");
    let cut = show::request(&plan, plan.head_end, &[]);
    assert!(cut.contains("5012 bytes were not written"), "{cut}");
    assert_eq!(
        show::words("it begins with `s3cret-key`", &["s3cret-key".to_owned()]),
        "it begins with `***`"
    );
}

/// Bytes that look like an answer, more or less.
fn nearly_an_answer() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just("HTTP/1.1 200 OK\r\n".to_owned()),
        Just("HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        Just("Content-Length: 3\r\n".to_owned()),
        Just("Transfer-Encoding: chunked\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("3\r\nabc\r\n0\r\n\r\n".to_owned()),
        "[0-9a-f]{1,17}\r\n",
        "\\PC{0,8}",
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic_and_pieces_do_not_matter(
        bytes in prop_oneof![nearly_an_answer(), prop::collection::vec(any::<u8>(), 0..200)],
        size in 1_usize..9,
    ) {
        let told = |result: Result<Option<(Answer, usize)>, String>| {
            result.map(|answer| answer.map(|(answer, rest)| (answer.status, answer.body, rest))).map_err(drop)
        };
        let whole = told(read_by(POST, &bytes, usize::MAX));
        prop_assert_eq!(whole, told(read_by(POST, &bytes, size)));
    }

    #[test]
    fn no_plan_loses_a_byte(
        body in prop::collection::vec(any::<u8>(), 0..300),
        pieces in 1_usize..40,
        part in prop_oneof![Just(Part::Head), Just(Part::Body), Just(Part::All)],
        continues in any::<bool>(),
    ) {
        let mut draft = draft(Framing::Length);
        draft.body = body.into();
        draft.expect = if continues { Expect::Continue } else { Expect::Nothing };
        let pieces = Pieces::Count(NonZeroUsize::new(pieces).unwrap());
        draft.writing = Some(Writing { pieces, pause: Duration::ZERO, of: part });
        let plan = draft.plan().unwrap();
        prop_assert!(plan.cuts.is_sorted_by(|a, b| a.end < b.end));
        prop_assert_eq!(plan.cuts.last().unwrap().end, plan.bytes.len());
        if continues && plan.head_end < plan.bytes.len() {
            prop_assert!(plan.cuts.iter().any(|cut| cut.end == plan.head_end));
        }
    }
}
