//! Runs scenarios against any receiver of PNS notifications and judges it.

pub mod clause;
pub mod event;
pub mod exit;
pub mod redact;
pub mod report;
pub mod settings;
