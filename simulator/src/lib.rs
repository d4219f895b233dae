//! The sending side of Cvent's Push Notification System, over real HTTPS.
//!
//! The policy lives in [`pns_engine`]; this crate is the shell around it: [`schema`] packs write the bodies,
//! [`transport`] makes the requests, [`fault`] plans failures inside the sender, [`clock`] tells PNS time, and
//! the driver connects them, and the [`journal`] keeps what must outlive a crash. [`service`] is all of it, kept going;
//! [`control`] takes its calls over HTTP, and shows them to people. [`world`] tells what the notifications are about, and
//! [`pull`] answers calls for it. Only `clock` reads the machine's clock; only `transport` connects, and only `listener`
//! listens.
#![warn(missing_docs)]

pub mod advice;
pub mod authority;
pub mod axis;
pub mod clock;
pub mod control;
mod dashboard;
pub mod driver;
pub mod endpoint;
pub mod fault;
pub mod journal;
mod listener;
pub mod pull;
pub mod schema;
pub mod secret;
pub mod service;
pub mod transport;
pub mod units;
pub mod world;
