//! No key, and keys that have nothing to do with the agreed one.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Need, Property};
use super::{CHECKED, all_refused, others_refused, refused};
use crate::clause::Clause;
use crate::event::Strength;

/// No key, and keys that have nothing to do with the agreed one.
pub(super) const ALL: &[Property] = &[
    MISSING_KEY,
    WRONG_KEY,
    EMPTY_KEY,
    PLACEHOLDERS,
    SPECIAL_CHARACTERS,
    LONG_KEY,
    BYTES_BEYOND_ASCII,
    REFUSED_WHATEVER_THE_BODY,
];

/// Why a refusal must not be an internal error.
const NO_INTERNAL_ERROR: &str = "An internal error says that the receiver has erred (RFC 9110, section 15.6) where the request \
     has; it wakes people at night, and whoever knows the address can cause it.";

const MISSING_KEY: Property = Property {
    id: "auth/missing-key-refused",
    title: "a notification without the key is refused",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security", "smoke"],
    needs: &[Need::ApiKey],
    does: "Sends a valid notification without an `Authorization` header; any 4xx refuses it, and so does a closed \
           connection.",
    why: "Whoever knows the address can otherwise write into your data: the key is all by which Cvent can be told from \
          others. A redirect to a log-in page is no refusal that a sender understands, a log-in page with 200 acknowledges \
          what was thrown away, and a 500 looks like your failure.",
    mend: "Check the key in a filter in front of the endpoint, treat an absent header like a wrong one, and answer 401 by \
           yourself: frameworks redirect browsers to a log-in page unless an entry point for machines is set.",
    cases: Cases::Fixed(|_| vec![Case::request("", json!({ "auth": "none" }), refused())]),
};

const WRONG_KEY: Property = Property {
    id: "auth/wrong-key-refused",
    title: "a notification with another key is refused",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security", "smoke"],
    needs: &[Need::ApiKey],
    does: "Sends a valid notification with another key of the same length, and with one of another length.",
    why: "A filter that was never put into the chain, or that asks only whether there is a key, lets anybody in. A refusal \
          must also come, and in time: after an internal error, or no answer, nobody can tell that the key is wrong.",
    mend: super::COMPARE_WHOLE,
    cases: Cases::Fixed(|setting| {
        let mut cases = vec![Case::request("of the same length", json!({ "auth": "wrong" }), refused())];
        cases.extend(others_refused(setting, &[("of another length", "another-key-of-somebody-elses")]));
        cases
    }),
};

const EMPTY_KEY: Property = Property {
    id: "auth/empty-key-refused",
    title: "an empty key is refused",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the scheme without a key, with a space behind it, and an `Authorization` header without any value.",
    why: "Everything begins with the empty text, and a key that is missing from the settings is empty, too. And code that \
          takes the second part of what has only one answers 500.",
    mend: "Refuse to start without a key, and compare keys as a whole; treat a value without a space like a wrong key.",
    cases: Cases::Fixed(|_| {
        all_refused(&[
            ("the scheme alone", "api_key"),
            ("the scheme and a space", "api_key "),
            ("no value", ""),
        ])
    }),
};

const PLACEHOLDERS: Property = Property {
    id: "auth/placeholders-refused",
    title: "what stands for a key that was never set is refused",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends `null`, `undefined`, `None`, `providedApiKey` and the like for a key, except for one that is agreed on.",
    why: "A setting that is absent becomes such a text where it is put into another, and an example of a manual becomes the \
          key of a second tenant that was never removed. Both let in whoever guesses.",
    mend: "Refuse to start without a key, and remove keys from examples and seeds of the database.",
    cases: Cases::Fixed(|setting| {
        let keys = [
            "null",
            "undefined",
            "None",
            "nil",
            "false",
            "providedApiKey",
            "ApiKey",
            "changeme",
            "test",
            "secret",
        ];
        others_refused(setting, &keys.map(|key| (key, key)))
    }),
};

const SPECIAL_CHARACTERS: Property = Property {
    id: "auth/special-characters-refused",
    title: "a key of special characters is refused in order",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends single characters that mean something to databases, patterns and shells for a key: quotes, `%`, `*`, `\\`.",
    why: "A key that is looked up by a query made of text breaks on a quote, and matches everything by `%`, `*` or `.*`.",
    mend: "Bind the key as a parameter, or better, compare it in the program with what is stored.",
    cases: Cases::Fixed(|setting| {
        let keys = [
            ("a single quote", "'"),
            ("a double quote", "\""),
            ("a percent sign", "%"),
            ("an asterisk", "*"),
            ("a pattern", ".*"),
            ("a backslash", "\\"),
            ("a brace", "{"),
        ];
        others_refused(setting, &keys)
    }),
};

const LONG_KEY: Property = Property {
    id: "auth/long-key",
    title: "a very long key is refused in order",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["limits"],
    needs: CHECKED,
    does: "Sends keys of 300, 2,000 and 7,000 characters, which stay below the common limit of 8 KiB for a head.",
    why: NO_INTERNAL_ERROR,
    mend: "Compare the key in the program rather than look it up in, or log it into, a column that is too short for it.",
    cases: Cases::Fixed(|_| {
        let case = |length: usize| {
            let value = format!("api_key {}", "k".repeat(length));
            super::with_value(&format!("{length} characters"), &value, refused())
        };
        [300, 2_000, 7_000].map(case).to_vec()
    }),
};

const BYTES_BEYOND_ASCII: Property = Property {
    id: "auth/bytes-beyond-ascii",
    title: "a key with bytes beyond ASCII is refused in order",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["encoding"],
    needs: CHECKED,
    does: "Sends the key with an é behind it, a word with an é, and one in Cyrillic letters, as UTF-8.",
    why: "Such bytes are allowed in a field's value, and opaque (RFC 9110, section 5.5). Comparing them may throw: Python's \
          `hmac.compare_digest` takes texts of ASCII alone, and the decoder of a strict framework fails on what is no \
          Latin-1 or UTF-8.",
    mend: "Compare bytes, not texts: `hmac.compare_digest(given.encode('latin-1'), expected.encode('latin-1'))`.",
    cases: Cases::Fixed(|_| {
        all_refused(&[
            ("the key and an é", "api_key {{api_key}}é"),
            ("an é", "api_key clé"),
            ("Cyrillic", "api_key ключ"),
        ])
    }),
};

const REFUSED_WHATEVER_THE_BODY: Property = Property {
    id: "auth/wrong-key-whatever-the-body",
    title: "a wrong key is refused in order, whatever the body is",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security", "json"],
    needs: CHECKED,
    does: "Sends a wrong key with no body, one that is not JSON, one in chunks, one of another content type and one of a \
           megabyte; then, on the same connection if the receiver keeps it, a valid notification with the right key.",
    why: "What comes without the key is not Cvent's and may be anything. A receiver that works on the body first answers \
          500 to strangers, or does work for them; one that refuses by the head alone and keeps the connection must read \
          the body away, or it is taken for the next request.",
    mend: "Check the key before the body is parsed; then read the body to its end, or close the connection.",
    cases: Cases::Fixed(|_| {
        let case = |(label, mut request): (&str, serde_json::Value)| {
            request["auth"] = json!("wrong");
            request["on"] = json!("a");
            let title = "on the same connection, the right key is accepted";
            Case::request(label, request, refused()).then(json!({ "request": { "on": "a" }, "title": title }))
        };
        [
            ("no body", json!({ "body": "" })),
            ("not JSON", json!({ "body": "{ not json" })),
            ("in chunks", json!({ "framing": { "chunks": [1, 5, 100] } })),
            ("another content type", json!({ "headers": ["Content-Type: text/plain"] })),
            ("a megabyte", json!({ "pad": 1_048_576 })),
        ]
        .map(case)
        .to_vec()
    }),
};
