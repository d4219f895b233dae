//! How addresses and headers are described: what `Endpoint` and `http` read is said here once more, for the document.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// An address as `Endpoint` reads it.
pub(super) struct EndpointSchema;

impl JsonSchema for EndpointSchema {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "uri",
            "pattern": "^https?://",
            "maxLength": (crate::endpoint::ENDPOINT_BYTES_MAX),
            "examples": ["https://localhost:8443/pns"]
        })
    }
}

/// Headers by name.
pub(super) struct HeadersSchema;

impl JsonSchema for HeadersSchema {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$" },
            "additionalProperties": { "type": "string", "pattern": "^[ -~]{0,64}$" },
            "maxProperties": 32
        })
    }
}
