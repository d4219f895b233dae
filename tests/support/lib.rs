//! Receivers and fronts shared by the tests and benches of this workspace.

mod certificate;
mod peer;

pub use certificate::{Authority, KeyKind, Leaf, Validity};
pub use peer::{Peer, read_request, server_config};
