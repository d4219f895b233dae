//! The journal from outside: what is written is there after a stop, and what cannot be used is told apart.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod crash;
mod keep;
mod migrate;
mod read;
mod refuse;
mod retention;
mod support;
