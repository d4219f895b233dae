//! A transport that answers from memory.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue};
use pns_engine::{Answer, FailureReason};

use super::head::{self, CommonHeaders};
use super::{Exchange, Request, Settings, Timeouts, Transport};
use crate::fault::Injection;

type Script = dyn FnMut(usize, &Request) -> Answer + Send;

/// Answers each attempt as a script says, and keeps the requests. No socket, no wait.
///
/// Injections come out as they do over HTTPS, so far as an answer can show them.
#[derive(Clone)]
pub struct ScriptedTransport {
    stage: Arc<Mutex<Stage>>,
}

struct Stage {
    script: Box<Script>,
    requests: Vec<Request>,
}

impl ScriptedTransport {
    /// Answers attempt 0, 1, … by `script`.
    pub fn new(script: impl FnMut(usize, &Request) -> Answer + Send + 'static) -> Self {
        Self { stage: Arc::new(Mutex::new(Stage { script: Box::new(script), requests: Vec::new() })) }
    }

    /// Answers with `answers` in order, then with status 200.
    #[must_use]
    pub fn with_answers(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Self::new(move |_, _| answers.pop_front().unwrap_or(Answer::Status { code: 200, retry_after: None }))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests so far that reached the receiver's side, copies included, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.stage().requests.clone()
    }

    fn ask(&self, request: &Request) -> Answer {
        let stage = &mut *self.stage();
        let answer = (stage.script)(stage.requests.len(), request);
        stage.requests.push(request.clone());
        answer
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedTransport")
            .field("requests", &self.stage().requests.len())
            .finish_non_exhaustive()
    }
}

impl Transport for ScriptedTransport {
    async fn attempt(&self, request: Request) -> Exchange {
        let common = CommonHeaders {
            user_agent: HeaderValue::from_static(Settings::USER_AGENT),
            content_type: HeaderValue::from_static("application/json"),
        };
        let headers: HeaderMap = head::headers(&request, &common);
        let timeouts = Timeouts::default();
        let connect = request.connect_timeout.unwrap_or(timeouts.connect);
        let ack = request.ack_timeout.unwrap_or(timeouts.acknowledgement);
        let failed = Answer::NoResponse;
        let injection = request.injection.clone();
        let (answer, waited) = match injection {
            Some(Injection::Refuse) => (failed(FailureReason::Refused), None),
            Some(Injection::ConnectTimeout) => (failed(FailureReason::ConnectTimeout), Some(connect)),
            Some(Injection::NameResolution) => (failed(FailureReason::NameResolution), None),
            Some(Injection::ResetBeforeBody | Injection::ResetAfterBody) => {
                (failed(FailureReason::Reset), None)
            }
            Some(Injection::CutBody) => (failed(FailureReason::ClosedBeforeResponse), None),
            Some(Injection::AckLost) => match self.ask(&request) {
                Answer::Status { .. } => (failed(FailureReason::AcknowledgementTimeout), Some(ack)),
                answer @ Answer::NoResponse(_) => (answer, None),
            },
            Some(Injection::Answer(code)) => match self.ask(&request) {
                Answer::Status { .. } => (Answer::Status { code, retry_after: None }, None),
                answer @ Answer::NoResponse(_) => (answer, None),
            },
            _ => (self.ask(&request), None),
        };
        let waited = waited.or(match answer {
            Answer::NoResponse(FailureReason::AcknowledgementTimeout) => Some(ack),
            Answer::NoResponse(FailureReason::ConnectTimeout) => Some(connect),
            _ => None,
        });
        let duplicate = (request.injection == Some(Injection::Duplicate)).then(|| self.ask(&request));
        Exchange { duplicate, waited, ..Exchange::unsent(answer, headers, request.injection) }
    }
}
