//! The pull API: what an integration calls after a notification, over HTTPS.
//!
//! [`PullServer::bind`] listens; [`PullServer::serve`] answers for a [`Counterpart`], who owns the world, until it is told to
//! stop. What a call returns or does is the [`world`](crate::world)'s; here is who may call, which path means which call,
//! what goes wrong on purpose, and the access log. Nothing of Cvent's that is not published is a constant: see
//! [`Paths`].
//!
//! Invariants: each request that was understood as HTTP is logged, before its answer leaves; a secret is kept as a digest
//! and shown nowhere; without keys and clients only this machine is answered; every wait and size is bounded
//! ([`PullLimits`]).

mod access;
mod answer;
mod counterpart;
mod entry;
mod gate;
mod paths;
mod pulled;
mod server;
mod settings;
mod tokens;

pub use access::{Access, AccessError, Api, PullClient, PullKey, Secret, UnknownApi};
pub use counterpart::{ActError, Counterpart};
pub use paths::{Mark, PathError, Paths, mark, methods};
pub use server::PullServer;
pub use settings::{PullError, PullLimits, PullSettings, PullTls};
