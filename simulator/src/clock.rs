//! The sole reader of the machine's clock.
