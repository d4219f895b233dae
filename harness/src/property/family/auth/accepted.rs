//! The agreed key, as Cvent sends it and as others on the way may rewrite it.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Need, Property};
use super::super::bodies::accepted;
use super::with_value;
use crate::clause::Clause;
use crate::event::Strength;

/// The agreed key, as Cvent sends it and as others on the way may rewrite it.
pub(super) const ALL: &[Property] = &[
    KEY_SENT,
    NO_KEY_NO_HEADER,
    OVER_HTTP2,
    HEADER_NAME_IN_ANY_CASE,
    SPACE_AROUND_VALUE,
    TAB_AROUND_VALUE,
    SCHEME_IN_ANY_CASE,
    SEVERAL_SPACES,
];

const KEY_SENT: Property = Property {
    id: "auth/key-sent",
    title: "a notification with the agreed key is acknowledged",
    clause: Clause::Authentication,
    strength: Strength::Must,
    tags: &["smoke"],
    needs: &[Need::ApiKey],
    does: "Sends notifications with `Authorization: api_key KEY`: one, five in a row on one connection, and four at once.",
    why: "This is how PNS authenticates itself, in every notification alike; there is no other way, and no log-in before \
          it.",
    mend: "Read the key from `Authorization`, after the scheme `api_key` and a space. Frameworks that know only Basic and \
           Bearer need a handler of their own for it, and some proxies drop the header unless told otherwise \
           (`CGIPassAuth On` in Apache).",
    cases: Cases::Fixed(|_| {
        let again = json!([{ "request": { "on": "a" }, "times": 5 }]);
        let at_once = json!([{ "request": {}, "copies": 4 }]);
        vec![
            Case::request("one", json!({}), accepted()),
            Case::new("five in a row", again),
            Case::new("four at once", at_once),
        ]
    }),
};

const NO_KEY_NO_HEADER: Property = Property {
    id: "auth/no-key-no-header-needed",
    title: "where no key is agreed on, a notification without an Authorization header is acknowledged",
    clause: Clause::Authentication,
    strength: Strength::Must,
    tags: &["smoke"],
    needs: &[Need::NoApiKey],
    does: "Sends notifications without an `Authorization` header: one, three in a row on one connection, and four at once.",
    why: "If authentication is not enabled, PNS will not have an authorization header. A receiver that wants one, if only \
          an empty one, is sent the same notification again and again.",
    mend: "Agree on a key with Cvent, or let the endpoint be reached without one.",
    cases: Cases::Fixed(|_| {
        let again = json!([{ "request": { "on": "a", "auth": "none" }, "times": 3 }]);
        let at_once = json!([{ "request": { "auth": "none" }, "copies": 4 }]);
        vec![
            Case::request("one", json!({ "auth": "none" }), accepted()),
            Case::new("three in a row", again),
            Case::new("four at once", at_once),
        ]
    }),
};

const OVER_HTTP2: Property = Property {
    id: "auth/over-http2",
    title: "over HTTP/2 the key is accepted, and needed, as over HTTP/1.1",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security", "http2"],
    needs: &[Need::ApiKey, Need::KeyIsChecked, Need::Http2],
    does: "Sends notifications over HTTP/2 with the key, with a wrong one and without any.",
    why: "HTTP/2 writes names of fields in lower case (RFC 9113, section 8.2.1), and often takes another way through proxies \
          and filters. A receiver that offers it must mean the same by it.",
    mend: "Look names of headers up without regard to case, and put the check behind the point where both versions meet.",
    cases: Cases::Fixed(|_| {
        vec![
            Case::request("the key", json!({ "http": "2" }), accepted()),
            Case::request("a wrong key", json!({ "http": "2", "auth": "wrong" }), super::refused()),
            Case::request("no key", json!({ "http": "2", "auth": "none" }), super::refused()),
        ]
    }),
};

const HEADER_NAME_IN_ANY_CASE: Property = Property {
    id: "auth/header-name-in-any-case",
    title: "the key is accepted under `authorization` and `AUTHORIZATION` alike",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["proxy"],
    needs: &[Need::ApiKey],
    does: "Sends the key under `authorization`, `AUTHORIZATION` and `aUTHORIZATION`.",
    why: "Names of fields have no case (RFC 9110, section 5.1). Load balancers and service meshes write them in lower case, \
          so that a receiver which looks for one spelling works until something is put in front of it.",
    mend: "Use the framework's own look-up of headers, which ignores case, in place of a plain map of names.",
    cases: Cases::Fixed(|_| {
        let case = |name: &str| {
            let line = format!("{name}: api_key {{{{api_key}}}}");
            Case::request(name, json!({ "auth": "none", "headers": [line] }), accepted())
        };
        ["authorization", "AUTHORIZATION", "aUTHORIZATION"].map(case).to_vec()
    }),
};

const SPACE_AROUND_VALUE: Property = Property {
    id: "auth/space-around-value",
    title: "spaces around the header's value are no part of the key",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["proxy"],
    needs: &[Need::ApiKey],
    does: "Sends `Authorization:api_key KEY` without a space before the value, with two spaces, and with one behind it.",
    why: "White space around a field's value is optional and not a part of it (RFC 9110, section 5.5). What stands on the \
          way may add it or take it away.",
    mend: "Where the server leaves it in, trim the value before it is taken apart.",
    cases: Cases::Fixed(|_| {
        let blanks = [("none before it", "", ""), ("two before it", "  ", ""), ("one behind it", " ", " ")];
        blanks.map(surrounded).to_vec()
    }),
};

const TAB_AROUND_VALUE: Property = Property {
    id: "auth/tab-around-value",
    title: "a tab around the header's value is no part of the key",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["proxy"],
    needs: &[Need::ApiKey],
    does: "Sends `Authorization: api_key KEY` with a tab before the value, and with one behind it.",
    why: "A tab is white space as a space is (RFC 9110, section 5.6.3), but hardly anything writes one there, and servers \
          as common as nginx leave it in.",
    mend: "Trim the value before it is taken apart, where that is done in the receiver's own code.",
    cases: Cases::Fixed(|_| {
        let tabs = [("before it", "\t", ""), ("behind it", " ", "\t")];
        tabs.map(surrounded).to_vec()
    }),
};

/// The key with something before and behind the header's value.
fn surrounded((label, before, after): (&str, &str, &str)) -> Case {
    let line = format!("Authorization:{before}api_key {{{{api_key}}}}{after}");
    Case::request(label, json!({ "auth": "none", "headers": [line] }), accepted())
}

const SCHEME_IN_ANY_CASE: Property = Property {
    id: "auth/scheme-in-any-case",
    title: "the scheme is recognised in any case",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["proxy"],
    needs: &[Need::ApiKey],
    does: "Sends the key after `API_KEY` and after `Api_Key`.",
    why: "Schemes have no case (RFC 9110, section 11.1). Cvent's page writes `api_key`, so that this matters only to other \
          senders, and on the day on which Cvent changes its client.",
    mend: "Compare the scheme without regard to case, and the key with regard to it.",
    cases: Cases::Fixed(|_| {
        ["API_KEY", "Api_Key"]
            .map(|scheme| with_value(scheme, &format!("{scheme} {{{{api_key}}}}"), accepted()))
            .to_vec()
    }),
};

const SEVERAL_SPACES: Property = Property {
    id: "auth/several-spaces",
    title: "several spaces between the scheme and the key are as good as one",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["proxy"],
    needs: &[Need::ApiKey],
    does: "Sends the key after `api_key` and two, and four, spaces.",
    why: "HTTP allows one or more (RFC 9110, section 11.4). Cvent's page shows one, so that this matters only to other \
          senders.",
    mend: "Split at the first space and trim what follows, rather than demand exactly two parts.",
    cases: Cases::Fixed(|_| {
        vec![
            with_value("two", "api_key  {{api_key}}", accepted()),
            with_value("four", "api_key    {{api_key}}", accepted()),
        ]
    }),
};
