//! The keys of steps.

use schemars::JsonSchema;

use super::*;

map! {
    /// A step: exactly one verb, and what belongs to it.
    Step {
        /// Verb: publishes notifications.
        emit: Emit,
        /// With `emit`: how many times.
        count: Count,
        /// With `emit`: members laid over the body.
        with: Values,
        /// With `emit`, `request` and `pushed_back`: the name under which to find them.
        save: String,
        /// With `emit`: `false` allows a body that the pack rejects.
        valid: Flag,
        /// With `emit`: published, reversed or shuffled.
        order: String,
        /// With `emit`: a name for the RFP and the supplier that all events under it are about.
        rfp: String,
        /// Verb: injects failures inside the sender.
        fault: WordOr<FaultMap>,
        /// With `fault`: a span of PNS time instead of a count.
        r#for: Span,
        /// With `fault`, `rate_limit` and `change`: the subscription.
        on: String,
        /// With `fault`: only attempts of these. With `pushed_back`: about the RFP of this one.
        of: String,
        /// Verb: announces a downtime window.
        downtime: Downtime,
        /// Verb: moves a window's end.
        extend: Extend,
        /// Verb: cancels a window by its saved name.
        cancel: String,
        /// Verb: changes the rate limit; `none` lifts it.
        rate_limit: WordOr<RateLimit>,
        /// Verb: changes a subscription.
        change: Change,
        /// Verb: lets PNS time pass.
        advance: Span,
        /// Verb: lets PNS time pass until something holds.
        until: WordOr<Goal>,
        /// With `until`: the longest wait in PNS time. With `request` and `pushed_back`: in real time.
        within: Span,
        /// Verb: lets the sender crash and recover after so much PNS time.
        restart: Span,
        /// Verb: reads from the receiver what it did.
        probe: Probe,
        /// Verb: makes a request by bytes, outside the sender.
        request: Request,
        /// With `request`: so many at once.
        copies: Count,
        /// With `copies`: whether they are one notification, sent several times at once.
        alike: Flag,
        /// With `request`: so many one after the other.
        times: Count,
        /// With `request`: real time before it, or between several.
        pause: Span,
        /// With `request`: what may come back. Default: 2xx.
        answer: Answers,
        /// With `request`: whether the receiver must close the connection after its answer.
        then_closed: Flag,
        /// With `request`: an answer that does not fit ends the scenario as skipped. Default: false.
        or_skip: Flag,
        /// With `request`: texts that the answer must not hold.
        body_without: OneOrMany<String>,
        /// With `request`: the check's title in reports.
        title: String,
        /// Verb: lets calls of the pull API go wrong; `clear` ends all of it.
        pull_fault: WordOr<PullFaultMap>,
        /// Verb: waits until an act of the receiver's, on the pull API, has published this event.
        pushed_back: EventName,
        /// Under which circumstances the step is done.
        when: When,
    }
}

/// What is published: an event type, `all`, a list of types, or a map.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum Emit {
    /// An event type or `all`.
    Word(String),
    /// Several.
    Types(Vec<EventName>),
    /// A life-like course, or raw bytes.
    Map(EmitMap),
}

map! {
    /// A life-like course, or raw bytes.
    EmitMap {
        /// submit, award, decline, turn-down, withdraw or cancel.
        lifecycle: String,
        /// Exactly this text as the body.
        raw: String,
        /// With `raw`: the event type as which it is routed. Required there.
        r#type: EventName,
    }
}

map! {
    /// A fault: exactly one, with its count, or `true` beside the step's `for`.
    #[schemars(extend("patternProperties" = { "^\\{\\{": true }))]
    FaultMap {
        /// As if nothing listened.
        refuse: Times,
        /// As if no connection came about.
        connect_timeout: Times,
        /// As if the name did not resolve.
        name_resolution: Times,
        /// Reset before or after the body.
        reset: CountOr<Reset>,
        /// Half the body, then closed.
        cut_body: Times,
        /// The body spread over a span of real time.
        slow_body: SlowBody,
        /// The answer does not reach the sender.
        ack_lost: Times,
        /// The sender sees this status instead.
        answer: Answer,
        /// Sent twice at once.
        duplicate: Times,
        /// Another key.
        wrong_key: Times,
        /// No Authorization header.
        no_key: Times,
        /// More headers.
        extra_headers: ExtraHeaders,
    }
}

map! {
    /// A reset.
    Reset {
        /// before-body or after-body. Default: after-body.
        when: String,
        /// How many attempts. Default: 1.
        times: Count,
    }
}

map! {
    /// A slow body.
    SlowBody {
        /// The span of real time. Required.
        over: Span,
        /// How many attempts. Default: 1.
        times: Count,
    }
}

map! {
    /// A status in the receiver's place.
    Answer {
        /// The status. Required.
        status: Status,
        /// How many attempts. Default: 1.
        times: Count,
    }
}

map! {
    /// Headers in addition.
    ExtraHeaders {
        /// Their names and values. Required.
        headers: Texts,
        /// How many attempts. Default: 1.
        times: Count,
    }
}

map! {
    /// A downtime window: `for` or `open: true`.
    Downtime {
        /// now, `in 10m` or `30m ago`. Default: now.
        from: WindowStart,
        /// Its length.
        r#for: Span,
        /// Open until `extend` or `cancel`.
        open: Flag,
        /// The name under which to find it.
        save: String,
        /// The subscription.
        on: String,
    }
}

map! {
    /// A later (or earlier) end of a window.
    Extend {
        /// The window's saved name. Required.
        window: String,
        /// The new end, counted from now. Required.
        r#for: Span,
    }
}

map! {
    /// New settings of a subscription.
    Change {
        /// Event types.
        events: OneOrMany<EventsWord>,
        /// Suppliers.
        suppliers: OneOrMany<String>,
        /// The intervals between attempts, whole.
        retry: Retry,
        /// `ignored` or `honoured`.
        retry_after: String,
        /// Which statuses acknowledge.
        acknowledge: OneOrMany<Status>,
        /// How many attempts may be in flight.
        concurrency: Count,
        /// The Authorization header.
        auth: WordOr<Key>,
    }
}

map! {
    /// What to wait for: exactly one.
    Goal {
        /// These are delivered.
        delivered: OneOrMany<String>,
        /// So many attempts started.
        attempted: Count,
        /// These failed so many times.
        failed: FailedGoal,
    }
}

map! {
    /// Failures to wait for.
    FailedGoal {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// How often. Default: 1.
        times: Count,
    }
}

map! {
    /// A question to the receiver.
    Probe {
        /// The address. Required.
        get: String,
        /// What is wanted.
        expect: ProbeExpect,
        /// How long to repeat it, in real time. Default: 5s.
        within: Span,
        /// Variables to save: a name and a JSON path each.
        save: Texts,
    }
}

map! {
    /// The wanted answer.
    ProbeExpect {
        /// The status. Default: 200.
        status: Status,
        /// Values by JSON path.
        json: Values,
    }
}

map! {
    /// What goes wrong with calls of the pull API: exactly one of the first four.
    PullFaultMap {
        /// The answer is held back, in real time.
        slow: Span,
        /// Answers with this status.
        answer: Status,
        /// With `answer`: the Retry-After header.
        retry_after: Span,
        /// Answers with the state of so long ago, in PNS time.
        stale: Span,
        /// `true`: answers 403, as without a represented venue's consent.
        no_consent: Flag,
        /// Which calls. Default: all.
        of: OneOrMany<String>,
        /// Only calls about the RFP of this name.
        rfp: String,
        /// Only calls about this supplier.
        supplier: String,
        /// How many calls. Default: 1.
        times: Count,
        /// A span of PNS time instead of a count.
        r#for: Span,
    }
}
