//! Records as server-sent events.
//!
//! One task for each listener reads the service's records into a small channel that is the response's body. A listener
//! who reads too slowly makes that task wait, falls out of the service's ring, and is told by an event `missed`; it
//! never makes the service wait.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use http_body::Frame;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::extract::Query;
use super::handlers::Control;
use super::problem::{Kind, Problem};
use super::query::RecordsQuery;
use crate::clock;
use crate::service::model::RecordView;
use crate::service::{Heard, Records};

/// Events on their way into the socket: the ring of the service is the real buffer.
const EVENTS_ON_THE_WAY: usize = 16;
/// Between two comments to a listener to whom nothing is told: shorter than what proxies wait for.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two events to a page.
const PULSE: Duration = Duration::from_millis(300);
/// A page is told so often, although nothing happened.
const PULSE_AT_LEAST: Duration = Duration::from_secs(5);
/// Where a listener that was cut off goes on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) async fn records(
    State(control): State<Control>,
    Query(query): Query<RecordsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let from = match query.from {
        Some(from) => Some(from),
        None => last_event_id(&headers)?.map(|last| last.saturating_add(1)),
    };
    let place = control.listeners.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Kind::TooManyListeners, format!("{} listen already", control.limits.listeners))
    })?;
    let (events, body) = mpsc::channel(EVENTS_ON_THE_WAY);
    tokio::spawn(tell(control.simulator.records(from), events, control.stopping, place));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, axum::body::Body::new(Events(body))).into_response())
}

/// Tells a page that something happened: at once, then at most so often as [`PULSE`] says, and every
/// [`PULSE_AT_LEAST`], since time passes too. A page that is told each record of a busy service would do nothing else.
/// It ends when nobody `may_listen` any more.
pub(crate) async fn changes(
    control: Control,
    may_listen: impl Fn() -> bool + Send + 'static,
) -> Result<Response, Problem> {
    let place = control.listeners.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Kind::TooManyListeners, format!("{} listen already", control.limits.listeners))
    })?;
    let (events, body) = mpsc::channel(EVENTS_ON_THE_WAY);
    let records = control.simulator.records(None);
    tokio::spawn(tell_changes(records, events, control.stopping, may_listen, place));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, axum::body::Body::new(Events(body))).into_response())
}

/// Until the listener is gone or may not listen any more, the service has stopped, or the server stops.
async fn tell_changes(
    mut records: Records,
    events: mpsc::Sender<Bytes>,
    mut stopping: watch::Receiver<bool>,
    may_listen: impl Fn() -> bool + Send,
    place: OwnedSemaphorePermit,
) {
    let _place = place;
    let changed = || Bytes::from_static(b"event: changed\ndata:\n\n");
    let mut event = Bytes::from_static(b": here\n\n");
    loop {
        if events.send(event).await.is_err() {
            return;
        }
        let next = async {
            clock::pause(PULSE).await;
            // What came meanwhile is told together; the end of the records is the end of the service.
            tokio::select! {
                heard = records.latest() => heard,
                () = clock::pause(PULSE_AT_LEAST) => true,
            }
        };
        let goes_on = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = events.closed() => return,
            goes_on = next => goes_on,
        };
        if !goes_on || !may_listen() {
            return;
        }
        event = changed();
    }
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(last) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = last.to_str().ok().and_then(|last| last.parse().ok());
    number.map(Some).ok_or_else(|| Problem::field("Last-Event-ID", "expected the id of an event").malformed())
}

/// Tells records until the listener is gone, the service has stopped, or the server stops.
async fn tell(
    mut records: Records,
    events: mpsc::Sender<Bytes>,
    mut stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // A first comment, so that the listener sees at once that it is listening.
    let mut event = Bytes::from_static(b": listening\n\n");
    loop {
        let sent = tokio::select! {
            sent = events.send(event) => sent,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        if sent.is_err() {
            return;
        }
        event = tokio::select! {
            heard = records.next() => match heard {
                Some(heard) => written(&heard),
                None => return,
            },
            () = clock::pause(HEARTBEAT) => Bytes::from_static(b": still here\n\n"),
            () = events.closed() => return,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
    }
}

fn written(heard: &Heard) -> Bytes {
    match heard {
        Heard::Record(numbered) => {
            let view = RecordView::of(numbered.sequence, &numbered.record);
            let data = serde_json::to_string(&view).expect("texts and numbers become JSON");
            format!("id: {}\nevent: record\ndata: {data}\n\n", numbered.sequence).into()
        }
        Heard::Missed { next } => format!("event: missed\ndata: {}\n\n", json!({ "next": next })).into(),
    }
}

/// The body: what the task sends.
struct Events(mpsc::Receiver<Bytes>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
