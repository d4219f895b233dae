//! The report for people who did not sit at the terminal: one HTML page, without scripts and without anything
//! from elsewhere, so that it can be mailed, archived, and opened behind a firewall.
//!
//! The verdict first, then what weakens it, then the findings, the worst first, then everything. Its size is
//! bounded: what is cut or left out is said in its place.

mod exchange;
mod finding;
mod listing;
mod timeline;
mod top;
pub(crate) mod write;

use super::Collected;
use super::standing::{Finding, findings};
use super::text::{count, target};
use crate::redact::Redactor;
pub(crate) use top::banner;
use write::Page;

/// Nothing is loaded and nothing is run, even if a text should ever escape its place.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Told in full. Somebody who has more to mend begins with these.
const FINDINGS_MAX: usize = 60;
/// Beyond it findings are told in a line each: a page must open on a telephone.
const BYTES_MAX: usize = 8 << 20;

/// The whole page.
pub fn render(run: &Collected, redactor: &Redactor) -> String {
    let target = run.started.as_ref().map_or("a receiver", |run| target(&run.target));
    let title = format!("pns: {} – {target}", top::headline_of(run).text);
    document(redactor, &title, "", |page| body(page, run))
}

/// A page in the look of all; `more` is what it adds to the style sheet.
pub(crate) fn document(
    redactor: &Redactor,
    title: &str,
    more: &'static str,
    body: impl FnOnce(&mut Page<'_>),
) -> String {
    let mut page = Page::new(redactor);
    page.element("html", &[("lang", "en")], |page| {
        page.element("head", &[], |page| {
            page.void("meta", &[("charset", "utf-8")]);
            page.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
            page.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            page.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
            page.void("meta", &[("name", "referrer"), ("content", "no-referrer")]);
            page.leaf("title", &[], title);
            page.style(include_str!("style.css"));
            if !more.is_empty() {
                page.style(more);
            }
        });
        page.element("body", &[], body);
    });
    page.finish()
}

fn body(page: &mut Page<'_>, run: &Collected) {
    let findings = findings(run);
    top::write(page, run, &findings);
    page.element("main", &[], |page| {
        all_findings(page, run, &findings);
        listing::undecided(page, run);
        listing::everything(page, run);
    });
    footer(page, run.started.as_ref().map_or(env!("CARGO_PKG_VERSION"), |run| &run.version));
}

/// What a page says of itself.
pub(crate) fn footer(page: &mut Page<'_>, version: &str) {
    let text =
        format!("Made by pns {version}. This page holds no scripts, loads nothing, and holds no API key.");
    page.leaf("footer", &[], &text);
}

fn all_findings(page: &mut Page<'_>, run: &Collected, findings: &[Finding<'_>]) {
    if findings.is_empty() {
        return;
    }
    page.element("section", &[("id", "findings")], |page| {
        page.leaf("h2", &[], "Findings");
        let mut left = Vec::new();
        for (index, finding) in findings.iter().enumerate() {
            if index < FINDINGS_MAX && page.len() < BYTES_MAX {
                finding::write(page, run.subject(), index, finding);
            } else {
                left.push(finding);
            }
        }
        if left.is_empty() {
            return;
        }
        let more = count(left.len() as u64, "more finding");
        page.leaf("p", &[], &format!("{more}, told in a line each to keep this page small:"));
        page.element("ul", &[], |page| {
            for finding in left {
                page.leaf("li", &[], &format!("{}: {}", finding.scenario.started.id, finding.check.title));
            }
        });
    });
}

/// A text for one click to select whole: commands and files.
fn copyable(page: &mut Page<'_>, label: &str, text: &str) {
    page.element("div", &[("class", "copyable")], |page| {
        page.leaf("span", &[("class", "label")], label);
        page.element("pre", &[("class", "copy"), ("tabindex", "0")], |page| page.text(text.trim_end()));
    });
}

/// At most `most` bytes of `text`, and what was cut.
fn clipped(text: &str, most: usize) -> (&str, Option<String>) {
    if text.len() <= most {
        return (text, None);
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (&text[..end], Some(format!("cut here: {} more", count((text.len() - end) as u64, "byte"))))
}
