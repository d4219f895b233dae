//! All properties as a document: what `docs/properties.md` holds, made from the same source as `pns explain`.

use std::fmt::Write as _;

use super::kinds::{Cases, Family, Need, Property};
use super::registry;
use crate::event::Strength;

/// The document, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let all = registry::all();
    let mut text = String::from(HEAD);
    let count = |strength| all.iter().filter(|property| property.strength == strength).count();
    let _ = writeln!(
        text,
        "There are {} properties: {} *must*, {} *should*, {} *advice*.\n",
        all.len(),
        count(Strength::Must),
        count(Strength::Should),
        count(Strength::Advice),
    );
    for family in Family::ALL {
        let of_family = || all.iter().filter(|property| property.family() == family);
        let _ = writeln!(text, "## {}\n\n{}.\n", family.name(), capital(family.title()));
        text.push_str("| Check | Strength | Holds when |\n|---|---|---|\n");
        for property in of_family() {
            let name = property.id;
            let _ = writeln!(
                text,
                "| [`{name}`](#{}) | {} | {} |",
                anchor(name),
                property.strength.name(),
                escaped(property.title)
            );
        }
        text.push('\n');
        of_family().for_each(|property| one(&mut text, property));
    }
    while text.ends_with("\n\n") {
        text.pop();
    }
    text
}

const HEAD: &str = "\
# Properties that `pns check` tries

Made by `pns explain --markdown` from the properties themselves; a test holds this file to them. `pns explain ID` shows
one on the terminal.

**must**: Cvent's page says so. **should**: it follows from the page, or HTTP and TLS demand it. **advice**: good to
have; reported, and red only with `--fail-on advice`. Whatever the page and RFC 9110 leave open passes: any 2xx
acknowledges, any 4xx refuses, a connection may be closed between requests, 429 and 503 with `Retry-After` are answers.

Nothing is sent that would harm a healthy server: the largest body is 2 MiB, the deepest nesting 1,500 levels, the
longest stall 3 s, at most 32 requests at once and 20 connections held open.

";

fn one(text: &mut String, property: &Property) {
    let _ = writeln!(text, "### {}\n", property.id);
    let _ = writeln!(
        text,
        "*{}* · {} · {}\n",
        capital(property.title),
        property.strength.name(),
        facts(property)
    );
    for (label, sentence) in [("Does", property.does), ("Why", property.why), ("To mend", property.mend)] {
        let _ = writeln!(text, "**{label}.** {}\n", escaped(sentence));
    }
}

/// The clause, the tags, what is needed, how cases come about.
fn facts(property: &Property) -> String {
    let mut facts = vec![format!("clause “{}”", property.clause.heading())];
    if !property.tags.is_empty() {
        facts.push(format!("tags {}", property.tags.join(", ")));
    }
    let needs: Vec<&str> = property.needs.iter().map(|need| needed(*need)).collect();
    if !needs.is_empty() {
        facts.push(format!("needs {}", needs.join(", ")));
    }
    if matches!(property.cases, Cases::Drawn(_)) {
        facts.push("cases are drawn, and shrunk when they fail".to_owned());
    }
    facts.join(" · ")
}

/// What a need is called in documents.
pub(crate) const fn needed(need: Need) -> &'static str {
    match need {
        Need::ApiKey => "a key",
        Need::NoApiKey => "no key",
        Need::KeyIsChecked => "a receiver that checks the key",
        Need::Probe => "a probe",
        Need::ProbeType => "a probe that tells the event type",
        Need::Https => "an `https://` target",
        Need::Http2 => "a receiver that offers HTTP/2",
        Need::HostName => "a target with a host name",
        Need::Pull => "a pull API, `--pull-listen`",
        Need::EventId => "a schema pack that says where the event id stands",
    }
}

/// How the usual renderers make an anchor of a heading.
fn anchor(id: &str) -> String {
    id.replace('/', "")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Text as Markdown shows it: what would be markup is escaped, code in backticks stays.
fn escaped(text: &str) -> String {
    let mut inside_code = false;
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '`' {
            inside_code = !inside_code;
        } else if c == '|' || !inside_code && matches!(c, '<' | '*' | '_' | '[' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_document_is_the_present_one() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/properties.md");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == markdown(),
            "docs/properties.md is out of date: cargo run -- explain --markdown > docs/properties.md"
        );
    }

    #[test]
    fn markup_is_escaped_and_code_is_not() {
        assert_eq!(escaped("a_b `c_d` <e>"), "a\\_b `c_d` \\<e>");
    }
}
