//! Faults of the pull side: planned, listed with what is left of them, forgotten.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Dashboard;
use super::faults::{self, Refused};
use super::field::{Choice, Field, Kind};
use super::form::{self, Form, Id, Json, Wrong};
use super::page::{Acted, Refusal, done};
use super::words::{self, When};
use crate::service::model::{Instant, InvalidField};
use crate::world::{CallKind, PullFaultSpec, PullFaultView};

/// The faults, and what each does.
const FAULTS: [(&str, &str); 4] = [
    ("answer", "answer – another status, and nothing is done"),
    ("slow", "slow – the answer is held back"),
    ("stale", "stale – the state of so long ago is told"),
    ("no_consent", "no_consent – a venue has not given its consent: 403"),
];

/// A planned fault.
pub(super) struct PullRow {
    pub(super) id: u32,
    pub(super) fault: String,
    pub(super) left: Option<u64>,
    pub(super) until: Option<When>,
    /// Which calls it meets.
    pub(super) of: String,
}

impl PullRow {
    pub(super) fn of(view: &PullFaultView, now: Instant) -> Self {
        let spec = &view.fault;
        let retry = spec.retry_after.map(|span| format!(", Retry-After {}", words::written(&span)));
        let fault = match (spec.slow, spec.answer, spec.stale) {
            (Some(span), ..) => format!("slow {}", words::written(&span)),
            (_, Some(status), _) => format!("answer {status}{}", retry.unwrap_or_default()),
            (_, _, Some(span)) => format!("stale {}", words::written(&span)),
            _ => "no_consent".to_owned(),
        };
        let kinds = spec.of.as_ref().map(|of| of.0.iter().map(|kind| kind.word()).collect::<Vec<_>>());
        let parts = [
            kinds.map(|kinds| kinds.join(", ")),
            spec.rfp.map(|rfp| format!("RFP {rfp}")),
            spec.supplier.map(|supplier| format!("supplier {}", supplier.0)),
        ];
        Self {
            id: view.id,
            fault,
            left: view.left.map(u64::from),
            until: view.until.map(|until| words::when(until, now)),
            of: parts.into_iter().flatten().collect::<Vec<_>>().join("; "),
        }
    }
}

/// The form.
pub(super) fn fields() -> Vec<Field> {
    let any = Choice { value: String::new(), label: "all calls".to_owned(), is_chosen: true };
    let calls = CallKind::ALL.map(|kind| Choice {
        value: kind.word().to_owned(),
        label: kind.word().to_owned(),
        is_chosen: false,
    });
    vec![
        Field::new("fault", "What goes wrong").value("answer").one_of(&FAULTS).wide(),
        Field::new("detail", "The status, or the span")
            .hint("Of answer a status such as 503; of slow and stale a span such as 2s or 1h"),
        Field::new("retry_after", "Retry-After").placeholder("none").hint("With answer: a span"),
        Field::new("times", "How many calls").placeholder("1").hint("Leave empty with a span"),
        Field::new("for", "or for a span of PNS time").hint("Such as 2h"),
        Field::new("of", "Which calls").kind(Kind::Select([any].into_iter().chain(calls).collect())),
        Field::new("rfp", "Only of the RFP").placeholder("any").hint("A UUID"),
        Field::new("supplier", "Only of the supplier").placeholder("any").hint("A UUID"),
    ]
}

pub(super) async fn plan(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    let refused = match spec(&form) {
        Ok(spec) => match dashboard.simulator().plan_pull_fault(spec).await {
            Ok(_) => return Ok(done("/ui/faults", "planned").into_response()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    let refused = Refused::Pull(of_the_form(refused));
    Ok(faults::page(&dashboard, &form, Some(refused)).await?.into_response())
}

fn spec(form: &Form) -> Result<PullFaultSpec, Wrong> {
    let mut json = Json::default();
    let told = |why: &str| Wrong::from(InvalidField::new("detail", why));
    match (form.get("fault"), form.get("detail").is_empty()) {
        ("no_consent", false) => return Err(told("`no_consent` has no status and no span: leave it empty")),
        ("answer", true) => return Err(told("expected a status such as 503")),
        ("slow" | "stale", true) => return Err(told("expected a span such as 2s or 1h")),
        _ => {}
    }
    match form.get("fault") {
        "no_consent" => json.set("no_consent", true),
        "answer" => json.set("answer", form::number(form.get("detail"))),
        fault => json.set(fault, form.get("detail")),
    }
    json.number("times", form.get("times"));
    for name in ["retry_after", "for", "of", "rfp", "supplier"] {
        json.text(name, form.get(name));
    }
    json.read()
}

/// Errors by the names that the form's fields have.
fn of_the_form(mut wrong: Wrong) -> Wrong {
    for (field, _) in &mut wrong.errors {
        if ["answer", "slow", "stale"].contains(&field.as_str()) {
            "detail".clone_into(field);
        }
    }
    wrong
}

pub(super) async fn clear(State(dashboard): State<Dashboard>, id: Id, _: Form) -> Acted {
    dashboard.simulator().clear_pull_fault(Some(id.small()?)).await?;
    Ok(done("/ui/faults", "cleared"))
}

pub(super) async fn clear_all(State(dashboard): State<Dashboard>, _: Form) -> Acted {
    dashboard.simulator().clear_pull_fault(None).await?;
    Ok(done("/ui/faults", "cleared"))
}
