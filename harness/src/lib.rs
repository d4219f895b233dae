//! Runs scenarios against any receiver of PNS notifications and judges it.
//!
//! [`scenario`] reads scenario files, [`runner`] plays them against a target and tells what happens as
//! [`event`]s, [`report`] writes those down, [`wire`] makes
//! requests by bytes, [`load`] finds out how fast a receiver may be fed, [`receiver`] is the embedded receiver, [`puller`] is
//! what it pulls with, and [`cli`] is the command line.

mod authority_file;
pub mod check;
pub mod clause;
pub mod cli;
pub mod curl;
pub mod event;
pub mod exit;
pub mod interrupt;
mod json_path;
pub mod ledger;
pub mod load;
pub mod property;
pub mod puller;
pub mod receiver;
pub mod redact;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod selftest;
pub mod settings;
pub mod wire;
