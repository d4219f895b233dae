//! Writes a JSON value as the YAML that people write: blocks, plain words where they cannot be misread, and
//! everything else in double quotes with JSON's escapes, which YAML shares.

use std::fmt::Write as _;

use serde_json::Value;

/// Lines of `key: value` stay within this where a short list or map fits on one.
const LINE_MAX: usize = 100;

/// The text of a scenario file. It ends with a line feed.
pub(super) fn write(document: &Value) -> String {
    let mut text = String::new();
    block(&mut text, document, 0);
    text
}

fn block(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                pad(text, indent);
                member(text, key, value, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                pad(text, indent);
                text.push_str("- ");
                item_of_list(text, item, indent + 2);
            }
        }
        scalar => {
            pad(text, indent);
            text.push_str(&flow(scalar));
            text.push('\n');
        }
    }
}

/// `key: value`, the value behind the key where it fits, else as a block below.
fn member(text: &mut String, key: &str, value: &Value, indent: usize) {
    let key = string(key);
    let inline = flow(value);
    let is_scalar = !(value.is_array() || value.is_object()) || inline.len() <= 2;
    // Steps and expectations are read one a line.
    let is_list_of_maps = matches!(value, Value::Array(items) if items.iter().any(Value::is_object));
    if is_scalar || (!is_list_of_maps && indent + key.len() + 2 + inline.len() <= LINE_MAX) {
        let _ = writeln!(text, "{key}: {inline}");
    } else {
        let _ = writeln!(text, "{key}:");
        block(text, value, indent + 2);
    }
}

/// An item behind its dash: a map's first member stands on the same line.
fn item_of_list(text: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(members) if !members.is_empty() => {
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    pad(text, indent);
                }
                member(text, key, value, indent);
            }
        }
        other => {
            text.push_str(&flow(other));
            text.push('\n');
        }
    }
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// On one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{}: {}", string(key), flow(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

/// Plain where no reader could take it for something else.
fn string(text: &str) -> String {
    let mut characters = text.chars();
    let plain = characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || "_-/.".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { quoted(text) }
}

/// JSON's escapes, and besides them those of characters that YAML counts as not printable.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).expect("a text is always JSON");
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            // Beyond what four digits can say: noncharacters of the other planes.
            c if u32::from(c) & 0xfffe == 0xfffe => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn scenarios_look_as_people_write_them() {
        let document = json!({
            "scenario": "A title: with a colon",
            "tags": ["http", "no"],
            "steps": [
                { "request": { "headers": ["content-type: Application/JSON"], "with": {} }, "answer": ["2xx"] },
                { "until": "delivered" },
            ],
            "expect": [{ "attempts": { "of": "rfp", "exactly": 3 } }],
        });
        let expected = "scenario: \"A title: with a colon\"\n\
            tags: [http, \"no\"]\n\
            steps:\n\
            \x20 - request: { headers: [\"content-type: Application/JSON\"], with: {} }\n\
            \x20   answer: [\"2xx\"]\n\
            \x20 - until: delivered\n\
            expect:\n\
            \x20 - attempts: { of: rfp, exactly: 3 }\n";
        assert_eq!(write(&document), expected);
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[ -~]{0,12}", "(true|no|~|1e3|0x1f|-|\\?|&a|\\*a|!t|#c|\\||>)"]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any_text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any_text(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_value()) {
            let document = json!({ "scenario": "x", "value": value });
            let text = write(&document);
            let read = crate::scenario::read_yaml(&text);
            prop_assert_eq!(read.as_ref(), Ok(&document), "{}", text);
        }
    }
}
