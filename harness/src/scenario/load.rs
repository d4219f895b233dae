//! Scenario files from disk, from a text, or from the binary itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::check::{self, Included};
use super::diagnostic::{Diagnostic, Style, nearest};
use super::document;
use super::model::Scenario;
use super::reader::Reader;
use super::source::Sources;
use super::yaml::{self, MAX_FILE_BYTES, Node, Value, shorten};

/// Deepest chain of includes.
pub const MAX_INCLUDE_DEPTH: usize = 8;
/// Most files of one load, and deepest folder: a wrong path is noticed, not walked for hours.
const MAX_FILES: usize = 10_000;
const MAX_FOLDER_DEPTH: usize = 32;

include!(concat!(env!("OUT_DIR"), "/shipped_scenarios.rs"));

/// What came of loading.
#[derive(Clone, Debug, Default)]
pub struct LoadResult {
    /// The files that were read.
    pub files: Sources,
    /// The scenarios of all files without errors.
    pub scenarios: Vec<Scenario>,
    /// All errors of all files.
    pub diagnostics: Vec<Diagnostic>,
}

impl LoadResult {
    /// The scenarios, when there is no error at all.
    ///
    /// # Errors
    /// All diagnostics, rendered.
    pub fn into_scenarios(self, style: Style) -> Result<Vec<Scenario>, String> {
        if self.diagnostics.is_empty() { Ok(self.scenarios) } else { Err(self.render(style)) }
    }

    /// The diagnostics in the order in which a reader meets their places; those about files as such at the end.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let order: Vec<&str> = self.files.files().iter().map(|file| &*file.name).collect();
        self.diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
            Some(place) => (order.iter().position(|name| *name == &*place.file), place.start),
            None => (Some(usize::MAX), 0),
        });
        self
    }

    /// All diagnostics as text, with an empty line between two.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let rendered: Vec<String> =
            self.diagnostics.iter().map(|diagnostic| diagnostic.render(&self.files, style)).collect();
        rendered.join("\n\n")
    }
}

/// Loads files and directories. Directories are searched for `*.yaml` and `*.yml`, in order of their names;
/// folders called `invalid` and fragments are left out.
///
/// Without any path: the scenarios that come with the program.
#[must_use]
pub fn load(paths: &[PathBuf]) -> LoadResult {
    if paths.is_empty() {
        return shipped();
    }
    let mut loader = Loader { result: LoadResult::default(), texts: &Disk };
    for path in paths {
        if path.is_dir() {
            loader.directory(path);
        } else if path.exists() {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            loader.file(path, &id, Found::Named);
        } else {
            loader.missing(path);
        }
    }
    loader.result
}

/// What `pns lint` does: as [`load`], for its diagnostics.
#[must_use]
pub fn lint(paths: &[PathBuf]) -> LoadResult {
    load(paths)
}

/// Checks one text under a name. It cannot include other files.
#[must_use]
pub fn parse(name: &str, text: &str) -> LoadResult {
    let only = [(name, text)];
    let mut loader = Loader { result: LoadResult::default(), texts: &Embedded(&only) };
    loader.file(Path::new(name), &id_of(Path::new(name)), Found::Named);
    loader.result
}

/// The scenarios that come with the program.
#[must_use]
pub fn shipped() -> LoadResult {
    let mut loader = Loader { result: LoadResult::default(), texts: &Embedded(SHIPPED) };
    for (name, _) in SHIPPED {
        loader.file(Path::new(name), &id_of(Path::new(name)), Found::Searched);
    }
    loader.result
}

/// The path without its ending, with `/` between the parts.
fn id_of(path: &Path) -> String {
    let parts = path.with_extension("");
    let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Where texts come from.
trait Texts {
    fn read(&self, path: &Path) -> Result<String, String>;
}

struct Disk;

impl Texts for Disk {
    fn read(&self, path: &Path) -> Result<String, String> {
        let file = fs::File::open(path).map_err(|error| error.to_string())?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err("not an ordinary file".to_owned());
        }
        let mut text = String::new();
        // One byte beyond the limit is enough to see that it is exceeded.
        let limit = u64::try_from(MAX_FILE_BYTES).map_or(u64::MAX, |limit| limit + 1);
        file.take(limit).read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }
}

struct Embedded<'t>(&'t [(&'t str, &'t str)]);

impl Texts for Embedded<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        let name = path.to_string_lossy().replace('\\', "/");
        let found = self.0.iter().find(|(other, _)| *other == name);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    }
}

/// How the loader came to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It was named, so it must be a scenario.
    Named,
    /// It lay in a directory, where fragments may lie, too.
    Searched,
}

struct Loader<'t> {
    result: LoadResult,
    texts: &'t dyn Texts,
}

impl Loader<'_> {
    fn problem(&mut self, message: String, help: Option<String>) {
        self.result.diagnostics.push(Diagnostic { help, ..Diagnostic::about_files(message) });
    }

    fn missing(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let siblings: Vec<String> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .take(MAX_FILES)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        let near = nearest(&name, siblings.iter().map(String::as_str));
        let help = near.map(|near| format!("did you mean `{}`?", path.with_file_name(near).display()));
        self.problem(format!("`{}` does not exist", path.display()), help);
    }

    fn directory(&mut self, root: &Path) {
        let mut files = Vec::new();
        if let Err(why) = collect(root, 0, &mut files) {
            self.problem(why, None);
            return;
        }
        let (scenarios, problems) = (self.result.scenarios.len(), self.result.diagnostics.len());
        for path in files {
            let id = id_of(path.strip_prefix(root).unwrap_or(&path));
            self.file(&path, &id, Found::Searched);
        }
        if self.result.scenarios.len() == scenarios && self.result.diagnostics.len() == problems {
            let help = "scenario files end in `.yaml` or `.yml` and have a key `scenario`".to_owned();
            self.problem(format!("no scenario in `{}`", root.display()), Some(help));
        }
    }

    fn file(&mut self, path: &Path, id: &str, found: Found) {
        let Some(root) = self.read(path) else { return };
        let is_fragment = root.get("fragment").is_some() && root.get("scenario").is_none();
        if is_fragment && found == Found::Named {
            let mut reader = Reader::new(&self.result.files, &mut self.result.diagnostics);
            let problem = reader
                .at(root.span, "a fragment, which cannot run by itself", "needs `scenario`")
                .help("run a scenario that includes it");
            reader.note(problem);
        }
        if is_fragment {
            return;
        }
        let mut included = Included::default();
        let earlier = self.result.diagnostics.len();
        let mut chain = vec![plain(path)];
        self.includes(path, &root, &mut chain, &mut BTreeSet::new(), &mut included);
        let LoadResult { files, scenarios, diagnostics } = &mut self.result;
        let before = diagnostics.len();
        let checked = check::scenarios(files, diagnostics, &root, &included, id);
        if diagnostics.len() == before {
            scenarios.extend(checked);
        }
        // In the order of the text: the check goes by meaning.
        diagnostics[earlier..].sort_by(|a, b| position(a).cmp(&position(b)));
    }

    /// Reads a file's tree; `None` when that was an error, which is noted.
    fn read(&mut self, path: &Path) -> Option<Node> {
        let name = path.to_string_lossy();
        let text = match self.texts.read(path) {
            Ok(text) => text,
            Err(why) => {
                self.problem(format!("`{name}` cannot be read: {why}"), None);
                return None;
            }
        };
        let file = self.result.files.add(&name, &text);
        match yaml::read(&self.result.files, file) {
            Ok(node) => Some(node),
            Err(error) => {
                let mut reader = Reader::new(&self.result.files, &mut self.result.diagnostics);
                reader.error(error.span, error.message)
            }
        }
    }

    /// Takes over what the `include` of `node` names, depth first, each fragment once.
    fn includes(
        &mut self,
        path: &Path,
        node: &Node,
        chain: &mut Vec<PathBuf>,
        done: &mut BTreeSet<PathBuf>,
        included: &mut Included,
    ) {
        let Some(list) = node.get("include") else { return };
        let names = match &list.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![list],
        };
        for name in names {
            let mut reader = Reader::new(&self.result.files, &mut self.result.diagnostics);
            let Some(text) = reader.text(name) else { continue };
            let target = plain(&path.parent().unwrap_or(Path::new("")).join(&text));
            if chain.contains(&target) {
                reader.error::<()>(name.span, format!("`{}` includes itself", shorten(&text)));
                continue;
            }
            if chain.len() > MAX_INCLUDE_DEPTH {
                reader.error::<()>(name.span, format!("the limit of {MAX_INCLUDE_DEPTH} nested includes"));
                continue;
            }
            if done.contains(&target) {
                continue;
            }
            if let Err(why) = self.texts.read(&target) {
                let message = format!("`{}` cannot be included: {why}", shorten(&text));
                reader.error::<()>(name.span, message);
                continue;
            }
            let Some(fragment) = self.read(&target) else { continue };
            chain.push(target.clone());
            self.includes(&target, &fragment, chain, done, included);
            chain.pop();
            done.insert(target);
            self.fragment(&fragment, included);
        }
    }

    fn fragment(&mut self, node: &Node, included: &mut Included) {
        let mut reader = Reader::new(&self.result.files, &mut self.result.diagnostics);
        let Some(fields) = reader.fields::<document::Fragment>(node, "a fragment") else { return };
        reader.required(&fields, "fragment", Reader::text);
        if let Some(vars) = reader.optional(&fields, "vars", |reader, node| reader.map(node, "variables")) {
            // A later fragment's variable replaces an earlier one's.
            included.vars.retain(|old| vars.entries.iter().all(|new| new.key != old.key));
            included.vars.extend(vars.entries.iter().cloned());
        }
        if let Some(steps) = fields.get("steps")
            && let Some(steps) = reader.list(steps, check::MAX_STEPS, |_, step| Some(step.clone()))
        {
            included.steps.extend(steps);
        }
    }
}

fn position(diagnostic: &Diagnostic) -> Option<(&str, usize)> {
    diagnostic.place.as_ref().map(|place| (&*place.file, place.start))
}

/// A path without `.` and without `folder/..`, so that equal files have equal paths.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The scenario files below a folder, sorted.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if depth > MAX_FOLDER_DEPTH {
        return Err(format!("`{}` lies deeper than the limit of {MAX_FOLDER_DEPTH}", folder.display()));
    }
    let cannot = |error: std::io::Error| format!("`{}` cannot be read: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        paths.push(entry.map_err(cannot)?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "invalid") {
                collect(&path, depth + 1, files)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(format!("`{}` holds more than the limit of {MAX_FILES} files", folder.display()));
        }
    }
    Ok(())
}
