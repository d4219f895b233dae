//! A writer of GitHub's Markdown, in which foreign text stays text.

use super::super::text::printable;
use crate::redact::Redactor;

/// A document that grows. What is not a literal of ours goes through [`Markdown::text`] or [`Markdown::code`].
#[derive(Debug)]
pub(super) struct Markdown<'a> {
    document: String,
    redactor: &'a Redactor,
}

impl<'a> Markdown<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Self {
        Self { document: String::new(), redactor }
    }

    pub(super) fn finish(self) -> String {
        self.document
    }

    pub(super) fn len(&self) -> usize {
        self.document.len()
    }

    /// Markup of ours.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.document.push_str(markup);
        self
    }

    /// Any text, on one line, with every sign that Markdown or HTML could take for its own escaped.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in printable(&self.redactor.redact(text)).chars() {
            match c {
                '\n' | '\t' => self.document.push(' '),
                '&' => self.document.push_str("&amp;"),
                '<' => self.document.push_str("&lt;"),
                '>' => self.document.push_str("&gt;"),
                // A mention or a reference to an issue would be made of these.
                '@' => self.document.push_str("&#64;"),
                '#' => self.document.push_str("&#35;"),
                // `www.` and `http:` become links by themselves.
                ':' => self.document.push_str("&#58;"),
                c if c.is_ascii_punctuation() && !"-.,;'()/+=".contains(c) => {
                    self.document.push('\\');
                    self.document.push(c);
                }
                c => self.document.push(c),
            }
        }
        self
    }

    /// A block of any lines, in a fence longer than any in them.
    pub(super) fn code(&mut self, text: &str) -> &mut Self {
        let text = printable(&self.redactor.redact(text)).into_owned();
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        self.document.push_str(&format!("\n{fence}text\n{}\n{fence}\n\n", text.trim_end()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_text() {
        let redactor = Redactor::default();
        let mut page = Markdown::new(&redactor);
        page.text("<img src=x> | **b** @me #1 http://x `a`\n[x](y)").code("```\n<b>\n````");
        assert_eq!(
            page.finish(),
            "&lt;img src=x&gt; \\| \\*\\*b\\*\\* &#64;me &#35;1 http&#58;//x \\`a\\` \\[x\\](y)\
             \n`````text\n```\n<b>\n````\n`````\n\n"
        );
    }
}
