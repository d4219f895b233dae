//! `auth`: the agreed key is accepted, however HTTP lets it be spelt, and whatever is not the key is refused.
//!
//! Cvent's page says how PNS sends the key, and leaves to the receiver what it makes of that: that a wrong key is refused
//! follows from its being a key. Any 4xx refuses, and so does a connection that is closed. Only `missing-key-refused` and
//! `wrong-key-refused` are tried on a receiver that was not seen to check the key.
//!
//! Cases hold templates such as `{{api_key}}`, never the key or anything made of it.

mod accepted;
mod answers;
mod course;
mod detours;
mod near_misses;
mod refused;

use serde_json::{Value, json};

use super::super::case::Case;
use super::super::kinds::{Need, Property};
use super::super::setting::Setting;

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[&[Property]] =
    &[accepted::ALL, refused::ALL, near_misses::ALL, detours::ALL, course::ALL, answers::ALL];

/// What a property needs that tells keys apart.
const CHECKED: &[Need] = &[Need::ApiKey, Need::KeyIsChecked];

/// How a key is compared.
const COMPARE_WHOLE: &str = "Split the header's value at the first space, compare the scheme without regard to case and the \
     rest with the key as a whole, byte for byte, in constant time: `MessageDigest.isEqual`, \
     `CryptographicOperations.FixedTimeEquals`, `crypto.timingSafeEqual`, `hmac.compare_digest` on bytes, `hash_equals`.";

/// What refuses a key.
fn refused() -> Value {
    json!(["4xx", "closed"])
}

/// A plain notification with `Authorization: value`.
fn with_value(label: &str, value: &str, answer: Value) -> Case {
    Case::request(label, json!({ "auth": { "text": value } }), answer)
}

/// Cases of these values, each with a label, that all must be refused.
fn all_refused(values: &[(&str, &str)]) -> Vec<Case> {
    values.iter().map(|(label, value)| with_value(label, value, refused())).collect()
}

/// The same for keys made up here, without those that may be the agreed one.
fn others_refused(setting: &Setting, keys: &[(&str, &str)]) -> Vec<Case> {
    let agreed = setting.api_key.as_ref().map_or("", |key| key.reveal());
    let is_other = |key: &str| !key.eq_ignore_ascii_case(agreed);
    let others = keys.iter().filter(|(_, key)| is_other(key));
    others.map(|(label, key)| with_value(label, &format!("api_key {key}"), refused())).collect()
}

#[cfg(test)]
mod tests {
    use pns_simulator::secret::ApiKey;

    use super::super::super::kinds::Cases;
    use super::super::super::setting::tests::everything;
    use super::*;

    #[test]
    fn no_case_holds_the_key_or_anything_made_of_it() {
        let setting = everything();
        let key = setting.api_key.as_ref().unwrap().reveal().to_owned();
        let start = &key[..key.len() / 2];
        for property in ALL.iter().copied().flatten() {
            let Cases::Fixed(make) = property.cases else { continue };
            for case in make(&setting) {
                let text = case.text(property).to_lowercase();
                assert!(!text.contains(&start.to_lowercase()), "{}:\n{text}", property.id);
            }
        }
    }

    #[test]
    fn a_key_that_is_agreed_on_is_never_taken_for_a_wrong_one() {
        let mut setting = everything();
        setting.api_key = Some(ApiKey::new("NULL").unwrap());
        let labels: Vec<String> = others_refused(&setting, &[("a", "null"), ("b", "none")])
            .into_iter()
            .map(|case| case.label)
            .collect();
        assert_eq!(labels, ["b"]);
    }
}
