//! The members of a body that can be filled in: those of a sample, each with what its schema says of it.

use pns_engine::{Category, EventType};
use serde_json::Value;

use crate::dashboard::field::{Choice, Field, Kind};
use crate::dashboard::form;
use crate::schema::Pack;

/// More members than any notification has.
const LEAVES_MAX: usize = 64;
/// Before the names of their fields.
const PREFIX: &str = "overrides.";

/// A member that can be filled in.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Where in the body, as a JSON pointer.
    pub(super) path: String,
    pub(super) field: Field,
    /// Whether a body without it does not fit the schema.
    pub(super) is_demanded: bool,
    /// How sure its name is, where the pack says.
    pub(super) mark: Option<&'static str>,
    like: Like,
}

/// What a member is like in the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Like {
    Text,
    Number,
    Truth,
    Texts,
    /// Something else, as JSON.
    Json,
}

impl Leaf {
    /// What was filled in, as the member is written.
    pub(super) fn value(&self, text: &str) -> Value {
        match self.like {
            Like::Text => Value::from(text),
            Like::Number => form::number(text.trim()),
            Like::Truth => Value::from(text.trim() == "true"),
            Like::Texts => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
            Like::Json => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        }
    }
}

/// The members of `sample`, a body of `event_type`, but those that the form has by other names.
pub(super) fn of(pack: &Pack, event_type: EventType, sample: &[u8]) -> Vec<Leaf> {
    let Ok(body) = serde_json::from_slice::<Value>(sample) else { return Vec::new() };
    let roles = pack.roles();
    let mut left_out = vec![roles.event_type.clone()];
    if event_type.names_supplier() {
        left_out.extend(roles.supplier_id.clone());
    }
    if event_type.category() == Category::Rfp {
        left_out.extend(roles.rfp_id.clone());
    }
    let mut paths = Vec::new();
    walk(&body, String::new(), &mut paths);
    paths.retain(|path| !left_out.contains(path));
    paths.truncate(LEAVES_MAX);
    let schema = root(pack);
    paths.into_iter().filter_map(|path| leaf(pack, &schema, &body, path)).collect()
}

/// Pointers to all that is no object.
fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(value, format!("{path}/{name}"), paths);
            }
        }
        _ => paths.push(path),
    }
}

fn leaf(pack: &Pack, schema: &Value, body: &Value, path: String) -> Option<Leaf> {
    let sample = body.pointer(&path)?;
    let like = match sample {
        Value::String(_) => Like::Text,
        Value::Number(_) => Like::Number,
        Value::Bool(_) => Like::Truth,
        Value::Array(items) if items.iter().all(Value::is_string) => Like::Texts,
        _ => Like::Json,
    };
    let told = told(schema, &path);
    let field =
        Field::new(format!("{PREFIX}{}", path.trim_start_matches('/').replace('/', ".")), label(&path))
            .hint(told.unwrap_or_default());
    let drawn = match sample {
        Value::String(text) => text.clone(),
        Value::Array(items) if like == Like::Texts => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    };
    let field = match like {
        Like::Truth => {
            let choice = |value: &str, label: &str| Choice {
                value: value.to_owned(),
                label: label.to_owned(),
                is_chosen: value.is_empty(),
            };
            let drawn = format!("drawn: {drawn}");
            field.kind(Kind::Select(vec![
                choice("", &drawn),
                choice("true", "true"),
                choice("false", "false"),
            ]))
        }
        Like::Texts => field.kind(Kind::Area(2)).placeholder(drawn),
        _ if drawn.chars().count() > 48 => field.kind(Kind::Area(2)).placeholder(drawn).wide(),
        _ => field.placeholder(drawn),
    };
    let is_demanded = is_demanded(pack, body, &path);
    let mark = mark(pack, &path);
    Some(Leaf { path, field, is_demanded, mark, like })
}

/// How sure the member's name is: nothing inferred passes for Cvent's.
fn mark(pack: &Pack, path: &str) -> Option<&'static str> {
    let mark = pack.marks().iter().find(|mark| mark.field == path)?;
    Some(match mark.name.as_str() {
        "D" => "documented name",
        "I" => "inferred name",
        _ => "our name",
    })
}

/// `messageDetails › subject`.
fn label(path: &str) -> String {
    let names = path.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.collect::<Vec<_>>().join(" › ")
}

/// Whether the schema refuses the body without that member.
fn is_demanded(pack: &Pack, body: &Value, path: &str) -> bool {
    let Some((parent, name)) = path.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    let mut without = body.clone();
    let Some(Value::Object(members)) = without.pointer_mut(parent) else { return false };
    members.shift_remove(&name);
    serde_json::to_vec(&without).is_ok_and(|bytes| pack.validate(&bytes).is_err())
}

/// The file that describes a body.
fn root(pack: &Pack) -> Value {
    let text = pack.files().find(|(path, _)| *path == pack.root()).map(|(_, text)| text);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// What the schema says of a member where it stands under plain `properties`.
fn told(schema: &Value, path: &str) -> Option<String> {
    let mut place = schema;
    for name in path.split('/').skip(1) {
        place = place.get("properties")?.get(name.replace("~1", "/").replace("~0", "~"))?;
    }
    place.get("description")?.as_str().map(|text| text.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use pns_engine::Timestamp;

    use super::*;
    use crate::schema::Key;

    #[test]
    fn every_type_of_every_pack_has_its_members_and_what_is_demanded_is_marked() {
        let key = Key { seed: 1, sequence: 1, published: Timestamp::from_millis(1_764_000_000_000) };
        for name in Pack::BUILTIN {
            let pack = Pack::builtin(name).unwrap();
            for event_type in pack.event_types().iter() {
                let mut body = Vec::new();
                pack.generate(event_type, key, &mut body).unwrap();
                let leaves = of(&pack, event_type, &body);
                let demanded: Vec<&str> =
                    leaves.iter().filter(|leaf| leaf.is_demanded).map(|leaf| leaf.path.as_str()).collect();
                assert!(demanded.contains(&"/eventId"), "{event_type}: {demanded:?}");
                assert!(!leaves.iter().any(|leaf| leaf.path == "/eventType"));
                if event_type == EventType::MessagePlannerToSupplier {
                    assert!(demanded.contains(&"/messageDetails/subject"), "{demanded:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_filled_in_is_written_as_the_sample_is() {
        let leaf = |like| Leaf {
            path: String::new(),
            field: Field::new("", ""),
            is_demanded: true,
            mark: None,
            like,
        };
        assert_eq!(leaf(Like::Text).value("7"), Value::from("7"));
        assert_eq!(leaf(Like::Number).value("7"), Value::from(7));
        assert_eq!(leaf(Like::Truth).value("true"), Value::from(true));
        assert_eq!(leaf(Like::Texts).value("a\r\n\r\n b "), serde_json::json!(["a", "b"]));
        assert_eq!(leaf(Like::Json).value("{}"), serde_json::json!({}));
    }
}
