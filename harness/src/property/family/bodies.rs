//! Bodies as exact texts, for what a generated body cannot show: the spelling itself.
//!
//! A text holds `{{uuid}}` and `{{now}}` in the places of the id and the time, so that a receiver meets each as a new
//! notification, however often the case is played.

use pns_engine::EventType;
use pns_simulator::clock;
use pns_simulator::schema::{Key, Pack};
use serde_json::{Map, Value, json};

use super::super::case::Case;
use super::super::setting::Setting;

/// Tells the bodies made here from those that the sender makes.
const SEQUENCE: u64 = 0x6578_6163_7400;
/// What stands in the place of an id to try whether the pack takes a UUID there.
const UUID: &str = "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
/// The same for a time.
const INSTANT: &str = "2026-01-02T03:04:05.678Z";

/// What must come back for a valid notification.
pub(super) fn accepted() -> Value {
    json!(["2xx"])
}

/// What may come back for junk: anything that tells, or shows, that the receiver is in order.
pub(super) fn in_order() -> Value {
    json!({ "not": ["5xx", "none", "malformed", "refused"] })
}

/// The type that plain notifications have here.
pub(super) fn plain(setting: &Setting) -> Option<EventType> {
    setting.event_types().next()
}

/// A generated notification with something laid over it.
pub(super) fn laid_over(label: impl Into<String>, event_type: EventType, with: Value, answer: Value) -> Case {
    Case::request(label, json!({ "event": event_type.wire_name(), "with": with }), answer)
}

/// A body of exactly this text.
pub(super) fn exact(label: impl Into<String>, body: impl Into<String>, answer: Value) -> Case {
    Case::request(label, json!({ "body": body.into() }), answer)
}

/// A body of exactly these bytes.
pub(super) fn exact_bytes(label: impl Into<String>, body: &[u8], answer: Value) -> Case {
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    Case::request(label, json!({ "body_hex": hex }), answer)
}

/// Whether the schema pack is one of those that this project made up where Cvent's is not public: its bounds and lists
/// of values are nobody's rule.
pub(super) fn is_reconstructed(setting: &Setting) -> bool {
    let is_same = |pack: std::sync::Arc<Pack>| std::sync::Arc::ptr_eq(&pack, &setting.pack);
    Pack::BUILTIN.into_iter().any(|name| Pack::builtin(name).is_some_and(is_same))
}

/// A valid body of that type as the pack makes it now; `number` tells bodies apart.
pub(super) fn generated(setting: &Setting, event_type: EventType, number: u64) -> Option<Map<String, Value>> {
    let key = Key { seed: setting.seed, sequence: SEQUENCE + number, published: clock::real_now() };
    let mut bytes = Vec::new();
    setting.pack.generate(event_type, key, &mut bytes).ok()?;
    match serde_json::from_slice(&bytes).ok()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// A valid body of that type with variables for its id and its time. `None`: it cannot be written as an exact text.
pub(super) fn fresh(setting: &Setting, event_type: EventType) -> Option<Value> {
    let mut body = Value::Object(generated(setting, event_type, 0)?);
    let roles = setting.pack.roles();
    let mut variables = 0;
    for (place, sample, variable) in
        [(&roles.event_id, UUID, "{{uuid}}"), (&roles.published_at, INSTANT, "{{now}}")]
    {
        let Some(place) = place else { continue };
        if setting.allows(event_type, place, &json!(sample)) {
            *body.pointer_mut(place)? = json!(variable);
            variables += 1;
        }
    }
    // A text of the pack's that the scenario format would take for a variable.
    (body.to_string().matches("{{").count() == variables).then_some(body)
}

/// The text of a valid plain body with an id and a time that are settled, for bodies that are written as bytes. The id is
/// another one for each label and in each run, and the same whenever the case is played again.
pub(super) fn settled_text(setting: &Setting, label: &str) -> Option<String> {
    let now = clock::real_now();
    let seed = pns_engine::rng::draw(setting.seed, crate::runner::hash_of(label), now.as_millis());
    let mut bytes = Vec::new();
    let key = Key { seed, sequence: SEQUENCE, published: now };
    setting.pack.generate(plain(setting)?, key, &mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}

/// The text of a valid plain body.
pub(super) fn fresh_text(setting: &Setting) -> Option<String> {
    Some(fresh(setting, plain(setting)?)?.to_string())
}

/// The text of a valid plain body with one member more, `member` being its name and value as JSON writes them.
pub(super) fn with_member(setting: &Setting, member: &str) -> Option<String> {
    let text = fresh_text(setting)?;
    Some(format!("{},{member}}}", text.strip_suffix('}')?))
}

/// Writes a value with `gap` around every token and `string` for every text.
pub(super) fn spell(value: &Value, gap: &str, string: &dyn Fn(&str) -> String) -> String {
    let listed = |open: char, items: Vec<String>, close: char| {
        let inside = items.join(&format!("{gap},{gap}"));
        format!("{open}{gap}{inside}{gap}{close}")
    };
    match value {
        Value::Object(members) => {
            let member = |(name, member): (&String, &Value)| {
                format!("{}{gap}:{gap}{}", string(name), spell(member, gap, string))
            };
            listed('{', members.iter().map(member).collect(), '}')
        }
        Value::Array(items) => listed('[', items.iter().map(|item| spell(item, gap, string)).collect(), ']'),
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

/// A text in quotes with every character `wanted` as `\u` escapes, in hexadecimal digits of that case. Variables of the
/// scenario format stay as they are.
pub(super) fn escaped(text: &str, wanted: fn(char) -> bool, digits: Digits) -> String {
    if text.contains("{{") {
        return format!("\"{text}\"");
    }
    let mut escaped = String::from("\"");
    for c in text.chars() {
        if wanted(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&match digits {
                    Digits::Lower => format!("\\u{unit:04x}"),
                    Digits::Upper => format!("\\u{unit:04X}"),
                });
            }
        } else {
            escaped
                .push_str(serde_json::to_string(&c).expect("a character is always JSON").trim_matches('"'));
        }
    }
    escaped.push('"');
    escaped
}

/// How hexadecimal digits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// `\u00e9`.
    Lower,
    /// `\u00E9`.
    Upper,
}

/// The same value with the members of all its objects in the order that `order` makes.
pub(super) fn reordered(value: &Value, order: fn(&mut Vec<(String, Value)>)) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.iter().map(|(name, member)| (name.clone(), reordered(member, order))).collect();
            order(&mut members);
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(|item| reordered(item, order)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::setting::tests::everything;
    use super::*;

    #[test]
    fn a_fresh_body_is_valid_once_its_variables_are_filled_in() {
        let setting = everything();
        for event_type in setting.event_types() {
            let text = fresh(&setting, event_type).unwrap().to_string();
            assert_eq!(text.matches("{{").count(), 2, "{text}");
            let filled = text.replace("{{uuid}}", UUID).replace("{{now}}", INSTANT);
            assert_eq!(setting.pack.validate(filled.as_bytes()), Ok(event_type));
        }
    }

    #[test]
    fn settled_bodies_are_valid_and_each_is_a_notification_of_its_own() {
        let setting = everything();
        let [one, other] = ["one", "other"].map(|label| settled_text(&setting, label).unwrap());
        assert_eq!(setting.pack.validate(one.as_bytes()), Ok(plain(&setting).unwrap()));
        let id = |text: &str| serde_json::from_str::<Value>(text).unwrap()["eventId"].clone();
        assert_ne!(id(&one), id(&other));
    }

    #[test]
    fn spellings_mean_the_same() {
        let setting = everything();
        let body = fresh(&setting, EventType::MessagePlannerToSupplier).unwrap();
        let reversed = reordered(&body, |members| members.reverse());
        assert_ne!(reversed.to_string(), body.to_string());
        for (gap, digits) in [("", Digits::Lower), (" \t\r\n", Digits::Upper)] {
            let text = spell(&reversed, gap, &|text| escaped(text, |_| true, digits));
            assert!(text.is_ascii());
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), body, "{text}");
        }
    }

    #[test]
    fn a_member_more_leaves_json() {
        let text = with_member(&everything(), r#""x":[1]"#).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["x"], json!([1]));
    }

    #[test]
    fn the_packs_of_this_project_are_told_from_others() {
        assert!(is_reconstructed(&everything()));
    }
}
