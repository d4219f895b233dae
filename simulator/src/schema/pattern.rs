//! Texts that match a `pattern`.
//!
//! Patterns are ECMA 262; they are translated to what the generator understands: classes are ASCII where ECMA
//! says so, anchors at the ends go, and a choice of "any character" is narrowed to printable ones. Whether a
//! text really matches is judged by the validator, not here.

use rand::distr::Distribution;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use super::draws::Draws;

/// The most bytes a pattern's text may take: beyond it a nested repetition runs away.
const MAX_BYTES: usize = 64 << 10;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern(rand_regex::Regex);

impl Pattern {
    /// Compiles `pattern`; open repetitions go up to `repeat`.
    ///
    /// # Errors
    /// A text for people: look-around, back references, anchors in the middle, or too long a text.
    pub(super) fn compile(pattern: &str, repeat: u32) -> Result<Self, String> {
        let translated = translate(pattern);
        let hir = regex_syntax::ParserBuilder::new()
            .nest_limit(64)
            .build()
            .parse(&translated)
            .map_err(|error| format!("pattern `{pattern}` cannot be generated: {}", reason(&error)))?;
        let hir = narrow(hir, true, true)
            .ok_or_else(|| format!("pattern `{pattern}` cannot be generated: an anchor in the middle"))?;
        let regex = rand_regex::Regex::with_hir(hir, repeat)
            .map_err(|error| format!("pattern `{pattern}` cannot be generated: {error}"))?;
        if regex.capacity() > MAX_BYTES {
            return Err(format!(
                "pattern `{pattern}` cannot be generated: a text may exceed {MAX_BYTES} bytes"
            ));
        }
        Ok(Self(regex))
    }

    /// A text that matches.
    pub(super) fn text(&self, draws: &mut Draws) -> String {
        let bytes: Vec<u8> = self.0.sample(draws);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        _ => "not understood".to_owned(),
    }
}

/// ECMA's escapes in the generator's spelling.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len() + 16);
    let mut in_class = false;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let Some(escaped) = characters.next() else {
                    translated.push('\\');
                    break;
                };
                match (escaped, in_class) {
                    ('d', false) => translated.push_str("[0-9]"),
                    ('d', true) => translated.push_str("0-9"),
                    ('w', false) => translated.push_str("[A-Za-z0-9_]"),
                    ('w', true) => translated.push_str("A-Za-z0-9_"),
                    ('s', _) => translated.push(' '),
                    ('D', false) => translated.push_str("[^0-9]"),
                    ('W', false) => translated.push_str("[^A-Za-z0-9_]"),
                    ('S', false) => translated.push_str("[!-~]"),
                    ('S', true) => translated.push_str("!-~"),
                    ('0', _) => translated.push_str("\\x00"),
                    ('/', _) => translated.push('/'),
                    _ => translated.extend(['\\', escaped]),
                }
            }
            '[' if in_class => translated.push_str("\\["),
            '[' => {
                in_class = true;
                translated.push('[');
            }
            ']' => {
                in_class = false;
                translated.push(']');
            }
            // Class operations of the generator's syntax are plain characters in ECMA's.
            '&' | '~' if in_class => translated.extend(['\\', character]),
            _ => translated.push(character),
        }
    }
    translated
}

/// Takes away anchors that hold anyway at the ends, and narrows classes to printable characters.
fn narrow(hir: Hir, start: bool, end: bool) -> Option<Hir> {
    Some(match hir.into_kind() {
        HirKind::Look(Look::Start) if start => Hir::empty(),
        HirKind::Look(Look::End) if end => Hir::empty(),
        HirKind::Look(_) => return None,
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Unicode(printable(class))),
        HirKind::Concat(parts) => {
            let last = parts.len() - 1;
            let narrowed: Option<Vec<Hir>> = parts
                .into_iter()
                .enumerate()
                .map(|(index, part)| narrow(part, start && index == 0, end && index == last))
                .collect();
            Hir::concat(narrowed?)
        }
        HirKind::Alternation(parts) => {
            // A branch that cannot be generated leaves the others.
            let narrowed: Vec<Hir> = parts.into_iter().filter_map(|part| narrow(part, start, end)).collect();
            if narrowed.is_empty() {
                return None;
            }
            Hir::alternation(narrowed)
        }
        HirKind::Capture(capture) => narrow(*capture.sub, start, end)?,
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(narrow(*repetition.sub, false, false)?);
            Hir::repetition(repetition)
        }
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(bytes) => Hir::class(bytes),
    })
}

fn printable(class: ClassUnicode) -> ClassUnicode {
    for (from, to) in [(' ', '~'), ('\u{a1}', '\u{17f}')] {
        let mut narrowed = class.clone();
        narrowed.intersect(&ClassUnicode::new([ClassUnicodeRange::new(from, to)]));
        if narrowed.ranges().is_empty() {
            continue;
        }
        return narrowed;
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_match_their_patterns() {
        let patterns = [
            r"^\d{4}-\d{2}$",
            "^(a|b)+$",
            "[^,]+",
            r"^[\w.-]+\/x$",
            "^a$|^b$",
            r"\S+",
            "^.{3,5}$",
            r"^[[&]~\d]*$",
        ];
        for pattern in patterns {
            let compiled = Pattern::compile(pattern, 8).expect(pattern);
            let judge =
                jsonschema::validator_for(&serde_json::json!({ "pattern": pattern })).expect("a pattern");
            let mut draws = Draws::new(3, 4, 0);
            for _ in 0..200 {
                let text = compiled.text(&mut draws);
                assert!(judge.is_valid(&text.clone().into()), "{pattern}: {text:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_generated_says_so() {
        for pattern in ["(?=a)b", r"(a)\1", "a^b", "(", "[a&&b]{999999999}"] {
            assert!(Pattern::compile(pattern, 8).is_err(), "{pattern}");
        }
    }
}
