//! What answers say, and what they give away.

use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Need, Property};
use super::super::super::setting::Setting;
use super::CHECKED;
use crate::clause::Clause;
use crate::event::Strength;

/// What answers say, and what they give away.
pub(super) const ALL: &[Property] = &[REFUSAL_TELLS_NO_KEY, KEY_NOT_ECHOED, REFUSAL_SAYS_SO];

/// A shorter key may stand in an answer by chance.
const TELLING_LENGTH: usize = 8;

/// Any answer, and none: what is looked at is what it holds.
fn whatever() -> Value {
    json!(["any", "closed", "none", "malformed"])
}

/// The texts by which the key is recognised.
fn key_texts(setting: &Setting) -> Value {
    let length = setting.api_key.as_ref().map_or(0, |key| key.reveal().len());
    if length < TELLING_LENGTH {
        json!(["api_key {{api_key}}"])
    } else {
        json!(["{{api_key}}", "{{api_key.base64}}"])
    }
}

fn silent_about_the_key(setting: &Setting, label: &str, request: &Value) -> Case {
    let step = json!({ "request": request, "answer": whatever(), "body_without": key_texts(setting) });
    Case::new(label, json!([step]))
}

const REFUSAL_TELLS_NO_KEY: Property = Property {
    id: "auth/refusal-tells-no-key",
    title: "a refusal does not tell which key was expected",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: &[Need::ApiKey],
    does: "Sends no key, a wrong one, and the scheme alone, and looks for the right key in head and body of the answers.",
    why: "An error text such as “expected …, got …”, or a page for developers that shows the settings, gives the key to \
          whoever asks.",
    mend: "Answer with a fixed text, and turn pages for developers off in production.",
    cases: Cases::Fixed(|setting| {
        [
            ("no key", json!({ "auth": "none" })),
            ("a wrong key", json!({ "auth": "wrong" })),
            ("the scheme alone", json!({ "auth": { "text": "api_key" } })),
        ]
        .map(|(label, request)| silent_about_the_key(setting, label, &request))
        .to_vec()
    }),
};

const KEY_NOT_ECHOED: Property = Property {
    id: "auth/key-not-echoed",
    title: "no answer holds the key that was sent",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: &[Need::ApiKey],
    does: "Sends the key with a valid notification, with one that is refused for its body, method or path, and with a \
           character too many, and looks for it in head and body of the answers.",
    why: "Answers that are no acknowledgements are kept: in the sender's log, in tickets and chats. Error pages that show the \
          request's headers put the key there.",
    mend: "Answer with a fixed text, leave `Authorization` out of what you log, and turn pages for developers off in \
           production.",
    cases: Cases::Fixed(|setting| {
        let path = setting.target.split('?').next().unwrap_or_default();
        let beside = format!("{}/no-such-place", path.trim_end_matches('/'));
        [
            ("a valid notification", json!({})),
            ("not JSON", json!({ "body": "{ not json" })),
            ("an empty object", json!({ "body": "{}" })),
            ("another method", json!({ "method": "PUT" })),
            ("another path", json!({ "target": beside })),
            ("a character too many", json!({ "auth": { "text": "api_key {{api_key}}x" } })),
        ]
        .map(|(label, request)| silent_about_the_key(setting, label, &request))
        .to_vec()
    }),
};

const REFUSAL_SAYS_SO: Property = Property {
    id: "auth/refusal-says-so",
    title: "a refusal for the key is a 401 or 403",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends no key and a wrong one, and looks at the status.",
    why: "Any 4xx refuses, but only 401 and 403 (RFC 9110, sections 15.5.2 and 15.5.4) tell whoever reads Cvent's log that \
          the key is the reason. A 404 sends people looking for the wrong address, a closed connection for the network.",
    mend: "Answer 401 with a `WWW-Authenticate` header that names the scheme, or 403.",
    cases: Cases::Fixed(|_| {
        ["none", "wrong"].map(|auth| Case::request(auth, json!({ "auth": auth }), json!([401, 403]))).to_vec()
    }),
};
