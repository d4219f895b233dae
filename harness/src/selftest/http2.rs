//! HTTP/2 for the specimens that offer it: hyper below, the same service above.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::message::{Answer, Field, Head, Reply, Request, Version, internal_error, refuse};
use super::plan::Alpn;
use super::service;
use super::state::Shared;
use super::wire::Stream;
use crate::receiver::Streams;

/// Streams at once on one connection: more than any check opens.
const STREAMS_MAX: u32 = 200;

/// Serves a connection on which HTTP/2 was agreed on.
pub(super) async fn serve<S: Stream + 'static>(shared: Arc<Shared>, stream: S) -> io::Result<()> {
    let streams = Arc::new(AtomicU32::new(0));
    let service = service_fn(move |request| {
        let nth = streams.fetch_add(1, Ordering::Relaxed) + 1;
        respond(Arc::clone(&shared), request, nth)
    });
    http2::Builder::new(Streams::default())
        .max_concurrent_streams(STREAMS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn respond(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
    nth: u32,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if shared.plan.tls.alpn == Alpn::BothOneStream && nth > 1 {
        return Ok(response(&shared, internal_error()).await);
    }
    let (parts, body) = request.into_parts();
    let mut head = head(&parts);
    (shared.plan.reread)(&mut head);
    let body = match Limited::new(body, shared.plan.framing.body_max).collect().await {
        Ok(collected) => collected.to_bytes().to_vec(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Ok(response(&shared, refuse(413, "the body is larger than this receiver takes")).await);
        }
        Err(_) => return Ok(response(&shared, refuse(400, "the body broke off")).await),
    };
    let reply = match (shared.plan.gate)(&head) {
        Ok(()) => service::respond(&shared, &Request { head, body, nth }).await,
        Err(reply) => reply,
    };
    Ok(response(&shared, reply).await)
}

fn head(parts: &http::request::Parts) -> Head {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
        raw: value.as_bytes().to_vec(),
    };
    let fields = parts.headers.iter().map(field).collect();
    Head { method: parts.method.to_string(), target, version: Version::Http2, fields }
}

async fn response(shared: &Shared, reply: Reply) -> Response<Full<Bytes>> {
    let answer = match reply {
        Reply::Answer(answer) => answer,
        Reply::Crash => {
            shared.crashes.send_modify(|crashes| *crashes += 1);
            std::future::pending().await
        }
        Reply::Hang => std::future::pending().await,
        // The nearest that HTTP/2 has within one stream.
        Reply::Reset => Answer::empty(500),
    };
    let body = if answer.is_bodiless() { Bytes::new() } else { Bytes::from(answer.body) };
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in answer.fields {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(body)).unwrap_or_else(|_| Response::new(Full::default()))
}
