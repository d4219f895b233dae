//! Whether a page is well-formed, and holds nothing that its policy forbids.

use std::collections::{BTreeMap, BTreeSet};

const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];

/// A tag with its attributes.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// The tags that begin elements, in their order. Panics where tags do not nest, attributes are not quoted, or a `<`
/// begins no tag.
pub(crate) fn tags(page: &str) -> Vec<Tag> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").expect("a document type");
    let mut open: Vec<String> = Vec::new();
    let mut found = Vec::new();
    while let Some(start) = rest.find('<') {
        assert!(
            !rest[..start].contains('>') || open.last().is_some_and(|name| name == "script"),
            "{:?}",
            &rest[..start]
        );
        rest = &rest[start + 1..];
        let (text, after) = cut(rest);
        rest = after;
        if let Some(name) = text.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "before {:?}", &rest[..rest.len().min(80)]);
            continue;
        }
        let is_closed = text.ends_with('/');
        let tag = tag(text.trim_end_matches('/'));
        if !is_closed && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        found.push(tag);
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    found
}

/// A tag's inside, and what follows it: a `>` within quotes is no end.
fn cut(text: &str) -> (&str, &str) {
    let mut is_quoted = false;
    for (place, char) in text.char_indices() {
        match char {
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => return (&text[..place], &text[place + 1..]),
            _ => {}
        }
    }
    panic!("a tag does not end: {text:.80}");
}

fn tag(text: &str) -> Tag {
    let name_end = text.find(char::is_whitespace).unwrap_or(text.len());
    let name = text[..name_end].to_owned();
    assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text:?}");
    let mut attributes = BTreeMap::new();
    let mut rest = text[name_end..].trim();
    while !rest.is_empty() {
        let end = rest.find(|char: char| char == '=' || char.is_whitespace()).unwrap_or(rest.len());
        let attribute = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let close = quoted.find('"').expect("a quote that ends");
            value = quoted[..close].to_owned();
            rest = &quoted[close + 1..];
        } else {
            assert!(!rest.starts_with('='), "not quoted: {text:?}");
        }
        assert!(attributes.insert(attribute, value).is_none(), "an attribute twice: {text:?}");
        rest = rest.trim_start();
    }
    Tag { name, attributes }
}

/// Checks a page: it nests, ids are there once, what is referred to is there, controls have labels, tables have headers,
/// and nothing is inline that the policy would not run.
pub(crate) fn check(page: &str) {
    let tags = tags(page);
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| tag.get("id")) {
        assert!(ids.insert(id), "the id `{id}` is there twice");
    }
    for tag in &tags {
        for name in ["for", "aria-describedby", "aria-labelledby"] {
            for id in tag.get(name).unwrap_or_default().split_whitespace() {
                assert!(ids.contains(id), "{name} leads to no `{id}`");
            }
        }
        for name in tag.attributes.keys() {
            assert!(name != "style" && !name.starts_with("on"), "{tag:?}");
        }
        assert!(tag.name != "style" && tag.name != "iframe" && tag.name != "base", "{tag:?}");
        if tag.name == "script" {
            assert!(tag.get("src").is_some_and(|src| src.starts_with("/ui/")), "{tag:?}");
        }
        if let Some(address) = tag.get("href").or(tag.get("src")).or(tag.get("action")) {
            assert!(address.starts_with('/') || address.starts_with('#'), "{address}");
        }
    }
    labelled(page, &tags);
    let tables = tags.iter().filter(|tag| tag.name == "table").count();
    let headers = tags.iter().filter(|tag| tag.name == "thead").count();
    assert_eq!(tables, headers, "every table has headers");
    assert_eq!(tags.iter().filter(|tag| tag.name == "h1").count(), 1, "one title");
    assert_eq!(page.matches("<script").count(), page.matches("defer></script>").count(), "no script inline");
}

fn labelled(page: &str, tags: &[Tag]) {
    let labels: BTreeSet<&str> = tags.iter().filter_map(|tag| tag.get("for")).collect();
    for tag in tags {
        let is_control = match tag.name.as_str() {
            "input" => tag.get("type") != Some("hidden"),
            "select" | "textarea" => true,
            _ => false,
        };
        let is_labelled =
            || tag.get("id").is_some_and(|id| labels.contains(id)) || tag.get("type") == Some("checkbox");
        assert!(!is_control || is_labelled(), "no label: {tag:?}");
    }
    for form in page.split("<form").skip(1) {
        let form = form.split("</form>").next().unwrap_or_default();
        if form.split('>').next().unwrap_or_default().contains("method=\"post\"") {
            assert!(
                form.contains("name=\"csrf\""),
                "a form that changes something brings the value back: {form:.200}"
            );
        }
    }
}
