//! The UUIDs of things in the world. That all of them are UUIDs is *inferred* from Cvent's RFP and venue ids.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use pns_engine::{NotAUuid, SupplierId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::service::model::text;

macro_rules! uuid {
    ($(#[$doc:meta])* $name:ident, $schema_name:literal, expected $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            /// The hyphenated lower-case form.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&SupplierId(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAUuid;

            /// Reads the hyphenated form in either letter case.
            fn from_str(text: &str) -> Result<Self, NotAUuid> {
                text.parse::<SupplierId>().map(|id| Self(id.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text(deserializer, $expected, str::parse)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $schema_name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "format": "uuid",
                    "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
                })
            }
        }
    };
}

uuid!(
    /// A request for proposal.
    RfpId, "Rfp", expected "an RFP's UUID"
);
uuid!(
    /// A venue of the CSN.
    VenueId, "Venue", expected "a venue's UUID"
);
uuid!(
    /// A message between a planner and suppliers.
    MessageId, "Message", expected "a message's UUID"
);
uuid!(
    /// A file attached to a response.
    AttachmentId, "Attachment", expected "an attachment's UUID"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written_in_either_letter_case() {
        let text = "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
        let id: RfpId = serde_json::from_value(text.to_uppercase().into()).unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_value(id).unwrap(), text);
        assert!(serde_json::from_value::<RfpId>("0b8f9a30".into()).is_err());
    }
}
