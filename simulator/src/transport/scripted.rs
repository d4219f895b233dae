//! A transport that answers from memory.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pns_engine::{Answer, FailureReason};

use super::head::{self, CommonHeaders, Head};
use super::injected::{self, Break};
use super::{Exchange, Request, Settings, Transport};
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
    asked: usize,
    requests: Vec<Request>,
}

impl ScriptedTransport {
    /// Answers the requests that are answered at all, number 0, 1, …, by `script`.
    pub fn new(script: impl FnMut(usize, &Request) -> Answer + Send + 'static) -> Self {
        Self {
            stage: Arc::new(Mutex::new(Stage { script: Box::new(script), asked: 0, requests: Vec::new() })),
        }
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

    /// The requests so far that reached the receiver's side, in order: copies included, and those broken off,
    /// which are whole here and known by their injection.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.stage().requests.clone()
    }

    fn ask(&self, request: &Request) -> Answer {
        let stage = &mut *self.stage();
        let answer = (stage.script)(stage.asked, request);
        stage.asked += 1;
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
        let settings = Settings::default();
        let common = CommonHeaders::new(&settings).expect("the default settings hold");
        let Head { headers, left_out } = head::headers(&request, &common);
        let waits = settings.waits().of(&request);
        let injection = request.injection.as_ref();
        let (answer, waited) = if let Some((reason, waited)) = injected::unsent(injection, waits) {
            (Answer::NoResponse(reason), waited)
        } else if let Some(broken) = Break::of(injection) {
            self.stage().requests.push(request.clone());
            (Answer::NoResponse(broken.reason()), None)
        } else {
            injected::seen(injection, self.ask(&request), waits)
        };
        let waited = waited.or(match answer {
            Answer::NoResponse(FailureReason::AcknowledgementTimeout) => Some(waits.acknowledgement),
            Answer::NoResponse(FailureReason::ConnectTimeout) => Some(waits.connect),
            _ => None,
        });
        let duplicate = (injection == Some(&Injection::Duplicate)).then(|| self.ask(&request));
        let unsent = Exchange::unsent(answer, headers, request.injection);
        Exchange { duplicate, waited, detail: left_out, ..unsent }
    }
}
