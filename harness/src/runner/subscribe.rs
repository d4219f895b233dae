//! A scenario's subscriptions: from the file's settings to the sender's.

use std::sync::Arc;

use pns_engine::{
    AcknowledgementPolicy, Command, RateLimit, Subscription, SubscriptionId, SupplierId, SupplierScope,
};
use pns_simulator::driver::Route;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::secret::ApiKey;

use super::world::World;
use crate::scenario::model::{self, Auth, Change, Template};

/// Starts all subscriptions of a scenario.
///
/// # Errors
/// When a setting cannot be filled in or is refused, in words.
pub(super) fn start(world: &mut World, subscriptions: &[model::Subscription]) -> Result<(), String> {
    for settings in subscriptions {
        let id = world.name_subscription(&settings.name);
        let subscription = Subscription {
            events: settings.events,
            suppliers: suppliers(world, settings.suppliers.as_deref())?,
            supplierless: settings.supplierless,
            backoff: settings.backoff,
            acknowledgement: AcknowledgementPolicy::only(settings.acknowledge.clone()),
            rate_limit: settings.rate_limit,
            concurrency: settings.concurrency,
            failing_delivery: settings.failing_delivery,
            retry_after: settings.retry_after,
            attempt_cap: settings.attempt_cap,
        };
        let route = route(world, settings)?;
        world.driver.route(id, route);
        world.command(Command::AddSubscription { id, subscription: Box::new(subscription.clone()) })?;
        world.subscriptions.insert(id, subscription);
    }
    Ok(())
}

fn route(world: &mut World, settings: &model::Subscription) -> Result<Route, String> {
    let target = Arc::clone(&world.target);
    let mut text = match &settings.endpoint {
        Some(endpoint) => world.fill_text(endpoint)?,
        None => target.endpoint.url(),
    };
    if let Some(path) = &settings.path {
        let path = world.fill_text(path)?;
        text = format!("{}/{}", text.trim_end_matches('/'), path.trim_start_matches('/'));
    }
    let endpoint =
        Endpoint::parse(&text).map_err(|error| format!("the endpoint of a subscription: {error}"))?;
    Ok(Route {
        endpoint: Arc::new(endpoint),
        api_key: key(world, &settings.auth)?,
        headers: Arc::clone(&target.headers),
        connect_timeout: settings.connect_timeout,
        ack_timeout: settings.ack_timeout,
    })
}

fn key(world: &mut World, auth: &Auth) -> Result<Option<ApiKey>, String> {
    match auth {
        Auth::Target => Ok(world.target.api_key.clone()),
        Auth::None => Ok(None),
        Auth::Key(template) => {
            let text = world.fill_text(template)?;
            ApiKey::new(text).map(Some).map_err(|error| error.to_string())
        }
    }
}

fn suppliers(world: &mut World, suppliers: Option<&[Template]>) -> Result<SupplierScope, String> {
    let Some(suppliers) = suppliers else { return Ok(SupplierScope::All) };
    let mut only = std::collections::BTreeSet::new();
    for template in suppliers {
        let text = world.fill_text(template)?;
        let supplier: SupplierId =
            text.parse().map_err(|_| format!("the supplier `{text}` is not a UUID"))?;
        only.insert(supplier);
    }
    Ok(SupplierScope::Only(only))
}

/// Changes the rate limit alone.
///
/// # Errors
/// The sender's refusal, in words.
pub(super) fn set_rate_limit(
    world: &mut World,
    subscription: SubscriptionId,
    rate_limit: Option<RateLimit>,
) -> Result<(), String> {
    world.command(Command::SetRateLimit { subscription, rate_limit })?;
    if let Some(settings) = world.subscriptions.get_mut(&subscription) {
        settings.rate_limit = rate_limit;
    }
    Ok(())
}

/// Changes some settings of a running subscription.
///
/// # Errors
/// When a setting cannot be filled in or is refused, in words.
pub(super) fn change(world: &mut World, name: &str, change: &Change) -> Result<(), String> {
    let id = world.subscription(name);
    let mut settings = world.subscriptions.get(&id).cloned().ok_or("the subscription has not begun")?;
    if let Some(events) = change.events {
        settings.events = events;
    }
    if let Some(scope) = &change.suppliers {
        settings.suppliers = suppliers(world, scope.as_deref())?;
    }
    if let Some(backoff) = change.backoff {
        settings.backoff = backoff;
    }
    if let Some(retry_after) = change.retry_after {
        settings.retry_after = retry_after;
    }
    if let Some(acknowledge) = &change.acknowledge {
        settings.acknowledgement = AcknowledgementPolicy::only(acknowledge.clone());
    }
    if let Some(concurrency) = change.concurrency {
        settings.concurrency = concurrency;
    }
    if let Some(auth) = &change.auth {
        let api_key = key(world, auth)?;
        world.change_key(id, api_key);
    }
    world.command(Command::ChangeSubscription { id, subscription: Box::new(settings.clone()) })?;
    world.subscriptions.insert(id, settings);
    Ok(())
}
