//! The OpenAPI 3.1 document, made from the table of operations and from the model's own schemas.

use std::sync::LazyLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::extract::IdempotencyKey;
use super::operations::{Answers, Content, OPEN_PATHS, Operation, SchemaOf, operations};
use super::problem::ProblemBody;
use crate::service::model::RecordView;
use crate::world::RfpId;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let text = serde_json::to_string_pretty(&document()).expect("a JSON value becomes text");
    format!("{text}\n")
});

/// The document as it is served, and as it stands in `docs/openapi.json`.
#[must_use]
pub fn document_text() -> &'static str {
    &DOCUMENT
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    schemas.of_answer(SchemaGenerator::subschema_for::<RecordView>);
    let problem = schemas.of_answer(SchemaGenerator::subschema_for::<ProblemBody>);
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = schemas.operation(&operation, &problem);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "pns control API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Makes a simulator of Cvent's push notifications publish, fail, pause and replay.",
            "description": "Ids are integers, instants RFC 3339, spans and rates texts with units. Wrong requests are \
                answered by problems (RFC 9457) that name the field.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" }
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed where the service was started with a token."
                }
            }
        }
    })
}

/// Schemas of what is read and of what is written: a field with a default may be left out only of the first.
struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = "/components/schemas".into())
            .with(|settings| settings.meta_schema = None);
        Self {
            requests: settings.clone().for_deserialize().into_generator(),
            answers: settings.for_serialize().into_generator(),
        }
    }

    fn of_request(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.requests).to_value()
    }

    fn of_answer(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.answers).to_value()
    }

    fn operation(&mut self, operation: &Operation, problem: &Value) -> Value {
        let mut described = json!({
            "operationId": operation.id,
            "tags": [operation.tag],
            "summary": operation.summary,
            "parameters": self.parameters(operation),
            "responses": self.responses(operation, problem),
        });
        if OPEN_PATHS.contains(&operation.path) {
            described["security"] = json!([{}]);
        }
        if let Some(body) = operation.body {
            let schema = self.of_request(body);
            described["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        described
    }

    fn parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let mut parameters = Vec::new();
        if operation.path.contains("{id}") {
            let schema = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
            parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": schema }));
        }
        if operation.path.contains("{rfp}") {
            let schema = self.of_request(SchemaGenerator::subschema_for::<RfpId>);
            parameters.push(json!({ "name": "rfp", "in": "path", "required": true, "schema": schema }));
        }
        if let Some(query) = operation.query {
            let mut query = self.of_request(query);
            tidy(&mut query);
            parameters.extend(query_parameters(&query));
        }
        if operation.idempotent {
            parameters.push(json!({
                "name": IdempotencyKey::HEADER,
                "in": "header",
                "required": false,
                "description": "Makes a repetition harmless: the same key with the same request gets the first answer again, for 24 h.",
                "schema": { "type": "string", "pattern": format!("^[!-~]{{1,{}}}$", IdempotencyKey::CHARS_MAX) }
            }));
        }
        parameters
    }

    fn responses(&mut self, operation: &Operation, problem: &Value) -> Value {
        let mut responses = Map::new();
        let mut statuses = operation.problems.clone();
        statuses.sort_unstable();
        for Answers { status, says, content } in &operation.answers {
            let mut response = json!({ "description": says });
            match content {
                Content::Nothing => {}
                Content::Json(schema) => {
                    response["content"] =
                        json!({ "application/json": { "schema": self.of_answer(*schema) } });
                }
                Content::Text(kind) => {
                    response["content"] = json!({ *kind: { "schema": { "type": "string" } } });
                }
            }
            if *status == 201 && !operation.leads_to.is_empty() {
                response["links"] = links(operation);
            }
            responses.insert(status.to_string(), response);
        }
        for status in statuses {
            let content = json!({ "schema": problem });
            let name = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            let response = responses
                .entry(status.to_string())
                .or_insert_with(|| json!({ "description": name.unwrap_or_default() }));
            response["content"]["application/problem+json"] = content;
        }
        Value::Object(responses)
    }

    /// All definitions. One that is both read and written has one form, or two names.
    fn finish(mut self) -> Map<String, Value> {
        let mut all = self.requests.take_definitions(true);
        for (name, schema) in self.answers.take_definitions(true) {
            if let Some(other) = all.get(&name) {
                assert_eq!(*other, schema, "`{name}` is read and written in two forms");
            }
            all.insert(name, schema);
        }
        all.sort_keys();
        all.values_mut().for_each(tidy);
        all
    }
}

/// Which operations take an id of this answer.
fn links(operation: &Operation) -> Value {
    let link = |(to, place): &(&str, &str)| {
        let id = format!("$response.body#{place}");
        ((*to).to_owned(), json!({ "operationId": to, "parameters": { "id": id } }))
    };
    operation.leads_to.iter().map(link).collect::<Map<_, _>>().into()
}

/// A query's fields, one parameter each. A field that may be left out is described as `null` or a value, and no query
/// holds `null`.
fn query_parameters(schema: &Value) -> Vec<Value> {
    let Some(Value::Object(properties)) = schema.get("properties") else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|members| members.remove("description"));
        let mut parameter =
            json!({ "name": name, "in": "query", "required": false, "schema": without_null(schema) });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    };
    properties.iter().map(parameter).collect()
}

fn without_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
        any.retain(|kind| kind["type"] != "null");
        if let [only] = &any[..] {
            return only.clone();
        }
    }
    schema
}

/// Says what the formats of integers mean, and leaves out defaults that say nothing.
fn tidy(schema: &mut Value) {
    let largest: Option<u64> = match schema.get("format").and_then(Value::as_str) {
        Some("uint64") => Some(u64::MAX),
        Some("uint32") => Some(u32::MAX.into()),
        Some("uint16") => Some(u16::MAX.into()),
        _ => None,
    };
    match schema {
        Value::Object(members) => {
            if members.get("default").is_some_and(Value::is_null) {
                members.remove("default");
            }
            if let Some(largest) = largest {
                members.entry("maximum").or_insert(largest.into());
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
