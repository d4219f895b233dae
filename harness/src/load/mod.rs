//! `pns load`: how fast a receiver may be fed.
//!
//! The open model: when each notification is due is fixed before the run, and latency counts from the moment it was
//! due, so that a receiver that stalls cannot slow the clock by which it is measured. What was sent late, and what
//! could not be sent, is counted and told.
//!
//! [`LoadSettings`] is what a run is asked to do.
//!
//! [`run()`] carries it out, and shows [`Snapshot`]s on the way: `round` has the threads that send and `pace` the one
//! that keeps the due times, `client` writes and reads HTTP, `null` is the receiver that does nothing, `drain` what is
//! special to the release of held notifications.
//!
//! The core is pure, and holds all that is decided; the edges (sockets, pacing, terminal) hold none of it:
//!
//! - [`shape`]: when arrival `n` is due, in exact integers. [`segment`]: whose it is, on several machines.
//! - [`mix`]: what arrival `n` is. A body is a function of its number, so nothing is stored to send one twice.
//! - [`record`]: what came of it, in histograms: memory does not grow with the run.
//! - [`search`]: which rate to try next, until the highest that holds is known. [`trend`]: whether a receiver falls
//!   behind, read from latencies over time.
//! - [`verdict`]: whether thresholds held, and whether a difference from a baseline is more than noise.
//! - [`document`]: all of that as JSON, to be read back, compared and merged.

mod bodies;
mod client;
pub mod document;
mod drain;
pub mod mix;
mod null;
mod pace;
pub mod rate;
pub mod record;
pub mod report;
mod round;
pub mod run;
pub mod search;
pub mod segment;
pub mod settings;
pub mod shape;
pub mod share;
pub mod snapshot;
mod spacing;
pub mod trend;
pub mod verdict;

pub use mix::{Arrival, Mix, Plan};
pub use rate::Rate;
pub use record::{Class, Recorder, Sample};
pub use run::{LoadError, run};
pub use search::Search;
pub use segment::Segment;
pub use settings::LoadSettings;
pub use shape::{Schedule, Shape};
pub use share::Share;
pub use snapshot::Snapshot;
