//! Failures injected inside the sender, so that no proxy and no change to the receiver is needed.
//!
//! A [`Injection`] changes one attempt. The transport carries it out; which attempt gets which is planned by
//! [`FaultPlan`], a pure value.

use std::time::Duration;

/// What is done to one attempt instead of, or beside, sending it as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injection {
    /// As if nothing listened. Nothing is sent.
    Refuse,
    /// As if no connection came about within the connect timeout. Nothing is sent.
    ConnectTimeout,
    /// As if the host name did not resolve. Nothing is sent.
    NameResolution,
    /// The connection is reset (TCP RST) after the request's head, before its body.
    ResetBeforeBody,
    /// The connection is reset (TCP RST) after the whole request, before the answer is read.
    ResetAfterBody,
    /// Half of the announced body is sent, then the connection is closed.
    CutBody,
    /// The body is sent in pieces spread over this span of real time; otherwise as usual.
    SlowBody(Duration),
    /// The whole request is sent and the receiver's answer awaited; the answer never reaches the sender,
    /// which sees an acknowledgement timeout.
    AckLost,
    /// The whole request is sent and answered; the sender sees this status instead.
    Answer(u16),
    /// The request is sent a second time, on another connection, while the first is under way. The first's
    /// answer counts.
    Duplicate,
    /// `Authorization: api_key` with another key of the same length.
    WrongKey,
    /// No `Authorization` header.
    NoKey,
    /// Headers added to the request, as an intermediary might.
    ExtraHeaders(Vec<(String, String)>),
}
