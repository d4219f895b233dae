//! The one place where secrets are taken out of texts.
//!
//! Types redact themselves ([`ApiKey`]); this catches what they cannot: a key that a receiver echoes in a
//! header or an error page, a key inside a URL, a key that a library put into a message. Every report and every
//! error text passes through here on its way out.

use std::borrow::Cow;

use pns_simulator::secret::ApiKey;

/// What stands where a secret stood.
pub const REDACTED: &str = "***";

/// Knows the secrets, in every form in which they may turn up.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, so that an encoded form goes as a whole before a part of it could match.
    needles: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.needles.len())
    }
}

impl Redactor {
    /// One that knows these keys.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a ApiKey>) -> Self {
        let mut needles: Vec<String> = keys.into_iter().flat_map(|key| forms(key.reveal())).collect();
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles }
    }

    /// `text` without any secret.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut result = Cow::Borrowed(text);
        for needle in &self.needles {
            if let Some(clean) = replace_ignoring_case(&result, needle) {
                result = Cow::Owned(clean);
            }
        }
        result
    }

    /// Takes the secrets out of `text` in place.
    pub fn scrub(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.redact(text) {
            *text = clean;
        }
    }
}

/// Encodings differ in the case of their digits (`%2f`, `%2F`), and a key in other case is as telling.
fn replace_ignoring_case(text: &str, needle: &str) -> Option<String> {
    let mut found = find_ignoring_case(text, needle)?;
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        clean.push_str(&rest[..found]);
        clean.push_str(REDACTED);
        rest = &rest[found + needle.len()..];
        match find_ignoring_case(rest, needle) {
            Some(next) => found = next,
            None => break,
        }
    }
    clean.push_str(rest);
    Some(clean)
}

/// Needles are ASCII, so a match begins and ends at character boundaries.
fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

/// The forms of one secret: as it is, percent-encoded (sparing or thorough, with `+` or without), in a JSON
/// string, in XML or HTML, in hexadecimal, and in Base64 at each of the three alignments, so that it is found
/// inside a longer encoded text such as `Basic` credentials.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), hex(secret)];
    forms.push(percent_encoded(secret, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
    forms.push(percent_encoded(secret, |byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte)));
    forms.push(percent_encoded(secret, |byte| {
        byte.is_ascii_alphanumeric() || b"-_.!~*'();/?:@&=+$,#".contains(&byte)
    }));
    let json = serde_json::to_string(secret).expect("a string is always JSON");
    let json = &json[1..json.len() - 1];
    forms.extend([json.to_owned(), json.replace('/', "\\/")]);
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    forms.extend([
        xml.replace('"', "&quot;"),
        xml.replace('"', "&quot;").replace('\'', "&apos;"),
        xml.replace('"', "&#34;").replace('\'', "&#39;"),
        xml.replace('"', "&quot;").replace('\'', "&#x27;"),
        xml,
    ]);
    forms.push(secret.replace('\'', r"'\''"));
    for alignment in 0..3 {
        let encoded = base64_core(secret.as_bytes(), alignment);
        forms.push(encoded.replace('+', "-").replace('/', "_"));
        forms.push(encoded);
    }
    // Shorter than this, an encoded form would blot out ordinary text.
    forms.retain(|form| form == secret || form.len() >= FORM_LENGTH_MIN);
    forms
}

const FORM_LENGTH_MIN: usize = 6;

fn percent_encoded(secret: &str, plain: impl Fn(u8) -> bool) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in secret.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a String takes everything");
        }
    }
    text
}

fn hex(secret: &str) -> String {
    use std::fmt::Write;
    secret.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// The part of the Base64 text of `…secret…` that depends on the secret alone, where `alignment` bytes stand
/// before it in its group of three.
fn base64_core(secret: &[u8], alignment: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let skip = if alignment == 0 { 0 } else { alignment + 1 };
    let bits = (alignment + secret.len()) * 8;
    let bit = |index: usize| -> usize {
        let byte = index / 8;
        if byte < alignment { 0 } else { usize::from(secret[byte - alignment] >> (7 - index % 8) & 1) }
    };
    (skip..bits / 6)
        .map(|digit| (0..6).fold(0, |value, offset| value * 2 + bit(digit * 6 + offset)))
        .map(|value| char::from(DIGITS[value]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "s3cr/et+Key=\"&<'%";

    fn redactor() -> Redactor {
        Redactor::new([&ApiKey::new(KEY).unwrap()])
    }

    #[test]
    fn base64_matches_known_vectors() {
        assert_eq!(base64_core(b"foobar", 0), "Zm9vYmFy");
        // RFC 4648 encodes `xfoobar` as eGZvb2Jhcg== and `xyfoobar` as eHlmb29iYXI=.
        assert_eq!(base64_core(b"foobar", 1), "Zvb2Jhc");
        assert_eq!(base64_core(b"foobar", 2), "mb29iYX");
    }

    #[test]
    fn every_form_is_taken_out() {
        let redactor = redactor();
        for (form, text) in [
            ("as it is", KEY.to_owned()),
            ("JSON", serde_json::to_string(KEY).unwrap()),
            ("hex", hex(KEY)),
            ("upper hex", hex(KEY).to_uppercase()),
            ("percent", "s3cr%2Fet%2BKey%3D%22%26%3C%27%25".to_owned()),
            ("percent, lower case", "s3cr%2fet%2bKey%3d%22%26%3c%27%25".to_owned()),
            ("XML", "s3cr/et+Key=&quot;&amp;&lt;&apos;%".to_owned()),
            ("HTML", "s3cr/et+Key=&#34;&amp;&lt;&#39;%".to_owned()),
            ("shell", r#"s3cr/et+Key="&<'\''%"#.to_owned()),
        ] {
            let redacted = redactor.redact(&text);
            assert!(redacted.contains(REDACTED), "{form}: {redacted}");
            assert!(!redacted.to_lowercase().contains("s3cr"), "{form}: {redacted}");
            assert!(!redacted.contains("73336372"), "{form}: {redacted}");
        }
    }

    #[test]
    fn base64_of_a_longer_text_is_taken_out_at_every_alignment() {
        let redactor = Redactor::new([&ApiKey::new("foobar-key").unwrap()]);
        for (before, encoded) in
            [("api_key ", "YXBpX2tleSBmb29iYXIta2V5"), ("x", "eGZvb2Jhci1rZXk="), ("", "Zm9vYmFyLWtleQ==")]
        {
            let redacted = redactor.redact(encoded);
            assert!(redacted.contains(REDACTED), "after {before:?}: {redacted}");
        }
    }

    #[test]
    fn text_without_a_secret_is_not_copied() {
        assert!(matches!(redactor().redact("status 500 — naïve"), Cow::Borrowed(_)));
        assert!(matches!(Redactor::default().redact(KEY), Cow::Borrowed(_)));
    }

    #[test]
    fn a_secret_among_other_characters_leaves_them_alone() {
        let text = format!("ü{KEY}ß{KEY}");
        assert_eq!(redactor().redact(&text), "ü***ß***");
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", redactor()).contains("s3cr"));
    }
}
