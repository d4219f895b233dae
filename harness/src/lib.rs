//! Runs scenarios against any receiver of PNS notifications and judges it.

pub mod check;
pub mod clause;
pub mod cli;
pub mod curl;
pub mod event;
pub mod exit;
pub mod redact;
pub mod report;
pub mod runner;
pub mod settings;
