//! What is nearly the agreed key.

use super::super::super::kinds::{Cases, Property};
use super::{CHECKED, COMPARE_WHOLE, all_refused};
use crate::clause::Clause;
use crate::event::Strength;

/// What is nearly the agreed key.
pub(super) const ALL: &[Property] =
    &[KEY_PREFIX, KEY_WITH_SUFFIX, KEY_IN_OTHER_CASE, KEY_WITHOUT_SCHEME, OTHER_SCHEME];

const KEY_PREFIX: Property = Property {
    id: "auth/key-prefix-refused",
    title: "the key without its end is refused",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key without its last character, and the same with two others in its place.",
    why: "A comparison up to the length of what was given lets a single character through, and one of the first eight makes \
          the rest of the key worthless.",
    mend: COMPARE_WHOLE,
    cases: Cases::Fixed(|_| {
        all_refused(&[
            ("cut off", "api_key {{api_key.cut}}"),
            ("with another end", "api_key {{api_key.cut}}--"),
        ])
    }),
};

const KEY_WITH_SUFFIX: Property = Property {
    id: "auth/key-with-suffix-refused",
    title: "the key with something before or behind it is refused",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key with a character more at its end, with one more at its beginning, and twice in a row.",
    why: "That is another key. Where one is looked for inside of the other, or compared at the start, the keys `abc` of one \
          client and `abcd` of another are mixed up; and bcrypt ignores what follows 72 bytes.",
    mend: COMPARE_WHOLE,
    cases: Cases::Fixed(|_| {
        all_refused(&[
            ("a character behind it", "api_key {{api_key}}x"),
            ("a character before it", "api_key x{{api_key}}"),
            ("twice", "api_key {{api_key}}{{api_key}}"),
        ])
    }),
};

const KEY_IN_OTHER_CASE: Property = Property {
    id: "auth/key-in-other-case-refused",
    title: "the key in other case is refused",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key with capital letters for small ones, and small ones for capital ones.",
    why: "A comparison without case takes a bit of strength off every letter; it comes from `equalsIgnoreCase`, or from \
          looking the key up in a database whose collation has no case. Where the key is a hexadecimal number or a UUID, \
          nothing is lost.",
    mend: COMPARE_WHOLE,
    cases: Cases::Fixed(|_| all_refused(&[("", "api_key {{api_key.swapped}}")])),
};

const KEY_WITHOUT_SCHEME: Property = Property {
    id: "auth/key-without-scheme-refused",
    title: "the key without the scheme is refused",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key alone, and the scheme and the key without a space.",
    why: "PNS always sends the scheme. Whatever else is accepted is a second way in that nobody looks after; a filter that \
          removes `api_key` wherever it stands also changes keys that hold it.",
    mend: COMPARE_WHOLE,
    cases: Cases::Fixed(|_| {
        all_refused(&[("the key alone", "{{api_key}}"), ("no space", "api_key{{api_key}}")])
    }),
};

const OTHER_SCHEME: Property = Property {
    id: "auth/other-scheme-refused",
    title: "the key under another scheme is refused",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key after `Bearer`, `Basic` (as it is, and in Base64), `ApiKey` and a scheme that nobody knows.",
    why: "The scheme says what the rest means (RFC 9110, section 11.4). A receiver that never looks at it accepts the key in \
          places where it was not meant to be, and breaks as soon as a second scheme is added.",
    mend: COMPARE_WHOLE,
    cases: Cases::Fixed(|_| {
        all_refused(&[
            ("Bearer", "Bearer {{api_key}}"),
            ("Basic", "Basic {{api_key}}"),
            ("Basic in Base64", "Basic {{api_key.base64}}"),
            ("ApiKey", "ApiKey {{api_key}}"),
            ("unknown", "x {{api_key}}"),
        ])
    }),
};
