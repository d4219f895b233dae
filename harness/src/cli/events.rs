//! Event types as arguments.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use pns_engine::EventType;

use super::did_you_mean;

/// What stands for all 33 of them.
const ALL: &str = "all";

/// The event types that one argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Events(Vec<EventType>);

impl Events {
    /// Those of several arguments, in their order.
    pub(super) fn flatten(arguments: &[Self]) -> Vec<EventType> {
        arguments.iter().flat_map(|argument| argument.0.iter().copied()).collect()
    }
}

/// Reads a wire name, as `RFP_SEND`, or `all`. Shells complete them; help does not list all 33.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventParser;

impl TypedValueParser for EventParser {
    type Value = Events;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Events, clap::Error> {
        events.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = EventType::ALL.into_iter().map(EventType::wire_name);
        Some(Box::new(names.chain([ALL]).map(PossibleValue::new)))
    }
}

fn events(text: &str) -> Result<Events, String> {
    if text == ALL {
        return Ok(Events(EventType::ALL.to_vec()));
    }
    text.parse().map(|one| Events(vec![one])).map_err(|error: pns_engine::UnknownEventType| {
        let likely = text.to_uppercase().replace(['-', ' '], "_");
        match did_you_mean(&likely, EventType::ALL.into_iter().map(EventType::wire_name)) {
            Some(likely) => format!("{error}; did you mean `{likely}`?"),
            None => format!("{error}; `pns schema list` tells them"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_aliases_and_all_are_read() {
        assert_eq!(events("RFP_SEND"), Ok(Events(vec![EventType::RfpSend])));
        let printed = events("RESPONSESUBMIT_PROPOSAL_OUTSIDE CVENT");
        assert_eq!(printed, Ok(Events(vec![EventType::ResponseSubmitProposalOutsideCvent])));
        assert_eq!(events("all").unwrap().0.len(), 33);
    }

    #[test]
    fn a_likely_one_is_proposed() {
        assert!(events("rfp-send").unwrap_err().ends_with("did you mean `RFP_SEND`?"));
        assert!(events("PLANER_CANCEL").unwrap_err().ends_with("did you mean `PLANNER_CANCEL`?"));
        assert!(events("x").unwrap_err().ends_with("`pns schema list` tells them"));
    }
}
