//! Bugs of HTTP itself: heads, framing, content types, answers. What hides in a gate is refused by the head alone.

use std::time::Duration;

use crate::selftest::Specimen;
use crate::selftest::message::{Answer, Field, Head, Reply, Version, internal_error, refuse};
use crate::selftest::plan::{Both, Chunked, Cut, Expect, LeadingLine, Reads, Shape};
use crate::selftest::service;

pub(super) const ALL: &[Specimen] = &[
    Specimen::bug(
        "chunked-waits-for-ever",
        &["http/chunked"],
        "a server that knows `Content-Length` alone and reads until the peer closes",
        |plan| plan.framing.chunked = Chunked::Hangs,
    ),
    Specimen::bug(
        "chunked-read-as-empty",
        &["http/chunked"],
        "PHP behind FastCGI, WSGI before 2.0: no length, so no body, and 400",
        |plan| plan.framing.chunked = Chunked::TakenForEmpty,
    ),
    Specimen::bug(
        "chunk-lines-read-as-body",
        &["http/chunked"],
        "a handler that takes the raw socket for the body: the chunk sizes end up in the JSON",
        |plan| plan.framing.chunked = Chunked::LinesTakenForBody,
    ),
    Specimen::bug(
        "chunk-extension-refused",
        &["http/chunk-extensions"],
        "`int(line, 16)` on the whole chunk line",
        |plan| plan.framing.chunked = Chunked::ExtensionsRefused,
    ),
    Specimen::bug(
        "sixty-four-chunks-at-most",
        &["http/many-small-chunks"],
        "a defence against floods of tiny chunks, with a limit that a proxy's small buffer reaches",
        |plan| plan.framing.chunked = Chunked::FewOnly,
    ),
    Specimen::bug(
        "trailers-left-on-connection",
        &["http/trailers"],
        "the body ends at chunk 0, and the trailers are taken for the next request",
        |plan| plan.framing.chunked = Chunked::TrailersLeft,
    ),
    Specimen::bug(
        "chunk-sizes-decimal",
        &["http/chunked"],
        "`parseInt(line)` without the base: right up to nine bytes",
        |plan| plan.framing.chunked = Chunked::DecimalSizes,
    ),
    Specimen::bug(
        "bad-chunk-500",
        &["http/bad-chunk-refused"],
        "a NumberFormatException for the chunk size that ends in the last handler",
        |plan| plan.framing.chunked = Chunked::FlawIsInternalError,
    ),
    Specimen::bug(
        "head-in-one-read",
        &["http/head-in-pieces", "http/slow-head"],
        "`recv(65536)` once, and the head is parsed: right on every developer's machine",
        |plan| plan.framing.head = Reads::Once,
    ),
    Specimen::bug(
        "body-in-one-read",
        &["http/body-in-pieces", "http/slow-body", "tls/small-records"],
        "`stream.Read(buffer)` taken for \"read it all\": a body in two packets is truncated JSON",
        |plan| plan.framing.length = Reads::Once,
    ),
    Specimen::bug(
        "body-within-300-ms",
        &["http/slow-body", "delivery/retry-after-slow-body"],
        "a minimal data rate, or a read timeout set in milliseconds instead of seconds",
        |plan| plan.framing.length = Reads::Within(Duration::from_millis(300)),
    ),
    Specimen::bug(
        "head-within-300-ms",
        &["http/slow-head"],
        "the same for heads, as a defence against slow attackers",
        |plan| plan.framing.head = Reads::Within(Duration::from_millis(300)),
    ),
    Specimen::bug(
        "cut-body-acknowledged",
        &["http/cut-body-not-acknowledged"],
        "reads until the stream ends, never compares with the length, and picks the fields out by patterns",
        |plan| {
            plan.framing.cut = Cut::TakenForWhole;
            plan.parse = |_| Ok(serde_json::Value::Null);
            plan.validate = super::effects::searched;
        },
    ),
    Specimen::bug(
        "header-names-case-sensitive",
        &["http/header-names-in-any-case"],
        "a map of headers looked up by `Content-Length` and `Content-Type` as written",
        |plan| plan.reread = |head| head.fields.retain(is_usually_spelt),
    ),
    Specimen::bug(
        "header-split-at-colon-space",
        &["http/header-white-space"],
        "`line.split(\": \")`: a header without the space is lost",
        |plan| plan.reread = |head| head.fields.retain(|field| field.raw.starts_with(b" ")),
    ),
    Specimen::bug(
        "thirty-headers-at-most",
        &["http/many-headers"],
        "a proxy with a small limit on header lines, exceeded as soon as another proxy adds its own",
        |plan| plan.gate = |head| refuse_if(head.fields.len() > 30, 431),
    ),
    Specimen::bug(
        "header-value-limit",
        &["http/long-header"],
        "a fixed buffer of 1 KiB for a header line",
        |plan| plan.gate = |head| refuse_if(head.fields.iter().any(|field| field.raw.len() > 1_024), 400),
    ),
    Specimen::bug(
        "accept-header-demanded",
        &["http/without-user-agent-and-accept"],
        "content negotiation that answers 406 to a request without `Accept`",
        |plan| plan.gate = |head| refuse_if(head.text("accept").is_none(), 406),
    ),
    Specimen::bug(
        "user-agent-demanded",
        &["http/without-user-agent-and-accept"],
        "ModSecurity's core rules: no `User-Agent` means a robot, and 403",
        |plan| plan.gate = |head| refuse_if(head.text("user-agent").is_none(), 403),
    ),
    Specimen::bug(
        "forwarded-for-list-500",
        &["http/proxy-headers"],
        "`IPAddress.Parse` on the whole of `X-Forwarded-For`: two proxies make a list",
        |plan| {
            plan.gate = |head| {
                let list = head.text("x-forwarded-for").is_some_and(|value| value.contains(','));
                if list { Err(internal_error()) } else { Ok(()) }
            };
        },
    ),
    Specimen::bug(
        "forwarded-proto-redirected",
        &["http/forwarded-proto-http"],
        "`RequireHttps` behind a proxy that says `X-Forwarded-Proto: http`: every notification is redirected",
        |plan| plan.gate = to_https,
    ),
    Specimen::bug(
        "leading-empty-line-refused",
        &["http/leading-empty-line"],
        "a parser that takes the first line for the request line, whatever it is",
        |plan| plan.framing.leading_line = LeadingLine::Refused,
    ),
    Specimen::bug(
        "absolute-target-404",
        &["http/absolute-target"],
        "a route compared with the whole request target",
        |plan| plan.gate = |head| refuse_if(head.target.contains("://"), 404),
    ),
    Specimen::bug(
        "query-404",
        &["http/query-kept"],
        "the same with `url === '/pns'`: a query string makes it another page",
        |plan| plan.gate = |head| refuse_if(head.target.contains('?'), 404),
    ),
    Specimen::bug(
        "expect-continue-hangs",
        &["http/expect-continue"],
        "a proxy that waits for the back end's 100, which the back end never sends",
        |plan| plan.framing.expect = Expect::Hangs,
    ),
    Specimen::bug(
        "http-1-0-refused",
        &["http/http-1-0"],
        "a gateway that answers 505 to the version that some proxies still use towards their back ends",
        |plan| plan.gate = |head| refuse_if(head.version == Version::Http10, 505),
    ),
    Specimen::bug(
        "length-preferred-to-chunks",
        &["http/length-and-chunked"],
        "request smuggling: the length counts although there are chunks",
        |plan| plan.framing.both = Both::LengthCounts,
    ),
    Specimen::bug(
        "first-of-two-lengths",
        &["http/two-lengths-refused"],
        "a map that keeps one value of a name: of two different lengths the first counts",
        |plan| plan.reread = first_length,
    ),
    Specimen::bug(
        "negative-length-500",
        &["http/negative-length-refused"],
        "`new byte[-1]`: NegativeArraySizeException",
        |plan| {
            plan.gate = |head| {
                let negative = head.text("content-length").is_some_and(|value| value.starts_with('-'));
                if negative { Err(internal_error()) } else { Ok(()) }
            };
        },
    ),
    Specimen::bug(
        "content-type-charset-refused",
        &["accepts/content-type-charset"],
        "`contentType == \"application/json\"`: 415 for `application/json; charset=utf-8`",
        |plan| plan.content = |head| json_if(head, |value| !value.contains(';')),
    ),
    Specimen::bug(
        "content-type-case-sensitive",
        &["accepts/content-type-case"],
        "`contentType.startsWith(\"application/json\")`: media types have no case",
        |plan| plan.content = |head| json_if(head, |value| value.starts_with("application/json")),
    ),
    Specimen::bug(
        "quoted-charset-500",
        &["accepts/content-type-quoted"],
        "`Charset.forName(\"\\\"utf-8\\\"\")`: the quotes belong to the header, not to the name",
        |plan| {
            plan.content = |head| {
                let quoted = head.text("content-type").is_some_and(|value| value.contains('"'));
                if quoted { Err(internal_error()) } else { service::content(head) }
            };
        },
    ),
    Specimen::bug(
        "wrong-content-type-500",
        &["rejects/wrong-content-type"],
        "HttpMediaTypeNotSupportedException, caught by the handler for everything",
        |plan| plan.content = |head| service::content(head).map_err(|_| internal_error()),
    ),
    Specimen::bug(
        "compressed-body-500",
        &["rejects/content-encoding-gzip"],
        "middleware that inflates by the header and throws on what is no gzip",
        |plan| {
            plan.gate = |head| {
                if head.text("content-encoding").is_some() { Err(internal_error()) } else { Ok(()) }
            };
        },
    ),
    Specimen::bug(
        "other-methods-500",
        &["rejects/other-methods"],
        "Spring's HttpRequestMethodNotSupportedException in a catch-all `@ExceptionHandler`",
        |plan| {
            plan.dress =
                |answer, _| if answer.status == 405 { Answer { status: 500, ..answer } } else { answer };
        },
    ),
    Specimen::bug(
        "unknown-method-unanswered",
        &["rejects/unknown-method"],
        "a switch over the methods without a default: the request falls through, and nobody answers",
        |plan| plan.gate = |head| if is_known(&head.method) { Ok(()) } else { Err(Reply::Hang) },
    ),
    Specimen::bug(
        "large-body-500",
        &["rejects/large-body"],
        "body-parser's PayloadTooLargeError without a handler",
        |plan| {
            plan.framing.body_max = 8 * 1024 * 1024;
            plan.parse =
                |body| if body.len() > 102_400 { Err(internal_error()) } else { service::parse(body) };
        },
    ),
    Specimen::bug(
        "large-body-ends-server",
        &["rejects/large-body"],
        "no limit at all, and a container with little memory: the process is killed",
        |plan| {
            plan.framing.body_max = 8 * 1024 * 1024;
            plan.parse = |body| if body.len() > 1_000_000 { Err(Reply::Crash) } else { service::parse(body) };
        },
    ),
    Specimen::bug(
        "small-body-limit",
        &["accepts/padded-body", "accepts/text-very-long"],
        "a limit of 16 KiB, set for the notifications of one's own tests",
        |plan| plan.framing.body_max = 16 * 1024,
    ),
    Specimen::bug(
        "answer-followed-by-garbage",
        &["http/answer-leaves-nothing-behind", "http/keep-alive"],
        "a warning that PHP prints after the handler has sent its answer",
        |plan| plan.shape = Shape::GarbageAfter,
    ),
    Specimen::bug(
        "answer-length-too-short",
        &["http/answer-leaves-nothing-behind", "http/keep-alive"],
        "`Content-Length` counted in characters, or before compression: the rest spoils the connection",
        |plan| plan.shape = Shape::LengthTooShort,
    ),
    Specimen::bug(
        "body-on-204",
        &["http/answer-leaves-nothing-behind"],
        "204 with a friendly text, which the client reads as the next answer",
        |plan| {
            plan.shape = Shape::BodyAlways;
            plan.acknowledge = |_| Answer::of(204, "text/plain", "thank you");
        },
    ),
    Specimen::bug(
        "refusal-length-too-long",
        &["rejects/not-json", "rejects/unknown-event-type"],
        "an error page whose length was set for the page that it replaces: the client waits for the rest",
        |plan| plan.refusal_shape = Some(Shape::LengthTooLong),
    ),
    Specimen::bug(
        "refusal-with-two-lengths",
        &["rejects/not-json", "rejects/unknown-event-type"],
        "framework and proxy each add `Content-Length`, for a different body",
        |plan| plan.refusal_shape = Some(Shape::TwoLengths),
    ),
    Specimen::bug(
        "refusal-without-last-chunk",
        &["rejects/not-json", "rejects/unknown-event-type"],
        "an exception while an answer is streamed: it never ends",
        |plan| plan.refusal_shape = Some(Shape::NoLastChunk),
    ),
    Specimen::bug(
        "refusal-without-version",
        &["rejects/not-json", "rejects/unknown-event-type"],
        "an error path that writes its own status line, as CGI scripts do",
        |plan| plan.refusal_shape = Some(Shape::BadStatusLine),
    ),
];

fn refuse_if(condition: bool, status: u16) -> Result<(), Reply> {
    if condition { Err(refuse(status, "not like this")) } else { Ok(()) }
}

/// Whether the name is spelt as most senders spell it, or as HTTP/2 must.
fn is_usually_spelt(field: &Field) -> bool {
    field.name.split('-').all(|part| {
        let mut letters = part.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase)
    })
}

fn to_https(head: &Head) -> Result<(), Reply> {
    match head.text("x-forwarded-proto") {
        Some("http") => {
            let there = format!("https://localhost{}", head.path());
            Err(Reply::Answer(Answer::empty(301).with("Location", there)))
        }
        _ => Ok(()),
    }
}

fn first_length(head: &mut Head) {
    let mut met = false;
    head.fields.retain(|field| !field.is("content-length") || !std::mem::replace(&mut met, true));
}

fn json_if(head: &Head, condition: fn(&str) -> bool) -> Result<(), Reply> {
    match head.text("content-type") {
        Some(value) if !condition(value) => Err(refuse(415, "not JSON by its content type")),
        _ => service::content(head),
    }
}

fn is_known(method: &str) -> bool {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"].contains(&method)
}
