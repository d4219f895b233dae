//! The manifest of a pack: which file describes the body, and where in the body the roles are.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::error::PackError;
use super::files::{Documents, Located};

/// The name of the manifest in a pack.
pub(super) const FILE: &str = "manifest.json";

/// What a manifest looks like, for error texts.
pub(super) const EXAMPLE: &str = r#"{
  "name": "our-pack",
  "schema": "PNS/publicRfpEvent.json",
  "roles": {
    "eventType": "/eventType",
    "eventId": "/eventId",
    "publishedAt": "/eventTimestamp",
    "rfpId": "/rfpId",
    "supplierId": "/supplierId"
  }
}"#;

/// The file `manifest.json` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) name: String,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default, rename = "description")]
    _description: String,
    /// The file whose root describes a body.
    pub(super) schema: String,
    /// The draft of files without `$schema`: `4`, `6`, `7`, `2019-09` or `2020-12`.
    #[serde(default)]
    pub(super) draft: Option<String>,
    pub(super) roles: Roles,
    #[serde(default)]
    pub(super) marks: Vec<Mark>,
}

/// Where in a body its roles are: JSON pointers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roles {
    /// The event type's wire name.
    pub event_type: String,
    /// What identifies the notification over all its retries.
    #[serde(default)]
    pub event_id: Option<String>,
    /// The instant of publication, as an RFC 3339 text.
    #[serde(default)]
    pub published_at: Option<String>,
    /// The request for proposal.
    #[serde(default)]
    pub rfp_id: Option<String>,
    /// The supplier concerned, a UUID.
    #[serde(default)]
    pub supplier_id: Option<String>,
    /// Why something was cancelled, declined, turned down or withdrawn.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Roles {
    /// Roles by well-known names among a body's top-level fields; `None` without an event type.
    pub(super) fn infer(names: &[String]) -> Option<Self> {
        let find = |known: &[&str]| {
            known.iter().find(|name| names.iter().any(|n| n == *name)).map(|name| format!("/{name}"))
        };
        Some(Self {
            event_type: find(&["eventType", "event_type", "notificationType", "type"])?,
            event_id: find(&["eventId", "event_id", "notificationId", "messageId", "id"]),
            published_at: find(&["eventTimestamp", "timestamp", "eventTime", "publishedAt", "eventDate"]),
            rfp_id: find(&["rfpId", "rfp_id"]),
            supplier_id: find(&["supplierId", "supplier_id"]),
            reason: find(&["reason"]),
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("eventType", Some(&self.event_type)),
            ("eventId", self.event_id.as_ref()),
            ("publishedAt", self.published_at.as_ref()),
            ("rfpId", self.rfp_id.as_ref()),
            ("supplierId", self.supplier_id.as_ref()),
            ("reason", self.reason.as_ref()),
        ]
        .into_iter()
        .filter_map(|(role, pointer)| pointer.map(|pointer| (role, pointer.as_str())))
    }
}

/// How sure a field of a pack is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Mark {
    /// The field, as a JSON pointer into the body.
    pub field: String,
    /// `D` documented by Cvent, `I` inferred, `U` unknown: the field's name.
    pub name: String,
    /// The same for what the field holds.
    pub content: String,
}

impl Manifest {
    /// Reads a manifest.
    pub(super) fn read(text: &str) -> Result<Self, PackError> {
        let fail = |text: String| PackError::File { file: FILE.to_owned(), text };
        let manifest: Self = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
        for (role, pointer) in manifest.roles.iter() {
            if !pointer.starts_with('/') {
                return Err(fail(format!(
                    "role `{role}`: `{pointer}` is no JSON pointer, which starts with `/`"
                )));
            }
        }
        Ok(manifest)
    }

    /// The manifest of a pack that has none: by Cvent's file name and the well-known names of fields.
    pub(super) fn infer(documents: &Documents, name: &str) -> Result<Self, PackError> {
        let known = documents.iter().find(|document| document.path.ends_with("publicRfpEvent.json"));
        let only = || documents.iter().next().filter(|_| documents.iter().count() == 1);
        let Some(document) = known.or_else(only) else {
            let text =
                "none of the schema files is called `publicRfpEvent.json`, so which one describes a body?";
            return Err(PackError::Roles { text: text.to_owned() });
        };
        let root = documents.root(&document.path).expect("a file of the pack");
        let Some(roles) = Roles::infer(&top_level_names(documents, &root)) else {
            let text =
                format!("{}: no field is called `eventType`, so where is the event type?", document.path);
            return Err(PackError::Roles { text });
        };
        Ok(Self {
            name: name.to_owned(),
            title: String::new(),
            _description: String::new(),
            schema: document.path.clone(),
            draft: None,
            roles,
            marks: Vec::new(),
        })
    }
}

/// The names of a body's members in the order of the schema, whichever branch they stand in.
pub(super) fn top_level_names(documents: &Documents, root: &Located<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut pending = vec![root.clone()];
    while let Some(schema) = pending.pop() {
        let Value::Object(members) = schema.schema else { continue };
        if !seen.insert(schema.place.clone()) {
            continue;
        }
        if let Some(Value::Object(properties)) = members.get("properties") {
            names.extend(properties.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        }
        if let Some(Value::String(reference)) = members.get("$ref") {
            pending.extend(documents.resolve(reference, &schema));
        }
        for keyword in ["if", "then", "else"] {
            pending.extend(documents.child(&schema, &[keyword]));
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            pending.extend(documents.children(&schema, keyword).into_iter().rev());
        }
    }
    names
}
