//! Bytes made printable, without secrets. Pure.

use super::Outcome;
use super::plan::{Plan, stop_words};

/// How much of a body is shown.
const BODY_SHOWN: usize = 4 << 10;
/// How much of a head is shown: the whole of any in ordinary use.
const HEAD_SHOWN: usize = 16 << 10;
/// What stands where a secret stood.
const REDACTED: &[u8] = b"***";

/// The request as it went out.
pub(crate) fn request(plan: &Plan, written: usize, secrets: &[String]) -> String {
    let written = written.min(plan.bytes.len());
    let (head, body) = plan.bytes[..written].split_at(plan.head_end.min(written));
    let mut text = message(head, body, secrets);
    if written < plan.bytes.len() {
        text.push_str(&format!("\n[{} bytes were not written]", plan.bytes.len() - written));
    }
    if let Some(stop) = plan.stop {
        text.push_str(&format!("\n[{}]", stop_words(stop)));
    }
    text
}

/// The answer as it came; `None`: nothing did.
pub(crate) fn response(outcome: &Outcome, secrets: &[String]) -> Option<String> {
    let received = &outcome.received;
    let end =
        received.windows(4).position(|window| window == b"\r\n\r\n").map_or(received.len(), |at| at + 4);
    let (head, body) = received.split_at(end);
    (!received.is_empty()).then(|| message(head, body, secrets))
}

/// Head and body made printable, each cut at its limit.
pub(crate) fn message(head: &[u8], body: &[u8], secrets: &[String]) -> String {
    let mut text = printable(head, HEAD_SHOWN, secrets);
    text.push_str(&printable(body, BODY_SHOWN, secrets));
    text.truncate(text.trim_end_matches('\n').len());
    text
}

/// Words of the harness's own, which may quote a peer: escaped, between backticks, and cut short, perhaps within a secret.
pub(crate) fn words(text: &str, secrets: &[String]) -> String {
    let escaped = secrets.iter().map(|secret| secret.escape_default().to_string());
    let mut forms: Vec<String> = secrets.iter().cloned().chain(escaped).collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    let clean = redacted(text.as_bytes(), &forms);
    let clean = String::from_utf8_lossy(&clean);
    let quotes: Vec<&str> = clean.split('`').map(|part| without_beginning(part, &forms)).collect();
    quotes.join("`")
}

/// A quotation without the beginning of a secret at its end.
fn without_beginning<'t>(quote: &'t str, secrets: &[String]) -> &'t str {
    /// Fewer characters tell nothing, and end many words.
    const TELLING: usize = 3;
    let beginnings = secrets.iter().flat_map(|secret| {
        secret.char_indices().map(|(at, _)| &secret[..at]).filter(|beginning| beginning.len() >= TELLING)
    });
    let longest = beginnings.filter(|beginning| quote.ends_with(beginning)).max_by_key(|found| found.len());
    &quote[..quote.len() - longest.map_or(0, str::len)]
}

/// Text as it is, CRLF as a line's end, all other bytes as `\xNN`; cut at `most` bytes.
fn printable(bytes: &[u8], most: usize, secrets: &[String]) -> String {
    // Before the cut: a part of a key would tell, too.
    let clean = redacted(bytes, secrets);
    let mut shown = &clean[..clean.len().min(most)];
    let mut text = String::with_capacity(shown.len());
    while !shown.is_empty() {
        let (valid, rest) = match std::str::from_utf8(shown) {
            Ok(valid) => (valid, &shown[shown.len()..]),
            Err(error) => {
                let (valid, rest) = shown.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), rest)
            }
        };
        push(&mut text, valid);
        shown = match rest {
            [] => rest,
            [byte, rest @ ..] => {
                text.push_str(&format!("\\x{byte:02x}"));
                rest
            }
        };
    }
    if clean.len() > most {
        text.push_str(&format!("… ({} bytes left out)", clean.len() - most));
    }
    text
}

fn push(text: &mut String, valid: &str) {
    for character in valid.replace("\r\n", "\n").chars() {
        match character {
            '\n' | '\t' => text.push(character),
            other if other.is_control() => text.extend(other.escape_default()),
            other => text.push(other),
        }
    }
}

/// Every occurrence of every secret replaced.
fn redacted(bytes: &[u8], secrets: &[String]) -> Vec<u8> {
    let mut clean = bytes.to_vec();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let mut next = Vec::with_capacity(clean.len());
        let mut rest = &clean[..];
        while let Some(at) = rest.windows(secret.len()).position(|window| window == secret.as_bytes()) {
            next.extend_from_slice(&rest[..at]);
            next.extend_from_slice(REDACTED);
            rest = &rest[at + secret.len()..];
        }
        next.extend_from_slice(rest);
        clean = next;
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_that_was_cut_within_a_key_does_not_begin_it() {
        let secrets = ["Key-\"1234".to_owned()];
        let words = |text: &str| words(text, &secrets);
        assert_eq!(words("12 bytes came: `key is Key-\\\"1`, late"), "12 bytes came: `key is `, late");
        assert_eq!(words("`Key-\"1234` and `Key-\\\"1234`"), "`***` and `***`");
        assert_eq!(words("it took a Ke"), "it took a Ke");
    }
}
