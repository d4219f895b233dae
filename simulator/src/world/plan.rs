//! What an act makes: checks against the state, and the notifications that tell of it.

use pns_engine::Timestamp;
use serde_json::{Map, Value, json};

use super::act::{Act, Options};
use super::refusal::Refusal;
use super::{Viewer, World, content};
use crate::service::model::{NotificationSpec, SupplierText};

impl World {
    /// The notifications that an act makes, if it may be done now.
    ///
    /// # Errors
    /// 404 for an RFP or supplier that is not known, 403 for a supplier that is not the viewer's, 422 for what the
    /// documented validations refuse.
    pub fn plan(&self, act: &Act, viewer: &Viewer, now: Timestamp) -> Result<Vec<NotificationSpec>, Refusal> {
        let (rfp, supplier) = (act.rfp(), act.supplier());
        let stands = self.now(rfp, now)?;
        let Some(response) = stands.responses.get(&supplier) else {
            return Err(Refusal::NotFound(format!("the supplier {supplier} has no part in the RFP {rfp}")));
        };
        self.may_act(viewer, supplier)?;
        let request = self.request(rfp, &stands);
        let spec = |supplier, overrides: Map<String, Value>| NotificationSpec {
            supplier: Some(SupplierText(supplier)),
            rfp: Some(rfp),
            overrides: (!overrides.is_empty()).then_some(overrides),
            ..NotificationSpec::new(act.event_type())
        };
        match act {
            Act::TurnDown { why, .. } => Ok(vec![spec(supplier, self.reason(why.reason()))]),
            Act::ChangeTurnDown { why, .. } if response.is_turned_down() => {
                Ok(vec![spec(supplier, self.reason(why.reason()))])
            }
            // Which status tells this is not documented.
            Act::ChangeTurnDown { .. } => Err(Refusal::unprocessable("the RFP was not turned down")),
            Act::UpdateProposal { details, .. } | Act::CreateProposal { details, .. } => {
                let causes = Options::read(details)?.causes(&request.terms, content::day(now));
                if causes.is_empty() {
                    Ok(vec![spec(supplier, Map::new())])
                } else {
                    Err(Refusal::Unprocessable(causes))
                }
            }
            // Which status tells this is not documented.
            Act::Forward { .. } if !Self::forwardable(&request, &stands) => Err(Refusal::unprocessable(
                "the planner does not allow this RFP to be forwarded (isForwardable)",
            )),
            Act::Forward { forwarder, targets, .. } => {
                let info = json!({
                    "forwarderSupplierId": forwarder.to_string(),
                    "forwarderName": self.place(*forwarder).name,
                });
                let info = Map::from_iter([("forwarderInfo".to_owned(), info)]);
                Ok(targets.iter().map(|target| spec(*target, info.clone())).collect())
            }
        }
    }

    /// The reason where the schema pack has it.
    fn reason(&self, reason: &str) -> Map<String, Value> {
        let place = self.places.reason().unwrap_or("reason").to_owned();
        Map::from_iter([(place, json!(reason))])
    }
}
