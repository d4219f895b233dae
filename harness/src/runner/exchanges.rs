//! What the sender promises about its requests, judged from what was sent: the authorization header exactly as
//! configured, and nothing to plain HTTP unless that is permitted. A finding is a defect of `pns`.

use http::HeaderValue;
use http::header::AUTHORIZATION;
use pns_simulator::fault::Injection;
use pns_simulator::transport::Exchange;

use super::world::World;
use crate::settings::PlainHttp;

/// The first request that breaks a promise, in words; `None`: all keep them.
pub(super) fn first_finding(world: &World) -> Option<String> {
    // A header that the user asks for takes the place of ours: then there is nothing to compare with.
    let user_says = world.target.headers.iter().any(|(name, _)| *name == AUTHORIZATION);
    world.ledger.deliveries().find_map(|(id, delivery)| {
        let route = world.driver.route_of(delivery.subscription)?;
        let key = route.api_key.as_ref().map(|key| format!("api_key {}", key.reveal()));
        let skip_key = user_says || world.has_changed_key(delivery.subscription);
        delivery.attempts.iter().find_map(|attempt| {
            let exchange = &attempt.end.as_ref()?.exchange;
            let wrong = if !route.endpoint.is_secure()
                && world.target.connection.plain_http == PlainHttp::Refused
                && exchange.remote.is_some()
            {
                "was sent to plain HTTP"
            } else if !skip_key && !header_fits(exchange, key.as_deref()) {
                "carried another authorization header than configured"
            } else {
                return None;
            };
            Some(format!("attempt {} of delivery {id} {wrong}", attempt.number))
        })
    })
}

fn header_fits(exchange: &Exchange, key: Option<&str>) -> bool {
    let sent = exchange.request_headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let key = key.map(str::as_bytes);
    match &exchange.injection {
        Some(Injection::NoKey) => sent.is_none(),
        Some(Injection::WrongKey) => sent.is_some() == key.is_some() && (key.is_none() || sent != key),
        // An intermediary that adds headers may add this one.
        Some(Injection::ExtraHeaders(_)) => true,
        _ => sent == key,
    }
}
