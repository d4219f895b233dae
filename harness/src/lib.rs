//! Runs scenarios against any receiver of PNS notifications and judges it.

<<<<<<< HEAD
pub mod clause;
pub mod event;
pub mod exit;
pub mod redact;
pub mod report;
pub mod settings;
=======
pub mod receiver;
>>>>>>> receiver
