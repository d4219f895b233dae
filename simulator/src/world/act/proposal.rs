//! The dates that a proposal offers, and the documented causes for which they are refused.
//!
//! Cvent names the causes and `holdExpirationDate`; the names of the other members are this project's choice
//! (*unknown*): the file `Response-Post/proposalBasicDetails.json` is for Cvent's customers. The public copies of the list
//! of causes are cut off at its end: there may be more of them.

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::world::refusal::Refusal;

/// Options that one proposal may offer.
const OPTIONS_MAX: usize = 100;
/// Causes that are told at once.
const CAUSES_MAX: usize = 20;
/// Days that an event lasts at most. *Documented.*
const DAYS_MAX: i32 = 90;

/// The member that holds the options.
const OPTIONS: &str = "proposedDates";

/// What an RFP says about dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::world) struct Terms {
    pub(in crate::world) supplier_dates_allowed: bool,
    pub(in crate::world) availability_required: bool,
    pub(in crate::world) flexible: bool,
    /// The planner's, with the preferred one first.
    pub(in crate::world) dates: Vec<(Date, Date)>,
}

/// The dates that a proposal offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::world) struct Options(Vec<Offer>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Offer {
    range: String,
    availability: Option<String>,
    start: Option<Date>,
    end: Option<Date>,
    holding: Option<bool>,
    hold_expires: Option<Date>,
}

impl Options {
    /// Reads the options of a body; none are none.
    ///
    /// # Errors
    /// What is not of the right kind.
    pub(in crate::world) fn read(details: &Map<String, Value>) -> Result<Self, Refusal> {
        let list = match details.get(OPTIONS) {
            None | Some(Value::Null) => return Ok(Self(Vec::new())),
            Some(Value::Array(list)) if list.len() <= OPTIONS_MAX => list,
            Some(_) => {
                let why = format!("{OPTIONS} must be an array of at most {OPTIONS_MAX} options");
                return Err(Refusal::Unprocessable(vec![why]));
            }
        };
        let mut wrong = Vec::new();
        let offers = list.iter().enumerate().map(|(place, value)| Offer::read(place, value, &mut wrong));
        let offers: Vec<Offer> = offers.collect();
        wrong.truncate(CAUSES_MAX);
        if wrong.is_empty() { Ok(Self(offers)) } else { Err(Refusal::Unprocessable(wrong)) }
    }

    /// The options as they were given, if any were.
    pub(in crate::world) fn given(details: &Map<String, Value>) -> Option<&Value> {
        details.get(OPTIONS).filter(|options| !options.is_null())
    }

    /// The documented causes for which they are refused. Without options nothing is checked: a change of other
    /// details need not repeat the dates (*inferred*).
    pub(in crate::world) fn causes(&self, terms: &Terms, today: Date) -> Vec<String> {
        let mut causes = Vec::new();
        if self.0.is_empty() {
            return causes;
        }
        if !terms.supplier_dates_allowed && self.0.iter().any(Offer::is_the_suppliers) {
            causes.push(
                "supplier suggested dates are present in the proposal but not allowed in the RFP".to_owned(),
            );
        }
        let offered = |range: &(Date, Date)| {
            self.0.iter().any(|offer| (offer.start, offer.end) == (Some(range.0), Some(range.1)))
        };
        if terms.availability_required && !terms.dates.iter().all(offered) {
            causes.push("availability is required for all dates in the RFP, but the proposed options do not contain all of them".to_owned());
        }
        for (place, offer) in self.0.iter().enumerate() {
            let told = |cause: &str| format!("{OPTIONS}[{place}]: {cause}");
            causes.extend(offer.causes(terms, today).into_iter().map(told));
        }
        causes.truncate(CAUSES_MAX);
        causes
    }
}

impl Offer {
    fn read(place: usize, value: &Value, wrong: &mut Vec<String>) -> Self {
        if !value.is_object() {
            wrong.push(format!("{OPTIONS}[{place}] must be an object"));
        }
        let mut member = |name: &str, kind: &str, fits: fn(&Value) -> bool| {
            let found = value.get(name).filter(|value| !value.is_null());
            if found.is_some_and(|found| !fits(found)) {
                wrong.push(format!("{OPTIONS}[{place}].{name} must be {kind}"));
            }
            found.cloned()
        };
        let is_date = |value: &Value| date(value).is_some();
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        Self {
            range: text(member("dateRangeType", "a text", Value::is_string)).unwrap_or_default(),
            availability: text(member("availability", "a text", Value::is_string)),
            start: member("startDate", "a date", is_date).as_ref().and_then(date),
            end: member("endDate", "a date", is_date).as_ref().and_then(date),
            holding: member("holdingSpace", "true or false", Value::is_boolean).and_then(|v| v.as_bool()),
            hold_expires: member("holdExpirationDate", "a date", is_date).as_ref().and_then(date),
        }
    }

    fn is_the_suppliers(&self) -> bool {
        self.range == "SUPPLIER_SUGGESTED"
    }

    fn is_the_planners(&self) -> bool {
        matches!(self.range.as_str(), "PLANNER_PREFERRED" | "PLANNER_SUGGESTED")
    }

    fn causes(&self, terms: &Terms, today: Date) -> Vec<&'static str> {
        let mut causes = Vec::new();
        let mut when = |broken: bool, cause| {
            if broken {
                causes.push(cause);
            }
        };
        let availability = self.availability.as_deref().unwrap_or("NONE");
        when(availability == "NONE", "availability is null or NONE");
        when(self.start.is_none(), "the start date is null");
        when(self.end.is_none(), "the end date is null");
        if let (Some(start), Some(end)) = (self.start, self.end) {
            when(end < start, "the end date is before the start date");
            let days = start.until(end).map_or(i32::MAX, |span| span.get_days());
            when(days > DAYS_MAX, "the event lasts longer than 90 days");
        }
        when(self.end.is_some_and(|end| end < today), "the end date is in the past");
        when(self.start.is_some_and(|start| start < today), "the start date is in the past");
        if availability == "NOT_AVAILABLE" && self.is_the_planners() {
            when(!terms.availability_required, "not available, although the RFP requires no availability");
            let only = terms.dates.len() == 1 && !terms.flexible;
            when(only, "not available, although the RFP has only one date, which is not flexible");
        }
        if availability == "AVAILABLE_FIRST_OPTION" {
            when(self.holding.is_none(), "first option without holdingSpace");
        }
        if self.holding == Some(true) {
            when(self.hold_expires.is_none(), "holdingSpace without holdExpirationDate");
            let late = self.hold_expires.zip(self.start).is_some_and(|(expires, start)| expires >= start);
            when(late, "holdExpirationDate is the start date, or after it");
        }
        causes
    }
}

/// A date as `2026-05-11`; a time of day after it is not looked at.
fn date(value: &Value) -> Option<Date> {
    let text = value.as_str()?;
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    day.parse().ok()
}
