//! From a request to its answer: which call, whose, what goes wrong, what is read or done.
//!
//! Statuses: 200, 403, 404 and 422 as documented for each call; 400, 401, 405, 408, 413, 415 and 503 are HTTP's own; 429 and
//! 5xx come of faults. Faults meet what was admitted and could be read, so that a wrong key uses none up.

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use pns_engine::{SupplierId, Timestamp};
use serde_json::Value;

use super::answer::Answer;
use super::counterpart::{ActError, Counterpart};
use super::entry::Entry;
use super::gate::Gate;
use super::paths::{Found, Named, Paths};
use super::settings::{PullLimits, PullSettings};
use crate::clock;
use crate::world::{Act, Asked, Call, CallKind, DataType, PullFault, Refusal, RfpId, Viewer};

/// *Documented* for the call for all responses.
const NO_RFP_IDS: &str = "No RFP IDs were included in the URL, or the IDs that were included were invalid";
/// *Documented* for changing a proposal's basics.
const PROPOSAL_UPDATED: &str = "Proposal successfully updated";

/// How much of a body that is too large is read on, and for how long, so that its sender comes to the answer.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN: Duration = Duration::from_secs(2);

/// What answers requests.
#[derive(Debug)]
pub(super) struct Pulled<C> {
    counterpart: C,
    gate: Gate,
    paths: Paths,
    turn_down_refused: StatusCode,
    limits: PullLimits,
}

impl<C: Counterpart> Pulled<C> {
    pub(super) fn new(counterpart: C, settings: PullSettings) -> Self {
        Self {
            counterpart,
            gate: Gate::new(&settings),
            paths: settings.paths,
            turn_down_refused: settings.turn_down_refused,
            limits: settings.limits,
        }
    }

    pub(super) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = request.into_parts();
        let at = self.counterpart.now().await;
        let log = self.counterpart.log().clone();
        let mut entry = Entry::begin(log, at, &head.method, head.uri.path());
        let answer = self.respond(&head, body, at, &mut entry).await;
        let answer = answer.unwrap_or_else(|refusal| refusal);
        entry.end(answer.status);
        answer.into_response()
    }

    async fn respond<B>(
        &self,
        head: &Parts,
        body: B,
        at: Timestamp,
        entry: &mut Entry,
    ) -> Result<Answer, Answer>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (kind, named) = match self.paths.find(&head.method, head.uri.path()) {
            Found::Call { kind, named } => (kind, named),
            Found::OtherMethods(allowed) => return Err(not_allowed(&allowed)),
            Found::Nothing => return Err(Answer::refused(StatusCode::NOT_FOUND, "no call has this path")),
        };
        let mut asked =
            Asked { kind, rfp: named.rfp().parse().ok(), supplier: named.supplier().parse().ok() };
        entry.asked(asked);
        if kind == CallKind::Token {
            let body = self.collect(body, self.limits.token_bytes).await?;
            let (who, answer) = self.gate.token(&head.headers, &body);
            if let Some(who) = who {
                entry.who(&who.name);
                self.meet(self.take(&asked, at, entry)).await?;
            }
            return Ok(answer);
        }
        let who = self.gate.who(&head.headers)?;
        entry.who(&who.name);
        self.gate.permit(&who, kind, &head.headers)?;
        if head.method == Method::GET || head.method == Method::HEAD {
            let call = call(kind, &named)?;
            entry.call(call, &head.method);
            let stale = self.meet(self.take(&asked, at, entry)).await?;
            return self.read(&call, &who.viewer, stale).await;
        }
        entry.acts();
        says_json(&head.headers)?;
        let body = self.collect(body, self.limits.body_bytes).await?;
        let body: Value = serde_json::from_slice(&body).map_err(|error| {
            Answer::refused_for(StatusCode::BAD_REQUEST, "the body is not JSON", &[error.to_string()])
        })?;
        if kind == CallKind::Forward {
            // Who forwards stands in the body only.
            let forwarder = body.get("forwarderSupplierId").and_then(Value::as_str);
            asked.supplier = forwarder.and_then(|text| text.parse().ok());
            entry.asked(asked);
        }
        // An address of nothing meets no fault.
        rfp(kind, &named)?;
        if kind != CallKind::Forward {
            supplier(&named)?;
        }
        self.meet(self.take(&asked, at, entry)).await?;
        self.act(kind, &head.method, &named, &body, &who.viewer).await
    }

    fn take(&self, asked: &Asked, at: Timestamp, entry: &mut Entry) -> Option<PullFault> {
        let (id, fault) = self.counterpart.faults().take(asked, at)?;
        entry.fault(id);
        Some(fault)
    }

    /// Lets a fault have its way; tells how old the state shall be that is told.
    async fn meet(&self, fault: Option<PullFault>) -> Result<Duration, Answer> {
        match fault {
            None => Ok(Duration::ZERO),
            Some(PullFault::Stale(age)) => Ok(age),
            Some(PullFault::Slow(span)) => {
                clock::pause(span).await;
                Ok(Duration::ZERO)
            }
            Some(PullFault::NoConsent) => {
                Err(Answer::refused(StatusCode::FORBIDDEN, "the represented venue has not given its consent"))
            }
            Some(PullFault::Answer { status, retry_after }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let reason = status.canonical_reason().unwrap_or("this fails");
                // A client renews its token after this, as it should after the real one.
                let answer = match status {
                    StatusCode::UNAUTHORIZED => self.gate.unknown(reason, "invalid_token"),
                    _ => Answer::refused(status, reason),
                };
                let Some(wait) = retry_after else { return Err(answer) };
                // Whole seconds, and none too early.
                let seconds = u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
                Err(answer.with(RETRY_AFTER, seconds.into()))
            }
        }
    }

    async fn read(&self, call: &Call, viewer: &Viewer, stale: Duration) -> Result<Answer, Answer> {
        let now = self.counterpart.now().await;
        let age = u64::try_from(stale.as_nanos()).unwrap_or(u64::MAX);
        let as_of = Timestamp::from_nanos(now.as_nanos().saturating_sub(age));
        let told = self.counterpart.world().read(|world| world.answer(call, viewer, as_of));
        told.map(|body| Answer::json(StatusCode::OK, &body))
            .map_err(|refusal| self.refuse(call.kind(), &refusal))
    }

    async fn act(
        &self,
        kind: CallKind,
        method: &Method,
        named: &Named<'_>,
        body: &Value,
        viewer: &Viewer,
    ) -> Result<Answer, Answer> {
        let refuse = |refusal| self.refuse(kind, &refusal);
        let rfp = rfp(kind, named)?;
        let act = match kind {
            CallKind::Forward => Act::forward(rfp, body),
            CallKind::ProposalDetails => Act::update_proposal(rfp, supplier(named)?, body),
            CallKind::ProposalCreate => Act::create_proposal(rfp, supplier(named)?, body),
            _ if *method == Method::PUT => Act::change_turn_down(rfp, supplier(named)?, body),
            _ => Act::turn_down(rfp, supplier(named)?, body),
        };
        let act = act.map_err(refuse)?;
        let acted = self.counterpart.act(act, viewer.clone());
        match tokio::time::timeout(self.limits.request, acted).await {
            Ok(Ok(())) => Ok(Answer::done(match kind {
                CallKind::ProposalDetails => PROPOSAL_UPDATED,
                CallKind::ProposalCreate => "Proposal successfully created",
                CallKind::Forward => "RFP successfully forwarded",
                _ => "RFP successfully turned down",
            })),
            Ok(Err(ActError::Refused(refusal))) => Err(refuse(refusal)),
            Ok(Err(ActError::Unavailable(why))) => Err(unavailable(&why)),
            Err(_) => Err(unavailable("it takes too long; whether it is done is not known yet")),
        }
    }

    /// The answer to what the world refuses.
    fn refuse(&self, kind: CallKind, refusal: &Refusal) -> Answer {
        match refusal {
            Refusal::NotFound(why) => Answer::refused(StatusCode::NOT_FOUND, why),
            Refusal::Forbidden(why) => Answer::refused(StatusCode::FORBIDDEN, why),
            Refusal::Unprocessable(causes) => {
                let status = match kind {
                    CallKind::TurnDown => self.turn_down_refused,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                Answer::refused_for(status, "the request is not accepted", causes)
            }
        }
    }

    /// The body, of `bytes_max` bytes at most, in the time that a request has.
    async fn collect<B>(&self, body: B, bytes_max: usize) -> Result<Bytes, Answer>
    where
        B: Body + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let mut body = pin!(body);
        let collected = Limited::new(body.as_mut(), bytes_max).collect();
        match tokio::time::timeout(self.limits.request, collected).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                // Who is still sending when the connection closes may never see the answer.
                let _ = tokio::time::timeout(DRAIN, drain(body)).await;
                let message = format!("the body is longer than {bytes_max} bytes");
                Err(Answer::refused(StatusCode::PAYLOAD_TOO_LARGE, &message))
            }
            Ok(Err(_)) => Err(Answer::refused(StatusCode::BAD_REQUEST, "the body ended early")),
            Err(_) => Err(Answer::refused(StatusCode::REQUEST_TIMEOUT, "the body did not come")),
        }
    }
}

/// Reads on, and forgets it, up to a limit.
async fn drain<B: Body>(mut body: Pin<&mut B>) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(frame)) = body.as_mut().frame().await {
        let bytes = frame.data_ref().map_or(0, Buf::remaining);
        let Some(less) = left.checked_sub(bytes) else { return };
        left = less;
    }
}

/// What is read, by the path.
fn call(kind: CallKind, named: &Named<'_>) -> Result<Call, Answer> {
    let unknown = |what: &str| Answer::refused(StatusCode::NOT_FOUND, &format!("no {what} has this id"));
    Ok(match kind {
        CallKind::Message => Call::Message(named.message().parse().map_err(|_| unknown("message"))?),
        CallKind::Venue => Call::Venue(named.venue().parse().map_err(|_| unknown("venue"))?),
        CallKind::Attachment => {
            Call::Attachment(named.attachment().parse().map_err(|_| unknown("attachment"))?)
        }
        CallKind::Responses => Call::Responses(rfp(kind, named)?),
        CallKind::DataType => Call::DataType(rfp(kind, named)?, data_type(named)?),
        CallKind::Response => Call::Response(rfp(kind, named)?, supplier(named)?),
        CallKind::RepresentedVenues => Call::RepresentedVenues(rfp(kind, named)?),
        CallKind::Messages => Call::Messages(rfp(kind, named)?),
        // All others act, and come by other methods.
        _ => Call::Rfp(rfp(kind, named)?),
    })
}

/// The RFP of the path. Where 422 is documented, its cause is: an id that is none. Elsewhere an id that is none is an RFP
/// that is not there, *inferred*.
fn rfp(kind: CallKind, named: &Named<'_>) -> Result<RfpId, Answer> {
    named.rfp().parse().map_err(|_| match kind {
        CallKind::Responses | CallKind::DataType | CallKind::ProposalDetails => {
            Answer::refused(StatusCode::UNPROCESSABLE_ENTITY, NO_RFP_IDS)
        }
        _ => Answer::refused(StatusCode::NOT_FOUND, "no RFP has this id"),
    })
}

fn supplier(named: &Named<'_>) -> Result<SupplierId, Answer> {
    named.supplier().parse().map_err(|_| Answer::refused(StatusCode::NOT_FOUND, "no supplier has this id"))
}

/// 422 for a word that is none of the documented ones is *inferred*.
fn data_type(named: &Named<'_>) -> Result<DataType, Answer> {
    named.data_type().parse().map_err(|_| {
        let known = DataType::ALL.map(DataType::wire_name).join(", ");
        let cause = format!("responseDataType is one of {known}");
        Answer::refused_for(StatusCode::UNPROCESSABLE_ENTITY, "the request is not accepted", &[cause])
    })
}

fn says_json(headers: &HeaderMap) -> Result<(), Answer> {
    let unsupported = |message: &str| Err(Answer::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    let said = headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        return unsupported("the body is not said to be `application/json`");
    }
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            unsupported("an encoded body is not read")
        }
        _ => Ok(()),
    }
}

fn not_allowed(allowed: &[Method]) -> Answer {
    let mut names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    let answer = Answer::refused(StatusCode::METHOD_NOT_ALLOWED, "no call of this method has this path");
    answer.with(ALLOW, HeaderValue::try_from(names.join(", ")).expect("methods are tokens"))
}

fn unavailable(why: &str) -> Answer {
    Answer::refused(StatusCode::SERVICE_UNAVAILABLE, why).with(RETRY_AFTER, HeaderValue::from_static("1"))
}
