//! The handlers of what is told of the pull side.

use axum::extract::State;

use super::answer::{Answer, Done, Made, Told};
use super::extract::{Body, Id, Query, RfpPath};
use super::handlers::Control;
use super::query::{NoQuery, PullsQuery, RfpsQuery};
use crate::service::ServiceError;
use crate::service::model::{Page, PullView};
use crate::world::{PullFaultSpec, PullFaultView, RfpDetail, RfpSummary};

type Shared = State<Control>;
type NoMore = Query<NoQuery>;

pub(super) async fn rfps(
    State(control): Shared,
    Query(query): Query<RfpsQuery>,
) -> Answer<Told<Page<RfpSummary>>> {
    Ok(Told(control.simulator.rfps(&query.page()?)))
}

pub(super) async fn rfp(State(control): Shared, RfpPath(rfp): RfpPath, _: NoMore) -> Answer<Told<RfpDetail>> {
    Ok(Told(control.simulator.rfp(rfp)?))
}

pub(super) async fn pulls(
    State(control): Shared,
    Query(query): Query<PullsQuery>,
) -> Answer<Told<Page<PullView>>> {
    let (filter, page) = query.filter_and_page()?;
    Ok(Told(control.simulator.pulls(filter, &page)))
}

pub(super) async fn plan_pull_fault(
    State(control): Shared,
    _: NoMore,
    Body(spec): Body<PullFaultSpec>,
) -> Answer<Made<PullFaultView>> {
    Ok(Made { body: control.simulator.plan_pull_fault(spec).await?, location: None })
}

pub(super) async fn pull_faults(State(control): Shared, _: NoMore) -> Answer<Told<Vec<PullFaultView>>> {
    Ok(Told(control.simulator.planned_pull_faults().await?))
}

pub(super) async fn clear_pull_faults(State(control): Shared, _: NoMore) -> Answer<Done> {
    control.simulator.clear_pull_fault(None).await?;
    Ok(Done)
}

pub(super) async fn clear_pull_fault(State(control): Shared, Id(id): Id, _: NoMore) -> Answer<Done> {
    // An id beyond 32 bits was never given.
    let id = u32::try_from(id).map_err(|_| ServiceError::NotFound { what: "pull fault", id })?;
    control.simulator.clear_pull_fault(Some(id)).await?;
    Ok(Done)
}
