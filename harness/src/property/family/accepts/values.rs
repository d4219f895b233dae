//! Ids and times.

use jiff::tz::Offset;
use pns_simulator::clock;
use serde_json::{Map, Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{accepted, generated, in_order, laid_over, plain};
use crate::clause::Clause;
use crate::event::Strength;

/// Ids and times.
pub(super) const ALL: &[Property] = &[
    IDS_UPPER_CASE,
    IDS_ANY_VERSION,
    TIMESTAMP_LEAP_DAY,
    TIMESTAMP_WITHOUT_FRACTION,
    TIMESTAMP_NANOSECONDS,
    TIMESTAMP_OFFSET,
];

/// The ids of a plain notification that name something else than the notification: where, and what they are called.
fn ids(setting: &Setting) -> Vec<(&'static str, String)> {
    let roles = setting.pack.roles();
    let body = plain(setting).and_then(|event_type| setting.body(event_type, 0)).map(Value::Object);
    let is_there =
        |place: &String| body.as_ref().and_then(|body| body.pointer(place)).is_some_and(Value::is_string);
    [("RFP", &roles.rfp_id), ("supplier", &roles.supplier_id)]
        .into_iter()
        .filter_map(|(name, place)| Some((name, place.clone().filter(is_there)?)))
        .collect()
}

const IDS_UPPER_CASE: Property = Property {
    id: "accepts/ids-upper-case",
    title: "ids in capital letters are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["ids"],
    needs: &[],
    does: "Sends notifications whose RFP id, or supplier id, is written with A to F instead of a to f, and one in which \
           the letters are mixed.",
    why: "In which case Cvent writes its ids is not documented, and the letters of a UUID may be of either case or mixed \
          (RFC 9562, section 4); SQL Server and .NET print capitals in places. A pattern with a to f alone refuses them.",
    mend: "Parse ids with the platform's UUID type, or match without regard to case, and compare them as UUIDs or in one \
           case.",
    cases: Cases::Fixed(|setting| {
        let Some(event_type) = plain(setting) else { return Vec::new() };
        let Some(body) = generated(setting, event_type, 1).map(Value::Object) else { return Vec::new() };
        let respelt = |place: &String, spell: fn(&str) -> String| {
            let text = json!(spell(body.pointer(place)?.as_str()?));
            setting.allows(event_type, place, &text).then(|| json!({ place: text }))
        };
        let mut cases = Vec::new();
        for (name, place) in ids(setting) {
            let spellings = [("in capitals", str::to_uppercase as fn(&str) -> String), ("mixed", mixed)];
            for (how, spell) in spellings {
                let label = format!("{name} id {how}");
                cases.extend(
                    respelt(&place, spell).map(|with| laid_over(label, event_type, with, accepted())),
                );
            }
        }
        cases
    }),
};

/// Every other letter as a capital.
fn mixed(id: &str) -> String {
    let spelt = |(index, c): (usize, char)| if index % 2 == 0 { c.to_ascii_uppercase() } else { c };
    id.chars().enumerate().map(spelt).collect()
}

/// A UUID of each version that RFC 9562 defines and this project's packs do not write.
const VERSIONS: [(&str, &str); 5] = [
    ("version 1", "6fa459ea-ee8a-11ee-a506-0242ac120002"),
    ("version 3", "6fa459ea-ee8a-3ca4-894e-db77e160355e"),
    ("version 5", "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
    ("version 7", "018f5e2a-7c3b-7d4e-9a51-3b2c1d0e9f8a"),
    ("version 8", "320c3d4d-cc00-875b-8ec9-32d5f69181c0"),
];

const IDS_ANY_VERSION: Property = Property {
    id: "accepts/ids-any-version",
    title: "UUIDs of any version are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["ids"],
    needs: &[],
    does: "Sends notifications whose RFP id and supplier id are UUIDs of version 1, 3, 5, 7 or 8.",
    why: "Which version Cvent's ids have is not documented, and RFC 9562 defines eight. Patterns copied from a page on \
          UUIDs have a 4 in the third group, or end at version 5; a sender that moves to version 7, as databases do now, \
          is refused from that day on.",
    mend: "Take any UUID: the version tells how it was made, which is no business of whoever receives it. Widen \
           `[1-5]` in the pattern to `[0-9a-f]`, and update validators from before 2024.",
    cases: Cases::Fixed(|setting| {
        let Some(event_type) = plain(setting) else { return Vec::new() };
        let places: Vec<String> = ids(setting).into_iter().map(|(_, place)| place).collect();
        let case = |(label, id): (&str, &str)| {
            let is_allowed = |place: &&String| setting.allows(event_type, place, &json!(id));
            let with: Map<String, Value> =
                places.iter().filter(is_allowed).map(|place| (place.clone(), json!(id))).collect();
            (!with.is_empty()).then(|| laid_over(label, event_type, Value::Object(with), accepted()))
        };
        VERSIONS.into_iter().filter_map(case).collect()
    }),
};

/// A plain notification at other times than the present, where the pack has its time as RFC 3339 writes it.
fn timed(setting: &Setting, times: &[(&str, String)], answer: fn() -> Value) -> Vec<Case> {
    let sample = json!("2026-01-02T03:04:05.678Z");
    let place = setting.pack.roles().published_at.clone();
    let (Some(event_type), Some(place)) = (plain(setting), place) else { return Vec::new() };
    if !setting.allows(event_type, &place, &sample) {
        return Vec::new();
    }
    let case =
        |(label, time): &(&str, String)| laid_over(*label, event_type, json!({ &place: time }), answer());
    times.iter().map(case).collect()
}

/// Two seconds ago, so that it lies in nobody's future, cut to milliseconds.
fn just_now() -> jiff::Timestamp {
    let milliseconds = clock::real_now().as_nanos() / 1_000_000;
    let milliseconds = i64::try_from(milliseconds).unwrap_or(0).saturating_sub(2_000);
    jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Why the format of the time is tried at all.
const FORMAT_UNKNOWN: &str = "How Cvent writes the time of a notification, and whether it does, is not documented. \
     RFC 3339 allows any number of digits for the fraction of a second, none at all, and offsets beside Z; senders drop \
     a fraction that is zero, and change the rest with a new version of a library. A format string that fits today's \
     examples fails then.";

const PARSE_RFC_3339: &str = "Parse times with what reads all of RFC 3339: Instant or OffsetDateTime in Java, \
     DateTimeOffset.Parse in .NET, time.RFC3339 in Go (it takes fractions), datetime.fromisoformat from Python 3.11 on, \
     new DateTimeImmutable in PHP; or keep the text, and work without it when it cannot be read.";

const TIMESTAMP_WITHOUT_FRACTION: Property = Property {
    id: "accepts/timestamp-without-fraction",
    title: "a time without a fraction of a second is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["dates"],
    needs: &[],
    does: "Sends a notification whose time has whole seconds only, as in `2026-05-08T15:05:03Z`.",
    why: FORMAT_UNKNOWN,
    mend: PARSE_RFC_3339,
    cases: Cases::Fixed(|setting| {
        let whole = just_now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        timed(setting, &[("", whole)], accepted)
    }),
};

const TIMESTAMP_NANOSECONDS: Property = Property {
    id: "accepts/timestamp-nanoseconds",
    title: "a time with more or fewer digits than three is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["dates"],
    needs: &[],
    does: "Sends notifications whose time has one, six, seven or nine digits of a second.",
    why: FORMAT_UNKNOWN,
    mend: PARSE_RFC_3339,
    cases: Cases::Fixed(|setting| {
        let second = just_now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let fractions = [("one digit", "5"), ("six digits", "123456"), ("seven digits", "1234567")];
        let fractions = fractions.into_iter().chain([("nine digits", "123456789")]);
        let times: Vec<(&str, String)> =
            fractions.map(|(label, digits)| (label, format!("{second}.{digits}Z"))).collect();
        timed(setting, &times, accepted)
    }),
};

const TIMESTAMP_OFFSET: Property = Property {
    id: "accepts/timestamp-offset",
    title: "a time with an offset instead of Z is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["dates"],
    needs: &[],
    does: "Sends notifications whose time ends with `+00:00`, `-05:00` and `+05:30`.",
    why: FORMAT_UNKNOWN,
    mend: PARSE_RFC_3339,
    cases: Cases::Fixed(|setting| {
        let now = just_now();
        let at = |minutes: i32| {
            let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
            now.display_with_offset(offset).to_string()
        };
        let times = [("+00:00", at(0)), ("-05:00", at(-300)), ("+05:30", at(330))];
        timed(setting, &times, accepted)
    }),
};

const TIMESTAMP_LEAP_DAY: Property = Property {
    id: "accepts/timestamp-leap-day",
    title: "a time on a leap day makes no error",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["dates"],
    needs: &[],
    does: "Sends notifications of 29 February 2024, at noon and in the last millisecond of the day. A refusal by a 4xx is \
           in order, since they are old; an internal error is not.",
    why: "29 February is a day (RFC 3339, section 5.7), and every leap year some receivers are down on it: dates put \
          together from parts, `replace(year=…)`, tables with 28 days.",
    mend: "Add years and months with the platform's date library, which knows what to do with 29 February; never by \
           changing a number in a date.",
    cases: Cases::Fixed(|setting| {
        let times = [("noon", "12:00:00.000"), ("the last millisecond", "23:59:59.999")];
        let times = times.map(|(label, time)| (label, format!("2024-02-29T{time}Z")));
        timed(setting, &times, in_order)
    }),
};

#[cfg(test)]
mod tests {
    use super::super::super::super::setting::tests::everything;
    use super::*;
    use pns_engine::EventType;

    #[test]
    fn odd_times_are_the_present_all_the_same() {
        for property in [TIMESTAMP_WITHOUT_FRACTION, TIMESTAMP_NANOSECONDS, TIMESTAMP_OFFSET] {
            let Cases::Fixed(cases) = property.cases else { panic!("{property:?}") };
            for case in cases(&everything()) {
                let text = case.text(&property);
                let time = text.split("eventTimestamp\": \"").nth(1).and_then(|rest| rest.split('"').next());
                let time: jiff::Timestamp = time.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
                let age = just_now().as_second() - time.as_second();
                assert!((-2..=60).contains(&age), "{text}");
            }
        }
    }

    #[test]
    fn ids_are_those_of_the_rfp_and_the_supplier() {
        let setting = everything();
        let found: Vec<_> = ids(&setting).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, ["RFP", "supplier"]);
        assert_eq!(setting.first_of(&[EventType::RfpSend]), plain(&setting));
    }
}
