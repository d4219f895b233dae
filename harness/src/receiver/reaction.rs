//! What the receiver does with a POST instead of, or beside, answering it as it should.
//!
//! Plain values: text for them is read by [`Script::parse`](super::Script::parse), scenario files have their own
//! spelling.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// What a receiver does with each POST: a sequence used up one by one, then one reaction for ever.
///
/// Order of precedence: [`Script::fail_first`], then [`Script::rate_limit`], then the sequence, then
/// [`Script::then`]. A POST caught by an earlier one uses up nothing of a later one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Script {
    /// Used up from the front, one per POST.
    pub sequence: Vec<Reaction>,
    /// What follows when the sequence is used up. Default: the correct behaviour.
    pub then: Reaction,
    /// Failures before anything else.
    pub fail_first: Option<FailFirst>,
    /// Answers 429 with `Retry-After` to what comes faster.
    pub rate_limit: Option<RateLimit>,
}

impl Script {
    /// `sequence`, then the correct behaviour.
    #[must_use]
    pub fn of(sequence: Vec<Reaction>) -> Self {
        Self { sequence, ..Self::default() }
    }

    /// `reaction` to every POST.
    #[must_use]
    pub fn always(reaction: Reaction) -> Self {
        Self { then: reaction, ..Self::default() }
    }
}

/// The first attempts fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailFirst {
    /// How many.
    pub attempts: u32,
    /// How.
    pub with: Reaction,
    /// Which attempts are counted together.
    pub counted: Counted,
}

/// Which attempts are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Counted {
    /// All POSTs to this receiver.
    #[default]
    Together,
    /// The POSTs of each notification by themselves (by event id; those without one count as one).
    ByNotification,
}

/// The fastest rate at which the receiver accepts POSTs, in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// POSTs a second in the long run.
    pub per_second: NonZeroU32,
    /// POSTs at once after a pause.
    pub burst: NonZeroU32,
}

/// What is done with one POST: an effect at once, a pause, an answer.
///
/// The effect takes place before the pause and the answer, so an answer that is lost leaves the effect behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Whether the notification is processed.
    pub effect: Effect,
    /// How long the answer is held back.
    pub delay: Duration,
    /// What the sender sees.
    pub answer: Answer,
}

/// Whether the notification in a POST is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// As it should be: when the request is in order, and once per event id.
    Process,
    /// When the request is in order, every time: a receiver that is not idempotent.
    ProcessAgain,
    /// Never.
    Ignore,
}

/// What the sender of a POST sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200, or the status that tells what is wrong with the request.
    Correct,
    /// This status, whatever the request.
    Status(StatusAnswer),
    /// Nothing, until the sender leaves, the receiver stops, or the limit on hanging is reached.
    Hang,
    /// As [`Answer::Hang`], and the body is never read: a large one fills the sender's window.
    HangBeforeReading,
    /// The connection is reset (TCP RST).
    Reset,
    /// The connection is closed in order, without a response.
    Close,
    /// Bytes that are no HTTP, then the end of the connection.
    Malformed,
    /// A 200 whose body ends before its announced length.
    Cut,
}

/// A response as scripted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusAnswer {
    /// 200 to 599; anything else is answered as 500.
    pub code: u16,
    /// `Retry-After` in whole seconds, rounded up.
    pub retry_after: Option<Duration>,
    /// Further headers. What HTTP does not allow in a header is left out.
    pub headers: Vec<(String, String)>,
    /// The body; `None`: a short JSON text.
    pub body: Option<String>,
}

impl Reaction {
    /// The correct behaviour.
    pub const CORRECT: Self = Self::new(Effect::Process, Answer::Correct);
    /// No answer, no effect.
    pub const HANG: Self = Self::new(Effect::Ignore, Answer::Hang);
    /// No answer, no effect, the body unread.
    pub const HANG_BEFORE_READING: Self = Self::new(Effect::Ignore, Answer::HangBeforeReading);
    /// A reset, no effect.
    pub const RESET: Self = Self::new(Effect::Ignore, Answer::Reset);
    /// The end of the connection, no effect.
    pub const CLOSE: Self = Self::new(Effect::Ignore, Answer::Close);
    /// No HTTP, no effect.
    pub const MALFORMED: Self = Self::new(Effect::Ignore, Answer::Malformed);
    /// A response cut short, no effect.
    pub const CUT: Self = Self::new(Effect::Ignore, Answer::Cut);
    /// Processed, then the acknowledgement is lost to a reset.
    pub const PROCESS_THEN_RESET: Self = Self::new(Effect::Process, Answer::Reset);
    /// Processed, then never acknowledged.
    pub const PROCESS_THEN_HANG: Self = Self::new(Effect::Process, Answer::Hang);

    /// An effect and an answer, without delay.
    #[must_use]
    pub const fn new(effect: Effect, answer: Answer) -> Self {
        Self { effect, delay: Duration::ZERO, answer }
    }

    /// A status. A 2xx processes the notification, any other does not; change [`Reaction::effect`] for a receiver
    /// that acknowledges what it loses, or refuses what it has processed.
    #[must_use]
    pub fn status(code: u16) -> Self {
        let effect = if (200..300).contains(&code) { Effect::Process } else { Effect::Ignore };
        Self::new(
            effect,
            Answer::Status(StatusAnswer { code, retry_after: None, headers: Vec::new(), body: None }),
        )
    }

    /// A status with `Retry-After`: 503 for a receiver that is down, 429 for one that is pressed.
    #[must_use]
    pub fn status_retry_after(code: u16, retry_after: Duration) -> Self {
        let mut reaction = Self::status(code);
        if let Answer::Status(status) = &mut reaction.answer {
            status.retry_after = Some(retry_after);
        }
        reaction
    }

    /// 307 to `location`, which a sender that follows redirects would POST to.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        let mut reaction = Self::status(307);
        if let Answer::Status(status) = &mut reaction.answer {
            status.headers.push(("location".to_owned(), location.into()));
        }
        reaction
    }

    /// The same, with its answer held back by `delay` more.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = self.delay.saturating_add(delay);
        self
    }

    /// The same, with another effect.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }
}

impl Default for Reaction {
    fn default() -> Self {
        Self::CORRECT
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Correct => f.write_str("correct"),
            Self::Status(status) => write!(f, "{}", status.code),
            Self::Hang => f.write_str("hang"),
            Self::HangBeforeReading => f.write_str("hang-before-reading"),
            Self::Reset => f.write_str("reset"),
            Self::Close => f.write_str("close"),
            Self::Malformed => f.write_str("malformed"),
            Self::Cut => f.write_str("cut"),
        }
    }
}
