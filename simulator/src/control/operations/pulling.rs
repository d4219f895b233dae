//! What is told of the pull side, and its faults.

use http::Method;

use super::{Operation, delete, get, post};
use crate::control::pulling as handlers;
use crate::control::query::{PullsQuery, RfpsQuery};
use crate::service::model::{Page, PullView};
use crate::world::{PullFaultSpec, PullFaultView, RfpDetail, RfpSummary};

pub(super) fn pulling() -> Vec<Operation> {
    const FAULTS: &str = "/api/v1/pull-faults";
    vec![
        get(
            "/api/v1/rfps",
            "list_rfps",
            "The RFPs that notifications were about, newest first",
            handlers::rfps,
        )
        .query::<RfpsQuery>()
        .tells::<Page<RfpSummary>>("A page of RFPs"),
        get(
            "/api/v1/rfps/{rfp}",
            "read_rfp",
            "An RFP with its suppliers, their responses, and what happened",
            handlers::rfp,
        )
        .tells::<RfpDetail>("The RFP")
        .may_miss(),
        get(
            "/api/v1/pulls",
            "list_pulls",
            "What the pull API was asked since the start: the latest of it",
            handlers::pulls,
        )
        .query::<PullsQuery>()
        .tells::<Page<PullView>>("A page of pulls"),
        post(FAULTS, "plan_pull_fault", "Plan failures of the pull API", handlers::plan_pull_fault)
            .body::<PullFaultSpec>()
            .makes::<PullFaultView>("The fault")
            .leads_to("/id", &["clear_pull_fault"])
            .may_conflict(),
        get(FAULTS, "list_pull_faults", "The pull API's faults that are not used up", handlers::pull_faults)
            .tells::<Vec<PullFaultView>>("The faults, by id"),
        Operation::new(
            Method::DELETE,
            FAULTS,
            "clear_pull_faults",
            "Forget all faults of the pull API",
            handlers::clear_pull_faults,
        )
        .does("There are none"),
        delete(
            "/api/v1/pull-faults/{id}",
            "clear_pull_fault",
            "Forget a fault of the pull API",
            handlers::clear_pull_fault,
        )
        .does("It is forgotten"),
    ]
}
