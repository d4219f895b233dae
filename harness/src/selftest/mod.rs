//! Embedded receivers for `pns selftest`, each called a specimen: some have exactly one bug, which a check must catch;
//! the others are correct in an unusual way, and nothing may turn red on them.
//!
//! A specimen is a [`Plan`]: the stages through which a request goes, from TLS to the answer. The plan's default is
//! correct, and a bug replaces one stage. HTTP/1.1 is written by hand here, because a finished server cannot be wrong
//! in the ways that matter. Nothing in here judges anything: the checks do.
//!
//! Everything is bounded, all state belongs to one server, and no task outlives its [`Running`].

mod bugs;
mod connection;
mod framing;
mod head;
mod http2;
mod message;
mod plan;
mod server;
mod service;
mod state;
#[cfg(test)]
mod tests;
pub mod trials;
mod unusual;
mod wire;
mod write;

use std::fmt;

pub use server::Running;

use plan::Plan;

/// A receiver to try the checks on.
#[derive(Clone, Copy)]
pub struct Specimen {
    /// Kebab-case and unique, as `unknown-field-500`.
    pub name: &'static str,
    /// What is to be shown by it.
    pub kind: Kind,
    /// Without which settings of the run nothing is to be seen.
    pub needs: &'static [Need],
    change: fn(&mut Plan),
}

/// What is to be shown by a specimen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It has one bug.
    Bug {
        /// The properties, by id, that fail on it. Others may.
        caught_by: &'static [&'static str],
        /// Which framework or mistake does this.
        story: &'static str,
    },
    /// It is correct, and no property may fail on it.
    Unusual {
        /// Who does this, and why it is correct.
        story: &'static str,
    },
}

/// A setting of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// An API key.
    Key,
    /// A probe.
    Probe,
    /// A pull API.
    Pull,
}

impl Specimen {
    const fn bug(
        name: &'static str,
        caught_by: &'static [&'static str],
        story: &'static str,
        change: fn(&mut Plan),
    ) -> Self {
        Self { name, kind: Kind::Bug { caught_by, story }, needs: &[], change }
    }

    const fn unusual(name: &'static str, story: &'static str, change: fn(&mut Plan)) -> Self {
        Self { name, kind: Kind::Unusual { story }, needs: &[], change }
    }

    const fn needing(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        (self.change)(&mut plan);
        plan
    }
}

impl fmt::Debug for Specimen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Specimen").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The specimens with a bug, by stage.
pub fn bugs() -> impl Iterator<Item = &'static Specimen> {
    bugs::ALL.iter().copied().flatten()
}

/// The correct ones.
pub fn unusual() -> impl Iterator<Item = &'static Specimen> {
    unusual::ALL.iter()
}

/// All specimens.
pub fn all() -> impl Iterator<Item = &'static Specimen> {
    bugs().chain(unusual())
}

/// The specimen of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Specimen> {
    all().find(|specimen| specimen.name == name)
}
