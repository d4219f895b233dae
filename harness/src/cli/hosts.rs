//! Which hosts may be tried: this machine and private networks by themselves, public ones only by name.
//!
//! Property checks send what a receiver may not be prepared for, and load runs more than it may bear. Pointed at the
//! wrong address by a slip, they would send it to somebody who did not ask for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pns_simulator::endpoint::Endpoint;

use super::Failure;
use crate::settings::Connection;

/// Refuses a target at a public address, unless it is among `allowed`; `what` would be sent there.
///
/// # Errors
/// When it is public and not allowed. A name that does not resolve is no error here: connecting will tell.
pub(super) async fn permit(
    connection: &Connection,
    endpoint: &Endpoint,
    allowed: &[String],
    what: &str,
) -> Result<(), Failure> {
    let host = endpoint.host();
    if allowed.iter().any(|one| one.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let Some(public) =
        addresses(connection, endpoint).await.into_iter().find(|address| !is_private(*address))
    else {
        return Ok(());
    };
    let failure = Failure::usage(anyhow::anyhow!(
        "`{host}` is at the public address {public}: {what} are not sent there by themselves"
    ));
    Err(failure.help(format!("if it is yours to try, say so: `--allow-host {host}`")))
}

/// Where a connection to the endpoint would go.
async fn addresses(connection: &Connection, endpoint: &Endpoint) -> Vec<IpAddr> {
    if let Some(address) = endpoint.ip() {
        return vec![address];
    }
    let (host, port) = (endpoint.host(), endpoint.port());
    let pinned = connection.resolve.iter().filter(|one| one.host == host && one.port == port);
    let pinned: Vec<IpAddr> = pinned.map(|one| one.address).collect();
    if !pinned.is_empty() {
        return pinned;
    }
    let found = tokio::net::lookup_host((host, port)).await;
    found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default()
}

/// Whether only this machine, its network or a private one can be meant.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_private_v4(mapped),
            None => is_private_v6(address),
        },
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is shared by the customers of one carrier or cloud (RFC 6598).
    let [first, second, ..] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || (first == 100 && (64..128).contains(&second))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_need_to_be_named() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.0.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860:4860::8888", "::ffff:8.8.8.8"] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }
}
