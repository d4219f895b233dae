//! A pack: schema files, roles, and the plans and validators compiled from them.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use pns_engine::{EventType, EventTypeSet, SupplierId, Timestamp};
use serde_json::{Map, Value};

use super::compile::Compiler;
use super::draws::Draws;
use super::error::{GenerateError, PackError};
use super::files::{Documents, Located, SourceFile, draft_by_name, read_folder};
use super::manifest::{self, Manifest, Mark, Roles};
use super::overrides::{Overrides, lay_over};
use super::place::text_at;
use super::plan::{NodeId, Plans};
use super::validate::{Judge, Violation, violations};
use super::write::{EFFORT, Writer};

/// The longest body that is generated or judged: 1 MiB, far beyond any notification.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// How often a body of a user's pack is written again until it validates.
pub(super) const BODY_TRIES: u64 = 64;
/// How many bodies of each type are tried when a pack is loaded.
const PROBES: u64 = 3;

/// What a body is made from. Equal keys make equal bodies, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The run's seed.
    pub seed: u64,
    /// Which body of the run.
    pub sequence: u64,
    /// The instant that the body carries. It changes nothing else in the bodies of the built-in packs.
    pub published: Timestamp,
}

/// Whether a body is validated before it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// The plans are exact: the tests hold them to it.
    Exact,
    /// The schema may say more than its plan promises.
    Checked,
}

/// What a pack holds for one event type.
#[derive(Debug)]
struct Kind {
    wire_name: String,
    plan: NodeId,
    validator: Arc<Validator>,
}

/// A schema pack, compiled.
#[derive(Debug)]
pub struct Pack {
    manifest: Manifest,
    files: Vec<SourceFile>,
    root: String,
    kinds: Vec<Option<Kind>>,
    whole: Arc<Validator>,
    plans: Plans,
    /// The names of the body's members, in the order of the schema.
    order: Vec<String>,
    trust: Trust,
}

macro_rules! embedded {
    ($name:literal) => {
        embedded!($name: "manifest.json", "PNS/publicRfpEvent.json", "PNS/rfpEventType.json", "PNS/venueEventType.json")
    };
    ($name:literal: $($file:literal),*) => {
        [$(SourceFile {
            path: $file.to_owned(),
            text: include_str!(concat!("../../schemas/", $name, "/", $file)).to_owned(),
        }),*]
    };
}

static CVENT_2016_11: LazyLock<Arc<Pack>> =
    LazyLock::new(|| Pack::embedded(embedded!("cvent-2016-11").into()));
static CVENT_2015: LazyLock<Arc<Pack>> = LazyLock::new(|| Pack::embedded(embedded!("cvent-2015").into()));

impl Pack {
    /// The names of the built-in packs; the first is the default.
    pub const BUILTIN: [&str; 2] = ["cvent-2016-11", "cvent-2015"];

    /// The built-in pack `name`, compiled at its first use.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Arc<Self>> {
        match name {
            "cvent-2016-11" => Some(Arc::clone(&CVENT_2016_11)),
            "cvent-2015" => Some(Arc::clone(&CVENT_2015)),
            _ => None,
        }
    }

    fn embedded(files: Vec<SourceFile>) -> Arc<Self> {
        let pack = Self::compile(files, "built-in", Trust::Exact);
        Arc::new(pack.expect("the built-in packs compile: tests hold them to it"))
    }

    /// Loads a user's pack: the `.json` files under `dir`, and `manifest.json` where there is one.
    ///
    /// # Errors
    /// When files cannot be read or are no schemas, roles are missing, or bodies of some event type cannot be
    /// generated. The text names file and JSON pointer.
    pub fn load(dir: &Path) -> Result<Self, PackError> {
        let name =
            dir.file_name().map_or_else(|| "own".to_owned(), |name| name.to_string_lossy().into_owned());
        Self::compile(read_folder(dir)?, &name, Trust::Checked)
    }

    fn compile(files: Vec<SourceFile>, name: &str, trust: Trust) -> Result<Self, PackError> {
        let (manifests, schemas): (Vec<_>, Vec<_>) =
            files.iter().cloned().partition(|f| f.path == manifest::FILE);
        let given = manifests.first().map(|file| Manifest::read(&file.text)).transpose()?;
        let draft = given.as_ref().and_then(|manifest| manifest.draft.as_deref());
        let unknown = |name: &str| PackError::File {
            file: manifest::FILE.to_owned(),
            text: format!("draft `{name}` is none of `4`, `6`, `7`, `2019-09`, `2020-12`"),
        };
        let draft = draft.map(|name| draft_by_name(name).ok_or_else(|| unknown(name))).transpose()?;
        let documents = Documents::parse(&schemas, draft)?;
        let manifest = match given {
            Some(manifest) => manifest,
            None => Manifest::infer(&documents, name)?,
        };
        let root = documents.root(&manifest.schema).ok_or_else(|| PackError::File {
            file: manifest::FILE.to_owned(),
            text: format!("there is no schema file `{}`", manifest.schema),
        })?;
        if trust == Trust::Checked {
            documents.check(&root)?;
        }
        let judge = Judge::new(&documents)?;
        let mut compiler = Compiler::new(&documents, &judge, &manifest.roles);
        let whole = compiler.validator(&root)?;
        let mut kinds = Vec::with_capacity(EventType::ALL.len());
        for event_type in EventType::ALL {
            kinds.push(compiler.kind(&root, event_type, &whole)?);
        }
        let order = manifest::top_level_names(&documents, &root);
        let refusal = compiler.refusal.take();
        let mut plans = compiler.plans;
        plans.measure();
        for kind in &mut kinds {
            *kind = kind.take().filter(|kind| plans.ends(kind.plan));
            if let Some(kind) = kind {
                kind.plan = plans.lower(kind.plan);
            }
        }
        let pack = Self { root: manifest.schema.clone(), manifest, files, kinds, whole, plans, order, trust };
        if pack.event_types().is_empty()
            && let Some(refusal) = refusal
        {
            return Err(refusal);
        }
        pack.probe()?;
        Ok(pack)
    }

    /// Makes a few bodies of each type, so that what cannot be generated is known before the first is sent.
    fn probe(&self) -> Result<(), PackError> {
        if self.event_types().is_empty() {
            let text =
                format!("no body with an event type at `{}` fits this schema", self.roles().event_type);
            return Err(PackError::Schema { file: self.root.clone(), pointer: String::new(), text });
        }
        if self.trust == Trust::Exact {
            return Ok(());
        }
        for event_type in self.event_types().iter() {
            for sequence in 0..PROBES {
                let key = Key { seed: 0, sequence, published: Timestamp::from_millis(1_478_001_600_000) };
                if let Err(GenerateError::NoValidBody { file, pointer, text, .. }) =
                    self.generate(event_type, key, &mut Vec::new())
                {
                    let text = format!("no valid {event_type} was found in {BODY_TRIES} tries: {text}");
                    return Err(PackError::Schema { file, pointer, text });
                }
            }
        }
        Ok(())
    }

    /// The pack's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// One line about the pack; empty where its manifest has none.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.manifest.title
    }

    /// How sure each field is; empty where the manifest does not say.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.manifest.marks
    }

    /// The pack's files: path and text, the manifest among them.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| (file.path.as_str(), file.text.as_str()))
    }

    /// The path of the file that describes a body.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Where in a body its roles are.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        &self.manifest.roles
    }

    /// The event types that the schema has bodies for.
    #[must_use]
    pub fn event_types(&self) -> EventTypeSet {
        EventType::ALL.into_iter().filter(|event_type| self.kinds[event_type.index()].is_some()).collect()
    }

    fn kind(&self, event_type: EventType) -> Result<&Kind, GenerateError> {
        let none = || GenerateError::NoSuchType { pack: self.name().to_owned(), event_type };
        self.kinds[event_type.index()].as_ref().ok_or_else(none)
    }

    /// Appends the body that `key` makes to `out`.
    ///
    /// # Errors
    /// When the pack has no such event type, or (in a user's pack only) no valid body was found. `out` is then
    /// as it was.
    pub fn generate(&self, event_type: EventType, key: Key, out: &mut Vec<u8>) -> Result<(), GenerateError> {
        let kind = self.kind(event_type)?;
        let start = out.len();
        if self.trust == Trust::Exact {
            let draws = Draws::new(key.seed, key.sequence, 0);
            let mut writer =
                Writer { plans: &self.plans, draws, published: key.published, effort: EFFORT, out };
            writer.write(kind.plan, 0).expect("the built-in packs' bodies are small");
            return Ok(());
        }
        let mut failure = None;
        for attempt in 0..BODY_TRIES {
            let mut body = Vec::new();
            let draws = Draws::new(key.seed, key.sequence, attempt);
            let mut writer = Writer {
                plans: &self.plans,
                draws,
                published: key.published,
                effort: EFFORT,
                out: &mut body,
            };
            if writer.write(kind.plan, 0).is_err() {
                continue;
            }
            let Ok(value) = serde_json::from_slice::<Value>(&body) else { continue };
            match kind.validator.validate(&value) {
                Ok(()) => {
                    out.truncate(start);
                    out.extend_from_slice(&body);
                    return Ok(());
                }
                Err(error) => failure = Some(self.failure(event_type, &error.to_owned())),
            }
        }
        Err(failure.unwrap_or_else(|| GenerateError::NoValidBody {
            event_type,
            file: self.root.clone(),
            pointer: String::new(),
            text: "the body grows beyond its bounds".to_owned(),
        }))
    }

    fn failure(&self, event_type: EventType, error: &jsonschema::ValidationError<'_>) -> GenerateError {
        let place = error.absolute_keyword_location().map(|uri| uri.as_str().to_owned());
        let place = place.as_deref().and_then(|uri| uri.strip_prefix("pack:///")?.split_once('#'));
        let (file, pointer) = match place {
            Some((file, pointer)) => (file.to_owned(), pointer.to_owned()),
            None => (self.root.clone(), error.schema_path().as_str().replace("/$ref", "")),
        };
        GenerateError::NoValidBody { event_type, file, pointer, text: error.masked().to_string() }
    }

    /// The body that `key` makes, with `overrides` laid over it, in the schema's order. It may be invalid by
    /// intent: [`Pack::validate`] tells.
    ///
    /// # Errors
    /// As [`Pack::generate`], and when an override does not fit the body's shape.
    pub fn generate_with(
        &self,
        event_type: EventType,
        key: Key,
        overrides: &Overrides,
    ) -> Result<Vec<u8>, GenerateError> {
        let mut bytes = Vec::with_capacity(512);
        self.generate(event_type, key, &mut bytes)?;
        if overrides.is_empty() {
            return Ok(bytes);
        }
        let mut body: Value = serde_json::from_slice(&bytes).expect("a generated body is JSON");
        lay_over(&mut body, overrides)?;
        if let Value::Object(members) = body {
            body = Value::Object(self.ordered(members));
        }
        Ok(serde_json::to_vec(&body).expect("a JSON value is written"))
    }

    fn ordered(&self, mut members: Map<String, Value>) -> Map<String, Value> {
        let mut ordered = Map::new();
        for name in &self.order {
            if let Some(value) = members.shift_remove(name) {
                ordered.insert(name.clone(), value);
            }
        }
        ordered.extend(members);
        ordered
    }

    /// The event type of a body, where the pack says it stands; also in a body that does not validate.
    #[must_use]
    pub fn event_type(&self, body: &[u8]) -> Option<EventType> {
        text_at(body, &self.roles().event_type)?.parse().ok()
    }

    /// What identifies the notification in a body.
    #[must_use]
    pub fn event_id(&self, body: &[u8]) -> Option<String> {
        text_at(body, self.roles().event_id.as_deref()?)
    }

    /// The supplier that a body names; `None` where it names none, or one that is no UUID.
    #[must_use]
    pub fn supplier(&self, body: &[u8]) -> Option<SupplierId> {
        parse_uuid(&text_at(body, self.roles().supplier_id.as_deref()?)?).map(SupplierId)
    }

    /// The RFP that a body names, as it is written there.
    #[must_use]
    pub fn rfp(&self, body: &[u8]) -> Option<String> {
        text_at(body, self.roles().rfp_id.as_deref()?)
    }

    /// Judges a body: its event type, or what is wrong with it.
    ///
    /// # Errors
    /// Everything that does not fit the schema, up to a bound, in plain words.
    pub fn validate(&self, body: &[u8]) -> Result<EventType, Vec<Violation>> {
        let whole = |text: String| vec![Violation { pointer: String::new(), text }];
        if body.len() > MAX_BODY_BYTES {
            return Err(whole(format!("{} bytes are more than {MAX_BODY_BYTES}", body.len())));
        }
        let value: Value =
            serde_json::from_slice(body).map_err(|error| whole(format!("no JSON: {error}")))?;
        let pointer = &self.roles().event_type;
        let named = value.pointer(pointer).and_then(Value::as_str);
        let kinds = || EventType::ALL.into_iter().zip(&self.kinds);
        let found = named.and_then(|named| {
            kinds().find_map(|(event_type, kind)| {
                Some((event_type, kind.as_ref().filter(|k| k.wire_name == named)?))
            })
        });
        let Some((event_type, kind)) = found else {
            let mut wrong = violations(&self.whole, &value, "this event type");
            if wrong.is_empty() {
                let text = format!("`{}` is no event type of this pack", named.unwrap_or("nothing"));
                wrong.push(Violation { pointer: pointer.clone(), text });
            }
            return Err(wrong);
        };
        if kind.validator.is_valid(&value) {
            return Ok(event_type);
        }
        Err(violations(&kind.validator, &value, event_type.wire_name()))
    }
}

impl<'a> Compiler<'a> {
    fn kind(
        &mut self,
        root: &Located<'a>,
        event_type: EventType,
        whole: &Arc<Validator>,
    ) -> Result<Option<Kind>, PackError> {
        for wire_name in spellings(event_type) {
            if let Some(plan) = self.body(root, wire_name)? {
                let validator = self.specialised(root, wire_name)?.unwrap_or_else(|| Arc::clone(whole));
                return Ok(Some(Kind { wire_name: wire_name.to_owned(), plan, validator }));
            }
        }
        Ok(None)
    }
}

/// How a schema may spell an event type: its name; for no. 32 also as Cvent's page prints it (*inferred*).
fn spellings(event_type: EventType) -> impl Iterator<Item = &'static str> {
    let printed: &[&str] = match event_type {
        EventType::ResponseSubmitProposalOutsideCvent => {
            &["RESPONSESUBMIT_PROPOSAL_OUTSIDE_CVENT", "RESPONSESUBMIT_PROPOSAL_OUTSIDE CVENT"]
        }
        _ => &[],
    };
    std::iter::once(event_type.wire_name()).chain(printed.iter().copied())
}

/// The 128 bits of a hyphenated UUID, in either case.
fn parse_uuid(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    let hyphens = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|&at| bytes[at] == b'-');
    let digits: String = text.chars().filter(|character| *character != '-').collect();
    let plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hyphens && plain { u128::from_str_radix(&digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::plan::Node;

    /// What makes validating their bodies before sending needless, and writing them fast.
    #[test]
    fn the_built_in_plans_are_exact_and_without_choices() {
        for name in Pack::BUILTIN {
            let pack = Pack::builtin(name).expect("built in");
            for kind in pack.kinds.iter().flatten() {
                assert!(matches!(pack.plans.nodes[kind.plan], Node::Steps(_)), "{name}: {}", kind.wire_name);
            }
            let checked = pack.plans.nodes.iter().filter(|node| matches!(node, Node::Checked { .. }));
            assert_eq!(checked.count(), 0, "{name}");
        }
    }

    #[test]
    fn a_supplier_is_read_in_either_case_and_only_from_a_uuid() {
        let id = 0x6f1c_9d3e_2b4a_4c5d_8e6f_7a8b_9c0d_1e2f;
        assert_eq!(parse_uuid("6f1c9d3e-2b4a-4c5d-8e6f-7a8b9c0d1e2f"), Some(id));
        assert_eq!(parse_uuid("6F1C9D3E-2B4A-4C5D-8E6F-7A8B9C0D1E2F"), Some(id));
        for other in [
            "",
            "6f1c9d3e2b4a4c5d8e6f7a8b9c0d1e2f",
            "6f1c9d3e-2b4a-4c5d-8e6f-7a8b9c0d1e2é",
            "+".repeat(36).as_str(),
        ] {
            assert_eq!(parse_uuid(other), None, "{other}");
        }
    }
}
