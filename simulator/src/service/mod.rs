//! The simulator as a service.

pub(crate) mod digest;
pub mod model;
