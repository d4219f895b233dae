//! The address of a receiver.

/// Where notifications are sent: scheme, host, port and path, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {}
