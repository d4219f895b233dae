//! One trial of a property: the parts of a scenario file that tell it from others.

use serde_json::{Map, Value, json};

use super::kinds::Property;
use super::yaml_text;

/// One trial. It becomes the text of a scenario file by [`Case::text`].
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Which of the property's cases it is, in a few words; empty where there is but one.
    pub label: String,
    members: Map<String, Value>,
    /// What it lays over a notification is what plain ones may hold as well.
    is_plain: bool,
}

impl Case {
    /// A case with these steps, a JSON array as `steps` of a scenario file.
    ///
    /// # Panics
    /// When `steps` is no array: cases are written in the program.
    #[must_use]
    pub fn new(label: impl Into<String>, steps: Value) -> Self {
        assert!(steps.is_array(), "steps are a list");
        let mut members = Map::new();
        members.insert("steps".to_owned(), steps);
        Self { label: label.into(), members, is_plain: false }
    }

    /// A case of one plain `request` step: `request` as its map, `answer` as what may come back.
    #[must_use]
    pub fn request(label: impl Into<String>, request: Value, answer: Value) -> Self {
        Self::new(label, json!([{ "request": request, "answer": answer }]))
    }

    /// The same, with the settings of the one subscription.
    #[must_use]
    pub fn subscription(self, subscription: Value) -> Self {
        self.with("subscription", subscription)
    }

    /// The same, with what must hold at the end: a JSON array as `expect` of a scenario file.
    #[must_use]
    pub fn expect(self, expect: Value) -> Self {
        self.with("expect", expect)
    }

    /// The same, with variables.
    #[must_use]
    pub fn vars(self, vars: Value) -> Self {
        self.with("vars", vars)
    }

    /// The same, with the schema pack of that name, unless the user brings one.
    #[must_use]
    pub fn pack(self, name: &str) -> Self {
        self.with("pack", json!(name))
    }

    /// The same, with a limit on the wall time, as `limits.wall`.
    #[must_use]
    pub fn wall(self, span: &str) -> Self {
        self.with("limits", json!({ "wall": span }))
    }

    /// The same, without a control: what it lays over a notification is what plain ones may hold as well.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// The same, with one step more at the end.
    #[must_use]
    pub fn then(mut self, step: Value) -> Self {
        if let Some(Value::Array(steps)) = self.members.get_mut("steps") {
            steps.push(step);
        }
        self
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.members.insert(key.to_owned(), value);
        self
    }

    /// The scenario file, in the order of keys that people expect.
    #[must_use]
    pub fn text(&self, property: &Property) -> String {
        let mut document = Map::new();
        let title = match self.label.as_str() {
            "" => property.title.to_owned(),
            label => format!("{}: {label}", property.title),
        };
        document.insert("scenario".to_owned(), json!(title));
        document.insert("clause".to_owned(), json!(property.clause.name()));
        document.insert("why".to_owned(), json!(property.why));
        document.insert("tags".to_owned(), json!([property.family().name()]));
        for key in ["pack", "vars", "subscription", "limits", "steps", "expect"] {
            if let Some(value) = self.members.get(key) {
                document.insert(key.to_owned(), value.clone());
            }
        }
        yaml_text::write(&Value::Object(document))
    }

    /// The same case with a plain notification of the same type: where it fails as well, what this case changed is not
    /// what fails. `None` for cases that change nothing about one.
    #[must_use]
    pub fn control(&self) -> Option<Self> {
        if self.is_plain {
            return None;
        }
        let mut control = self.clone();
        let mut is_changed = false;
        let [step] = control.members.get_mut("steps")?.as_array_mut()?.as_mut_slice() else { return None };
        let request = step.get_mut("request")?.as_object_mut()?;
        for change in ["with", "without"] {
            is_changed |= request.remove(change).is_some();
        }
        control.label = format!("a plain {}", request.get("event")?.as_str()?);
        is_changed.then_some(control)
    }

    /// About how many requests it makes when all goes well, for the budget that is printed.
    #[must_use]
    pub fn cost(&self) -> u64 {
        let steps = self.members.get("steps").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        steps.iter().map(step_cost).sum()
    }
}

fn step_cost(step: &Value) -> u64 {
    let number = |key: &str| step.get(key).and_then(Value::as_u64).unwrap_or(1);
    if step.get("request").is_some() {
        return number("times") * number("copies");
    }
    if let Some(emitted) = step.get("emit") {
        let each = match emitted {
            Value::Array(types) => types.len() as u64,
            Value::String(all) if all == "all" => 33,
            Value::Object(_) => 12,
            _ => 1,
        };
        return each * number("count");
    }
    // A planned failure makes for another attempt, and a question to the probe is a request, too.
    u64::from(step.get("fault").is_some() || step.get("probe").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_of_a_case_is_plain_and_expects_the_same() {
        let case = |request| Case::request("a plain RFP_SEND", request, json!(["2xx"]));
        let plain = case(json!({ "event": "RFP_SEND", "headers": ["X-A: 1"] }));
        let changed = case(json!({ "event": "RFP_SEND", "headers": ["X-A: 1"], "with": { "/a": 1 } }));
        assert_eq!(changed.control(), Some(plain.clone()));
        for unchanged in [plain, changed.plain(), case(json!({ "body": "{}" })), Case::new("", json!([]))] {
            assert_eq!(unchanged.control(), None);
        }
    }

    #[test]
    fn the_cost_of_a_case_is_the_requests_of_its_steps() {
        let steps = json!([
            { "emit": "all" },
            { "emit": ["RFP_SEND", "RFP_FORWARD"], "count": 5 },
            { "fault": { "ack_lost": 2 } },
            { "until": "delivered" },
            { "request": {}, "times": 3, "copies": 8 },
        ]);
        assert_eq!(Case::new("", steps).cost(), 33 + 10 + 1 + 24);
    }
}
