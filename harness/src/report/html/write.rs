//! A writer of HTML that cannot be left by a text.
//!
//! Names of elements and attributes are literals of ours, elements close themselves, and texts and values are
//! escaped and free of secrets on their way in. There is no way to write markup that came from elsewhere.

use super::super::text::printable;
use crate::redact::Redactor;

/// A document that grows.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    document: String,
    redactor: &'a Redactor,
}

/// Names and values.
pub(crate) type Attributes<'t> = &'t [(&'static str, &'t str)];

impl<'a> Page<'a> {
    pub(crate) fn new(redactor: &'a Redactor) -> Self {
        Self { document: "<!doctype html>\n".to_owned(), redactor }
    }

    pub(crate) fn finish(mut self) -> String {
        self.document.push('\n');
        self.document
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.document.len()
    }

    /// An element and what is in it.
    pub(crate) fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        inside(self);
        self.document.push_str("</");
        self.document.push_str(name);
        self.document.push('>');
        if is_block(name) {
            self.document.push('\n');
        }
    }

    /// An element that holds one text.
    pub(crate) fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(name, attributes, |page| page.text(text));
    }

    /// An element that holds one text of ours, in which code stands between backticks.
    pub(crate) fn prose(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        // Before it is cut: a secret may hold a backtick.
        let text = self.redactor.redact(text).into_owned();
        self.element(name, attributes, |page| {
            let parts: Vec<&str> = text.split('`').collect();
            if parts.len().is_multiple_of(2) {
                return page.text(&text);
            }
            for (index, part) in parts.into_iter().enumerate() {
                if index % 2 == 0 { page.text(part) } else { page.leaf("code", &[], part) }
            }
        });
    }

    /// An element that has no end, such as `meta`.
    pub(crate) fn void(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.open(name, attributes);
        self.document.push('\n');
    }

    /// The style sheet, which is ours.
    pub(crate) fn style(&mut self, sheet: &'static str) {
        self.element("style", &[], |page| page.document.push_str(sheet));
    }

    /// Text, with what cannot be shown made visible.
    pub(crate) fn text(&mut self, text: &str) {
        let text = printable(&self.redactor.redact(text)).into_owned();
        for c in text.chars() {
            match c {
                '&' => self.document.push_str("&amp;"),
                '<' => self.document.push_str("&lt;"),
                '>' => self.document.push_str("&gt;"),
                '"' => self.document.push_str("&quot;"),
                '\'' => self.document.push_str("&#39;"),
                // Not characters, by Unicode and by HTML.
                c if u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c) => {
                    self.document.extend(c.escape_unicode());
                }
                c => self.document.push(c),
            }
        }
    }

    fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.document.push('<');
        self.document.push_str(name);
        for (name, value) in attributes {
            self.document.push(' ');
            self.document.push_str(name);
            if !value.is_empty() {
                self.document.push_str("=\"");
                self.text(value);
                self.document.push('"');
            }
        }
        self.document.push('>');
    }
}

/// Elements after which a line feed changes nothing but the legibility of the source.
fn is_block(name: &str) -> bool {
    const BLOCKS: &str = " html head title style body header main footer section article nav h1 h2 h3 h4 p ul ol li dl \
                          div figure figcaption blockquote details summary table thead tbody tr pre svg g dt dd ";
    BLOCKS.split(' ').any(|block| block == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_its_place() {
        let redactor = Redactor::default();
        let mut page = Page::new(&redactor);
        page.element("a", &[("href", "#\"><script>"), ("open", "")], |page| {
            page.text("</a><script>alert('1')</script>&amp;\u{0}\u{ffff}\u{202e}");
        });
        assert_eq!(
            page.finish(),
            "<!doctype html>\n<a href=\"#&quot;&gt;&lt;script&gt;\" open>&lt;/a&gt;&lt;script&gt;alert(&#39;1&#39;)\
             &lt;/script&gt;&amp;amp;\\u{0}\\u{ffff}\\u{202e}</a>\n"
        );
    }
}
