//! Whether a form is older than what it changes: it brings back digests of what it was made from, a setting each, so that
//! what others changed meanwhile is not undone without a word.

use std::collections::BTreeMap;

use http::StatusCode;
use pns_engine::EventType;

use super::settings::{self, Settings};
use crate::dashboard::field::{Field, Kind};
use crate::dashboard::form::{Form, Wrong};
use crate::service::digest::{hex, sha256};
use crate::service::model::SubscriptionView;

/// The field that brings the digests back.
pub(super) const SEEN: &str = "seen";
/// Bytes of each: nobody gains by two settings that look the same.
const BYTES: usize = 6;

/// What is seen of the API key, and what of the event types: they are no texts of a field.
const KEY: &str = "api_key";
const EVENTS: &str = "events";

/// The digests of `view`.
pub(super) fn seen(view: &SubscriptionView) -> String {
    let one = |(name, text): (String, String)| format!("{name}={}", digest(&text));
    texts(view).into_iter().map(one).collect::<Vec<_>>().join(" ")
}

/// What each setting says.
fn texts(view: &SubscriptionView) -> Vec<(String, String)> {
    let mut texts = vec![
        (EVENTS.to_owned(), view.events.0.iter().map(EventType::wire_name).collect::<Vec<_>>().join(" ")),
        (KEY.to_owned(), view.api_key.as_ref().map(|key| key.fingerprint.to_string()).unwrap_or_default()),
    ];
    for field in Settings::of(Some(view)).fields_mut() {
        if matches!(field.kind, Kind::Text | Kind::Area(_) | Kind::Select(_)) && field.name != "which" {
            texts.push((field.name.clone(), settings::present(view, &field.name)));
        }
    }
    texts
}

fn digest(text: &str) -> String {
    hex(&sha256(settings::lines(text).as_bytes())[..BYTES])
}

/// What was changed since the form was made.
pub(super) struct Meanwhile {
    /// Fields, and whether this form says something of its own of each.
    changed: Vec<(String, bool)>,
}

impl Meanwhile {
    /// `None`: nothing was changed, or the form does not tell what it was made from.
    pub(super) fn of(form: &Form, view: &SubscriptionView) -> Option<Self> {
        let seen: BTreeMap<&str, &str> =
            form.get(SEEN).split(' ').filter_map(|one| one.split_once('=')).collect();
        let mut changed = Vec::new();
        for (name, text) in texts(view) {
            let Some(before) = seen.get(name.as_str()) else { continue };
            if *before != digest(&text) {
                let is_own = match name.as_str() {
                    KEY => !form.get(KEY).is_empty() || form.has("no_key"),
                    EVENTS => settings::events_told(form).iter().any(|told| digest(told) != *before),
                    name => form.has(name) && digest(form.raw(name)) != *before,
                };
                changed.push((name, is_own));
            }
        }
        (!changed.is_empty()).then_some(Self { changed })
    }

    /// What the form is answered with.
    pub(super) fn told(&self, settings: &mut Settings) -> Wrong {
        let mut labels = Vec::new();
        let mut errors = Vec::new();
        for field in settings.fields_mut() {
            let Some((_, is_own)) = self.changed.iter().find(|(name, _)| *name == field.name) else {
                continue;
            };
            labels.push(field.label.clone());
            let now = now(field);
            let why = match is_own {
                true if now.is_empty() => "changed meanwhile: your value stands here".to_owned(),
                true => format!("changed meanwhile to “{now}”: your value stands here"),
                false => "changed meanwhile: the value of now stands here".to_owned(),
            };
            errors.push((field.name.clone(), why));
        }
        let whole = Some(format!(
            "It was changed meanwhile: {}. Nothing was saved: look at it, and save again.",
            labels.join(", ")
        ));
        Wrong { errors, whole, status: StatusCode::CONFLICT }
    }

    /// Whether a field shows what is, not what the form says: it was changed by others only.
    pub(super) fn is_of_others(&self, name: &str) -> bool {
        // The choice of event types goes with those that are ticked.
        let name = if name == "which" { EVENTS } else { name };
        self.changed.iter().any(|(changed, is_own)| changed == name && !is_own)
    }
}

/// What a field that was not filled in yet says, where that is short.
fn now(field: &Field) -> String {
    match &field.kind {
        Kind::Text => field.value.clone(),
        Kind::Select(choices) => choices
            .iter()
            .find(|choice| choice.is_chosen)
            .map(|choice| choice.label.clone())
            .unwrap_or_default(),
        _ => String::new(),
    }
}
