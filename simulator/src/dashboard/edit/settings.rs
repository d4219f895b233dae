//! The fields of a subscription's settings, and the JSON that they make.

use std::collections::BTreeSet;

use pns_engine::{EventType, EventTypeSet, SupplierScope};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::stale::Meanwhile;
use crate::dashboard::field::{self, Choice, Field, Kind};
use crate::dashboard::form::{self, Form, Json, Wrong};
use crate::dashboard::words::written;
use crate::service::model::{InvalidField, SubscriptionPatch, SubscriptionSpec, SubscriptionView};

/// Fields that belong together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) fields: Vec<Field>,
    /// Whether it is shown without being asked for.
    pub(super) is_open: bool,
}

/// The whole form.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) groups: Vec<Group>,
}

/// Members that one field makes, as the text that it is.
const TEXTS: [&str; 6] =
    ["name", "endpoint", "schema_pack", "ack_timeout", "connect_timeout", "supplierless"];
const WORDS: [&str; 2] = ["failing_delivery", "retry_after"];
/// Objects of several fields: name, and fields with whether they are numbers.
const OBJECTS: [(&str, &[(&str, bool)]); 2] = [
    ("rate_limit", &[("rate", false), ("burst", true)]),
    ("retry", &[("first", false), ("factor", true), ("max", false), ("jitter", false), ("cap", true)]),
];
/// Stands for what is not shown.
const HIDDEN: [&str; 2] = ["***", "?…"];

impl Settings {
    /// The form of `view`, or of a new subscription.
    pub(super) fn of(view: Option<&SubscriptionView>) -> Self {
        let groups = vec![
            Group { title: "Receiver", fields: receiver(view), is_open: true },
            Group { title: "Pace", fields: pace(), is_open: true },
            Group { title: "Event types and suppliers", fields: scope(view), is_open: view.is_some() },
            Group { title: "Retries and acknowledgement", fields: retries(), is_open: view.is_some() },
        ];
        let mut settings = Self { groups };
        if let Some(view) = view {
            for field in settings.fields_mut() {
                if matches!(field.kind, Kind::Text | Kind::Area(_)) {
                    field.value = present(view, &field.name);
                } else if let Kind::Select(choices) = &mut field.kind {
                    let now = present(view, &field.name);
                    choices.iter_mut().for_each(|choice| choice.is_chosen = choice.value == now);
                }
            }
        }
        settings
    }

    pub(super) fn fields_mut(&mut self) -> impl Iterator<Item = &mut Field> {
        self.groups.iter_mut().flat_map(|group| &mut group.fields)
    }

    /// As it was sent, but for what others changed meanwhile and the form did not.
    pub(super) fn fill(&mut self, form: &Form, meanwhile: Option<&Meanwhile>) {
        for field in self.fields_mut() {
            if meanwhile.is_none_or(|meanwhile| !meanwhile.is_of_others(&field.name)) {
                *field = field.clone().filled(form);
            }
        }
    }

    /// What is wrong is not hidden.
    pub(super) fn open_what_is_wrong(&mut self) {
        for group in &mut self.groups {
            group.is_open |= group.fields.iter().any(|field| field.error.is_some());
        }
    }
}

fn receiver(view: Option<&SubscriptionView>) -> Vec<Field> {
    let has_key = view.is_some_and(|view| view.api_key.is_some());
    let key = Field::new("api_key", "API key").kind(Kind::Secret);
    let key = match has_key {
        true => key.placeholder("unchanged").hint("Empty: stays as it is. Never shown again"),
        false => key.hint("Sent as Authorization: api_key KEY; empty: no such header"),
    };
    let mut fields = vec![
        Field::new("endpoint", "Endpoint")
            .hint("Where notifications are sent, such as https://127.0.0.1:8443/pns")
            .required()
            .wide(),
        Field::new("name", "Name").hint("For people, such as hotel: letters, digits and . _ -"),
        key,
    ];
    if has_key {
        fields.push(Field::new("no_key", "Send no key any more").kind(Kind::Check));
    }
    fields.push(
        Field::new("headers", "Further headers")
            .kind(Kind::Area(2))
            .hint("One to a line, such as X-Tenant: 7")
            .wide(),
    );
    fields
}

fn pace() -> Vec<Field> {
    vec![
        Field::new("rate_limit.rate", "Rate limit")
            .placeholder("no limit")
            .hint("Such as 10/s or 300/m; empty: no limit"),
        Field::new("rate_limit.burst", "Burst")
            .placeholder("1")
            .hint("With a rate: how many may start together"),
        Field::new("concurrency", "In flight together").placeholder("4").hint("Attempts at one time"),
    ]
}

fn scope(view: Option<&SubscriptionView>) -> Vec<Field> {
    let events = view.map(|view| view.events.0);
    let choices = EventType::ALL.map(|event_type| Choice {
        value: event_type.wire_name().to_owned(),
        label: event_type.wire_name().to_owned(),
        is_chosen: events.is_some_and(|events| events.contains(event_type)),
    });
    let which = match events {
        None | Some(EventTypeSet::DEFAULT_SUBSCRIPTION) => "default",
        Some(EventTypeSet::ALL) => "all",
        Some(_) => "chosen",
    };
    vec![
        Field::new("which", "Event types").value(which).one_of(&[
            ("default", "RFP_SEND and RFP_FORWARD"),
            ("all", "all 33"),
            ("chosen", "those chosen below"),
        ]),
        Field::new("supplierless", "Events that name no supplier")
            .value("once")
            .one_of(&[("once", "are told once"), ("per-supplier", "are told once for each supplier")]),
        Field::new("events", "Chosen event types")
            .kind(Kind::Checks(choices.into()))
            .hint("Whoever ticks others than there were chooses them")
            .wide(),
        Field::new("suppliers", "Suppliers")
            .kind(Kind::Area(2))
            .placeholder("all")
            .hint("UUIDs; empty: all")
            .wide(),
        Field::new("schema_pack", "Schema pack").placeholder("the service's"),
    ]
}

fn retries() -> Vec<Field> {
    vec![
        Field::new("retry.first", "First retry after").placeholder("30s"),
        Field::new("retry.factor", "then times").placeholder("2"),
        Field::new("retry.max", "at most").placeholder("4h"),
        Field::new("retry.jitter", "Jitter").placeholder("0%"),
        Field::new("retry.cap", "Give up after")
            .placeholder("never")
            .hint("Attempts. Cvent's page knows no end: a deviation"),
        Field::new("acknowledge", "Acknowledges").placeholder("2xx").hint("Statuses, as 2xx, 302 or 400-404"),
        Field::new("ack_timeout", "Answer within").placeholder("the service's").hint("Real time"),
        Field::new("connect_timeout", "Connection within").placeholder("the service's").hint("Real time"),
        Field::new("failing_delivery", "A failing delivery").value("delays-only-itself").one_of(&[
            ("delays-only-itself", "delays only itself"),
            ("holds-back-others", "holds back others"),
        ]),
        Field::new("retry_after", "Retry-After")
            .value("ignored")
            .one_of(&[("ignored", "is ignored"), ("honoured", "lengthens the delay")]),
    ]
}

/// What a field says of `view`.
pub(super) fn present(view: &SubscriptionView, name: &str) -> String {
    let retry = &view.retry;
    match name {
        "name" => view.name.clone().unwrap_or_default(),
        "endpoint" => view.endpoint.clone(),
        "headers" => {
            view.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
        }
        "rate_limit.rate" => view.rate_limit.as_ref().map(|limit| written(&limit.rate)).unwrap_or_default(),
        "rate_limit.burst" => {
            // The default is not written out: whoever empties the rate has nothing else to empty.
            let burst =
                view.rate_limit.as_ref().and_then(|limit| limit.burst).filter(|burst| burst.get() > 1);
            burst.map(|burst| burst.to_string()).unwrap_or_default()
        }
        "concurrency" => view.concurrency.to_string(),
        "which" => match view.events.0 {
            EventTypeSet::DEFAULT_SUBSCRIPTION => "default".to_owned(),
            EventTypeSet::ALL => "all".to_owned(),
            _ => "chosen".to_owned(),
        },
        "suppliers" => match &view.suppliers.0 {
            SupplierScope::All => String::new(),
            SupplierScope::Only(only) => only.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        },
        "supplierless" => written(&view.supplierless),
        "schema_pack" => view.schema_pack.clone().unwrap_or_default(),
        "retry.first" => written(&retry.first),
        "retry.factor" => written(&retry.factor).trim_end_matches(".0").to_owned(),
        "retry.max" => written(&retry.max),
        "retry.jitter" => written(&retry.jitter),
        "retry.cap" => written(&retry.cap),
        "acknowledge" => view.acknowledge.iter().map(written).collect::<Vec<_>>().join(", "),
        "ack_timeout" => written(&view.ack_timeout),
        "connect_timeout" => written(&view.connect_timeout),
        "failing_delivery" => written(&view.failing_delivery),
        "retry_after" => written(&view.retry_after),
        _ => String::new(),
    }
}

/// A text without what browsers and people do to the ends of its lines.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// What the form says: of a new subscription everything, of one that is there what is other than it is. Where a field is
/// empty the default holds again.
pub(super) fn json(form: &Form, view: Option<&SubscriptionView>) -> (Json, Vec<InvalidField>) {
    let mut json = Json::default();
    let mut wrong = Vec::new();
    // A field that was not sent is as one that was left as it is.
    let differs = |name: &str| {
        form.has(name)
            && match view {
                None => !form.get(name).is_empty(),
                Some(view) => lines(form.raw(name)) != lines(&present(view, name)),
            }
    };
    let or_null = |value: Value| if form::is_nothing(&value) { Value::Null } else { value };
    for name in TEXTS.into_iter().chain(WORDS).filter(|name| differs(name)) {
        let text = Value::from(form.get(name));
        // There is no endpoint but the one that is given.
        json.set(name, if name == "endpoint" { text } else { or_null(text) });
    }
    if view.is_none() {
        json.set("endpoint", form.get("endpoint"));
    }
    if differs("concurrency") {
        json.set("concurrency", or_null(form::number(form.get("concurrency"))));
    }
    let burst = "rate_limit.burst";
    if form.get("rate_limit.rate").is_empty() && !form.get(burst).is_empty() && differs(burst) {
        wrong.push(InvalidField::new(burst, "a burst needs a rate"));
    }
    objects(form, differs, &mut json);
    for name in ["headers", "endpoint"] {
        if differs(name) && HIDDEN.iter().any(|hidden| form.get(name).contains(hidden)) {
            let why = "`***` and `?…` stand for what is not shown: write all of it again";
            wrong.push(InvalidField::new(name, why));
        }
    }
    if differs("headers") {
        match field::headers(form) {
            Ok(headers) => json.set("headers", or_null(headers)),
            Err(error) => wrong.push(error),
        }
    }
    if differs("acknowledge") {
        json.set("acknowledge", or_null(form::words(form.get("acknowledge")).map(form::number).collect()));
    }
    if differs("suppliers") {
        json.set("suppliers", or_null(form::words(form.get("suppliers")).collect()));
    }
    if form.has("no_key") && !form.get("api_key").is_empty() {
        let why = "there is a new key, and “Send no key any more” is ticked: only one of them can be meant";
        wrong.push(InvalidField::new("api_key", why));
    }
    if form.has("no_key") {
        json.set("api_key", Value::Null);
    } else {
        json.text("api_key", form.get("api_key"));
    }
    wrong.extend(events(form, view, &mut json).err());
    (json, wrong)
}

/// The members that several fields make: where one is other than it was, all are set.
fn objects(form: &Form, differs: impl Fn(&str) -> bool, json: &mut Json) {
    for (object, fields) in OBJECTS {
        let path = |field: &str| format!("{object}.{field}");
        if fields.iter().any(|(field, _)| differs(&path(field))) {
            json.set(object, Value::Null);
            // Without a rate there is no limit, whatever its burst was.
            if object == "rate_limit" && form.get("rate_limit.rate").is_empty() {
                continue;
            }
            for (field, is_number) in fields {
                let text = form.get(&path(field));
                if *is_number {
                    json.number(&path(field), text);
                } else {
                    json.text(&path(field), text);
                };
            }
        }
    }
}

/// The event types: those of the choice, or those that are ticked where they were ticked otherwise than they were.
fn events(form: &Form, view: Option<&SubscriptionView>, json: &mut Json) -> Result<(), InvalidField> {
    let which = form.get("which");
    let preset = match which {
        "" => return Ok(()),
        "default" => Some(EventTypeSet::DEFAULT_SUBSCRIPTION),
        "all" => Some(EventTypeSet::ALL),
        _ => None,
    };
    let names = |events: EventTypeSet| events.iter().map(EventType::wire_name).collect::<BTreeSet<_>>();
    let ticked: BTreeSet<&str> = form.all("events").collect();
    let were = view.map(|view| names(view.events.0)).unwrap_or_default();
    let were_which = view.map_or_else(|| "default".to_owned(), |view| present(view, "which"));
    let is_told_by_ticks = ticked != were && preset.is_some_and(|preset| ticked != names(preset));
    if is_told_by_ticks && !ticked.is_empty() && which != were_which {
        let why = "others are ticked than are chosen above: choose “those chosen below”, or leave these as they were";
        return Err(InvalidField::new("events", why));
    }
    let chosen = match preset {
        Some(preset) if !is_told_by_ticks || ticked.is_empty() => names(preset),
        _ => ticked,
    };
    if view.is_some() && chosen == were {
        return Ok(());
    }
    match preset {
        Some(preset) if chosen == names(preset) => json.set("events", which),
        // In the order of the form.
        _ => json.set("events", form.all("events").collect::<Value>()),
    }
    Ok(())
}

/// The event types as the form tells them: those that are ticked, and those of its choice.
pub(super) fn events_told(form: &Form) -> Vec<String> {
    let names = |events: EventTypeSet| events.iter().map(EventType::wire_name).collect::<Vec<_>>().join(" ");
    let ticked = form.all("events").collect::<Vec<_>>().join(" ");
    let preset = match form.get("which") {
        "default" => Some(names(EventTypeSet::DEFAULT_SUBSCRIPTION)),
        "all" => Some(names(EventTypeSet::ALL)),
        _ => None,
    };
    [ticked].into_iter().chain(preset).collect()
}

/// What the form says, in the model's type; all that is wrong is told, where a reader stops at the first.
pub(super) fn read<T: DeserializeOwned>((json, wrong): (Json, Vec<InvalidField>)) -> Result<T, Wrong> {
    let mut all: Vec<Wrong> = wrong.into_iter().map(Wrong::from).collect();
    for member in json.members() {
        match member.read::<SubscriptionPatch>() {
            // Each by itself, in a subscription that has nothing else.
            Ok(patch) => {
                let alone = SubscriptionSpec::new("https://localhost/").patched(patch);
                all.extend(alone.resolve().err().map(Wrong::from));
            }
            Err(wrong) => all.push(wrong),
        }
    }
    let Some(first) = all.first_mut() else { return json.read() };
    let (status, whole) = (first.status, first.whole.take());
    Err(Wrong { errors: all.into_iter().flat_map(|wrong| wrong.errors).collect(), whole, status })
}
