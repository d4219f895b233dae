//! The body of a turn-down: `Response-Post/turndown.json`. Fields and validations are *documented*.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::refusal::Refusal;

/// Values of `responseReason`.
const RESPONSE_REASONS: [&str; 13] = [
    "TOO_SPACE_INTENSIVE",
    "ROOMS_TO_SPACE_RATIO",
    "LOW_BUDGET",
    "NO_FOOD_AND_BEVERAGE",
    "MEETING_SPACE_UNAVAILABLE",
    "DATES_OR_PATTERN",
    "SLEEPING_ROOMS_UNAVAILABLE",
    "COMPETITOR_CONTRACT_AGREEMENT",
    "RENOVATIONS",
    "OTHER",
    "REQUESTED_ROOM_RATE_TOO_LOW",
    "FOOD_AND_BEVERAGE_TOO_LOW",
    "VENUE_TOO_SMALL",
];
/// Values of `additionalReason`.
const ADDITIONAL_REASONS: [&str; 2] = ["VENUE_PERMANENTLY_CLOSED", "VENUE_TEMPORARILY_CLOSED"];
/// Characters of a comment.
const COMMENT_MAX: usize = 4_000;
/// The longest address of mail, by RFC 5321.
const EMAIL_MAX: usize = 254;

/// Why an RFP is turned down. At least one of the reasons is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnDown {
    /// What about the request does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_reason: Option<String>,
    /// What about the venue does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_reason: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
}

impl TurnDown {
    /// Reads a body. Fields that are not known are ignored.
    pub(super) fn read(body: &Value) -> Result<Self, Refusal> {
        if !body.is_object() {
            return Err(Refusal::unprocessable("the body must be a JSON object"));
        }
        let mut wrong = Vec::new();
        let mut text = |name: &str| match body.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                wrong.push(format!("{name} must be a text"));
                None
            }
        };
        let read = Self {
            response_reason: text("responseReason"),
            additional_reason: text("additionalReason"),
            comment: text("comment"),
            email_address: text("emailAddress"),
        };
        if wrong.is_empty() {
            read.check(&mut wrong);
        }
        if wrong.is_empty() { Ok(read) } else { Err(Refusal::Unprocessable(wrong)) }
    }

    fn check(&self, wrong: &mut Vec<String>) {
        if self.response_reason.is_none() && self.additional_reason.is_none() {
            wrong.push("responseReason and additionalReason cannot both be null".to_owned());
        }
        if self.response_reason.as_deref().is_some_and(|reason| !RESPONSE_REASONS.contains(&reason)) {
            wrong.push(format!("responseReason must be one of {}", RESPONSE_REASONS.join(", ")));
        }
        if self.additional_reason.as_deref().is_some_and(|reason| !ADDITIONAL_REASONS.contains(&reason)) {
            wrong.push(format!("additionalReason must be one of {}", ADDITIONAL_REASONS.join(", ")));
        }
        let comment = self.comment.as_deref().unwrap_or_default();
        if self.response_reason.as_deref() == Some("OTHER") && comment.trim().is_empty() {
            wrong.push("comment must be given if responseReason is OTHER".to_owned());
        }
        if comment.chars().nth(COMMENT_MAX).is_some() {
            wrong.push(format!("comment is longer than {COMMENT_MAX} characters"));
        }
        if self.email_address.as_deref().is_some_and(|address| !looks_like_mail(address)) {
            wrong.push("emailAddress must be a valid address".to_owned());
        }
    }

    /// What the notification gives as its reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        let reason = self.response_reason.as_deref().or(self.additional_reason.as_deref());
        reason.unwrap_or_default()
    }
}

/// Cvent does not say what a valid format is: one `@` between a name and a host with a dot, without spaces.
fn looks_like_mail(address: &str) -> bool {
    let Some((name, host)) = address.split_once('@') else { return false };
    let plain = |text: &str| {
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')
    };
    let labels = host.split('.').collect::<Vec<_>>();
    address.len() <= EMAIL_MAX
        && plain(name)
        && plain(host)
        && labels.len() > 1
        && labels.iter().all(|label| !label.is_empty())
}
