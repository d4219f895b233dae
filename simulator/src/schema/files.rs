//! The schema files of a pack: read with bounds, indexed by URI, and resolved across.
//!
//! Every file gets the base URI `pack:///PATH`, so that a relative `$ref` finds its neighbour and no reference
//! can leave the pack: nothing is ever fetched.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::{Draft, uri};
use serde_json::{Map, Value};

use super::error::PackError;

/// The most that one schema file may hold: 4 MiB, some hundred times Cvent's size.
pub const MAX_FILE_BYTES: u64 = 4 << 20;
/// The most files in a pack: a folder with more is surely not a schema pack but a whole project.
pub const MAX_FILES: usize = 256;
/// How deep folders may lie in each other, and schemas in a file.
const MAX_DEPTH: usize = 16;
const MAX_SCHEMA_DEPTH: usize = 96;

/// A file as it was read.
#[derive(Clone, Debug)]
pub(super) struct SourceFile {
    /// Path inside the pack, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// One schema file, parsed.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: String,
    pub(super) uri: String,
    pub(super) root: Value,
}

/// A place in a file: what a reference points to, and what an error names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) document: usize,
    /// JSON pointer inside the file.
    pub(super) pointer: String,
}

/// A resource or anchor that a reference may name.
#[derive(Clone, Debug)]
struct Named {
    place: Place,
    base: String,
    draft: Draft,
}

/// A resolved schema, with what its own references are relative to.
#[derive(Clone, Debug)]
pub(super) struct Located<'a> {
    pub(super) schema: &'a Value,
    pub(super) place: Place,
    pub(super) base: String,
    pub(super) draft: Draft,
}

/// All schema files of a pack.
#[derive(Debug)]
pub(super) struct Documents {
    documents: Vec<Document>,
    resources: BTreeMap<String, Named>,
    anchors: BTreeMap<(String, String), Named>,
}

/// Reads the `.json` files under `dir`, in the order of their paths. Hidden folders and `node_modules` are left out.
pub(super) fn read_folder(dir: &Path) -> Result<Vec<SourceFile>, PackError> {
    let mut files = Vec::new();
    walk(dir, "", 0, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if files.is_empty() {
        return Err(PackError::NoFiles { dir: dir.display().to_string() });
    }
    Ok(files)
}

fn walk(dir: &Path, prefix: &str, depth: usize, files: &mut Vec<SourceFile>) -> Result<(), PackError> {
    let read = |source, path: &Path| PackError::Read { path: path.display().to_string(), source };
    let text = |file: &str, text: &str| PackError::File { file: file.to_owned(), text: text.to_owned() };
    for entry in std::fs::read_dir(dir).map_err(|source| read(source, dir))? {
        let path = entry.map_err(|source| read(source, dir))?.path();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let inner = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let metadata = std::fs::metadata(&path).map_err(|source| read(source, &path))?;
        if metadata.is_dir() {
            if name.starts_with('.') || name == "node_modules" {
                continue;
            }
            if depth == MAX_DEPTH {
                return Err(text(&inner, "folders lie too deep in each other"));
            }
            walk(&path, &inner, depth + 1, files)?;
        } else if name.ends_with(".json") {
            if metadata.len() > MAX_FILE_BYTES {
                return Err(text(&inner, &format!("more than {MAX_FILE_BYTES} bytes")));
            }
            if files.len() == MAX_FILES {
                return Err(text(&inner, &format!("more than {MAX_FILES} files in the pack")));
            }
            let bytes = std::fs::read(&path).map_err(|source| read(source, &path))?;
            let content = String::from_utf8(bytes).map_err(|_| text(&inner, "not UTF-8"))?;
            files.push(SourceFile { path: inner, text: content });
        }
    }
    Ok(())
}

impl Documents {
    /// Parses `files`. `default` is the draft of files that do not name theirs.
    pub(super) fn parse(files: &[SourceFile], default: Option<Draft>) -> Result<Self, PackError> {
        let mut parsed = Self { documents: Vec::new(), resources: BTreeMap::new(), anchors: BTreeMap::new() };
        for file in files {
            let fail = |text: String| PackError::File { file: file.path.clone(), text };
            let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
            let mut root: Value = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
            let draft = declared_draft(&root).map_err(fail)?;
            let draft = draft.or(default).unwrap_or_else(|| guessed_draft(&root));
            if let Value::Object(members) = &mut root {
                members.entry("$schema").or_insert_with(|| Value::String(draft_uri(draft).to_owned()));
            }
            let document = parsed.documents.len();
            let uri = format!("pack:///{}", encode(&file.path));
            parsed.documents.push(Document { path: file.path.clone(), uri: uri.clone(), root });
            let root = parsed.documents[document].root.clone();
            let place = Place { document, pointer: String::new() };
            parsed.resources.insert(uri.clone(), Named { place: place.clone(), base: uri.clone(), draft });
            parsed.index(&root, &place, &uri, draft, 0)?;
        }
        Ok(parsed)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Document> {
        self.documents.iter()
    }

    pub(super) fn path(&self, document: usize) -> &str {
        self.documents.get(document).map_or("(event type)", |document| document.path.as_str())
    }

    /// The root schema of the file at `path`.
    pub(super) fn root(&self, path: &str) -> Option<Located<'_>> {
        let named = self.resources.get(&format!("pack:///{}", encode(path)))?;
        Some(self.located(named))
    }

    /// The URI that names a place, for a validator.
    pub(super) fn uri_of(&self, place: &Place) -> String {
        format!("{}#{}", self.documents[place.document].uri, encode(&place.pointer))
    }

    /// Notes the ids and anchors in `schema`.
    fn index(
        &mut self,
        schema: &Value,
        place: &Place,
        base: &str,
        draft: Draft,
        depth: usize,
    ) -> Result<(), PackError> {
        if depth > MAX_SCHEMA_DEPTH {
            return Err(self.unsupported(place, "schemas lie too deep in each other"));
        }
        match schema {
            Value::Object(members) => {
                let mut base = base.to_owned();
                if let Some(id) = own_id(members, draft) {
                    match id.strip_prefix('#') {
                        Some(anchor) if !anchor.is_empty() => {
                            let named = Named { place: place.clone(), base: base.clone(), draft };
                            self.anchors.insert((base.clone(), anchor.to_owned()), named);
                        }
                        _ => {
                            base = self.join(&base, id, place)?.0;
                            let named = Named { place: place.clone(), base: base.clone(), draft };
                            self.resources.insert(base.clone(), named);
                        }
                    }
                }
                for keyword in ["$anchor", "$dynamicAnchor"] {
                    if let Some(Value::String(anchor)) = members.get(keyword) {
                        let named = Named { place: place.clone(), base: base.clone(), draft };
                        self.anchors.insert((base.clone(), anchor.clone()), named);
                    }
                }
                for (name, inner) in members {
                    if !matches!(name.as_str(), "enum" | "const" | "examples" | "default") {
                        self.index(inner, &place.child(name), &base, draft, depth + 1)?;
                    }
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate() {
                    self.index(inner, &place.child(&index.to_string()), base, draft, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What `reference`, standing at `from`, names.
    pub(super) fn resolve(&self, reference: &str, from: &Located<'_>) -> Result<Located<'_>, PackError> {
        let (target, fragment) = self.join(&from.base, reference, &from.place)?;
        let missing = || {
            let outside =
                if target.starts_with("pack:///") { "" } else { "; references leave the pack never" };
            self.unsupported(&from.place, &format!("`$ref` to `{reference}` finds nothing{outside}"))
        };
        let fragment = decode(&fragment).ok_or_else(missing)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            let named = self.resources.get(&target).ok_or_else(missing)?;
            return self.descend(&self.located(named), &fragment).ok_or_else(missing);
        }
        let named = self.anchors.get(&(target.clone(), fragment)).ok_or_else(missing)?;
        Ok(self.located(named))
    }

    /// The schema at `pointer` below `from`, with the base that ids on the way give it.
    fn descend<'a>(&'a self, from: &Located<'a>, pointer: &str) -> Option<Located<'a>> {
        let mut found = from.clone();
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            found.schema = match found.schema {
                Value::Object(members) => members.get(&token)?,
                Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
            found.place = found.place.child(&token);
            self.enter(&mut found);
        }
        Some(found)
    }

    /// Takes over the base of a schema that has its own id.
    pub(super) fn enter(&self, found: &mut Located<'_>) {
        if let Value::Object(members) = found.schema
            && let Some(id) = own_id(members, found.draft)
            && !id.starts_with('#')
            && let Ok((base, _)) = self.join(&found.base, id, &found.place)
        {
            found.base = base;
        }
    }

    /// The schemas in the array or object under `keyword`.
    pub(super) fn children<'a>(&self, schema: &Located<'a>, keyword: &str) -> Vec<Located<'a>> {
        match schema.schema.get(keyword) {
            Some(Value::Array(items)) => (0..items.len())
                .filter_map(|index| self.child(schema, &[keyword, &index.to_string()]))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The schema at `tokens` below `schema`.
    pub(super) fn child<'a>(&self, schema: &Located<'a>, tokens: &[&str]) -> Option<Located<'a>> {
        let mut found = schema.clone();
        for token in tokens {
            found.schema = match found.schema {
                Value::Object(members) => members.get(*token)?,
                Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
            found.place = found.place.child(token);
        }
        self.enter(&mut found);
        Some(found)
    }

    fn located(&self, named: &Named) -> Located<'_> {
        let root = &self.documents[named.place.document].root;
        let schema = root.pointer(&named.place.pointer).expect("an indexed place is in its file");
        Located { schema, place: named.place.clone(), base: named.base.clone(), draft: named.draft }
    }

    fn join(&self, base: &str, reference: &str, place: &Place) -> Result<(String, String), PackError> {
        let fail = || self.unsupported(place, &format!("`{reference}` is no URI reference"));
        let base = uri::from_str(base).map_err(|_| fail())?;
        let joined = uri::resolve_against(&base.borrow(), reference).map_err(|_| fail())?;
        let joined = joined.as_str();
        let (target, fragment) = joined.split_once('#').unwrap_or((joined, ""));
        Ok((target.to_owned(), fragment.to_owned()))
    }

    /// Checks every file that `root` leads to against its draft's own schema, and that all references there
    /// find something.
    pub(super) fn check(&self, root: &Located<'_>) -> Result<(), PackError> {
        let mut reached = vec![root.place.document];
        let mut next = 0;
        while let Some(&document) = reached.get(next) {
            next += 1;
            let place = Place { document, pointer: String::new() };
            let file = &self.documents[document];
            if let Err(error) = jsonschema::meta::validate(&file.root) {
                let place = Place { document, pointer: error.instance_path().as_str().to_owned() };
                return Err(self.unsupported(&place, &format!("not a valid schema: {error}")));
            }
            let named = &self.resources[&file.uri];
            let start = Located { place, ..self.located(named) };
            self.follow(&start, &mut reached)?;
        }
        Ok(())
    }

    fn follow(&self, schema: &Located<'_>, reached: &mut Vec<usize>) -> Result<(), PackError> {
        match schema.schema {
            Value::Object(members) => {
                for (name, inner) in members {
                    if matches!(name.as_str(), "enum" | "const" | "examples" | "default") {
                        continue;
                    }
                    if let ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) =
                        (name.as_str(), inner)
                    {
                        let target = self.resolve(reference, schema)?.place.document;
                        if !reached.contains(&target) {
                            reached.push(target);
                        }
                    }
                    let found = self.child(schema, &[name]);
                    found.map_or(Ok(()), |inner| self.follow(&inner, reached))?;
                }
            }
            Value::Array(items) => {
                for index in 0..items.len() {
                    let found = self.child(schema, &[&index.to_string()]);
                    found.map_or(Ok(()), |inner| self.follow(&inner, reached))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// An error at `place`.
    pub(super) fn unsupported(&self, place: &Place, text: &str) -> PackError {
        let file = self.path(place.document).to_owned();
        PackError::Schema { file, pointer: place.pointer.clone(), text: text.to_owned() }
    }
}

impl Place {
    /// The place of the member or element `token` in this one.
    pub(super) fn child(&self, token: &str) -> Self {
        let escaped = token.replace('~', "~0").replace('/', "~1");
        Self { document: self.document, pointer: format!("{}/{escaped}", self.pointer) }
    }
}

fn own_id(members: &Map<String, Value>, draft: Draft) -> Option<&str> {
    let keyword = if draft == Draft::Draft4 { "id" } else { "$id" };
    // Up to draft 7 nothing beside `$ref` counts.
    if draft <= Draft::Draft7 && members.contains_key("$ref") {
        return None;
    }
    members.get(keyword)?.as_str()
}

/// The draft named by a manifest.
pub(super) fn draft_by_name(name: &str) -> Option<Draft> {
    Some(match name {
        "4" => Draft::Draft4,
        "6" => Draft::Draft6,
        "7" => Draft::Draft7,
        "2019-09" => Draft::Draft201909,
        "2020-12" => Draft::Draft202012,
        _ => return None,
    })
}

fn declared_draft(root: &Value) -> Result<Option<Draft>, String> {
    let Some(Value::String(named)) = root.get("$schema") else { return Ok(None) };
    let known = [
        ("draft-04", Draft::Draft4),
        ("draft-06", Draft::Draft6),
        ("draft-07", Draft::Draft7),
        ("draft/2019-09", Draft::Draft201909),
        ("draft/2020-12", Draft::Draft202012),
    ];
    if let Some((_, draft)) = known.iter().find(|(part, _)| named.contains(part)) {
        return Ok(Some(*draft));
    }
    let advice = if named.contains("draft-03") {
        "draft 3 is too old: convert the file to draft 4 or later (`required` becomes a list, `extends` \
         becomes `allOf`, `disallow` becomes `not`, `divisibleBy` becomes `multipleOf`)"
    } else {
        "drafts 4, 6, 7, 2019-09 and 2020-12 are understood"
    };
    Err(format!("`$schema` is `{named}`: {advice}"))
}

/// Without `$schema`: draft 4, where its spelling is seen; otherwise 2020-12.
fn guessed_draft(root: &Value) -> Draft {
    fn old(value: &Value, depth: usize) -> bool {
        match value {
            Value::Object(members) => {
                matches!(members.get("exclusiveMinimum"), Some(Value::Bool(_)))
                    || matches!(members.get("exclusiveMaximum"), Some(Value::Bool(_)))
                    || depth < MAX_SCHEMA_DEPTH && members.values().any(|inner| old(inner, depth + 1))
            }
            Value::Array(items) => depth < MAX_SCHEMA_DEPTH && items.iter().any(|i| old(i, depth + 1)),
            _ => false,
        }
    }
    let url = |text: &str| text.contains("://") || text.ends_with(".json") || text.ends_with('#');
    if old(root, 0) || root.get("id").and_then(Value::as_str).is_some_and(url) {
        return Draft::Draft4;
    }
    Draft::Draft202012
}

const fn draft_uri(draft: Draft) -> &'static str {
    match draft {
        Draft::Draft4 => "http://json-schema.org/draft-04/schema#",
        Draft::Draft6 => "http://json-schema.org/draft-06/schema#",
        Draft::Draft7 => "http://json-schema.org/draft-07/schema#",
        Draft::Draft201909 => "https://json-schema.org/draft/2019-09/schema",
        _ => "https://json-schema.org/draft/2020-12/schema",
    }
}

/// Percent-encodes what a URI's path or fragment cannot hold.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'$' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("a string takes all"),
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}
