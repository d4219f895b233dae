//! Runs scenarios against any receiver of PNS notifications and judges it.

pub mod scenario;
