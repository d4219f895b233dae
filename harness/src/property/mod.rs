//! Property checks: what any receiver of PNS notifications should do, tried on a real one.
//!
//! A [`Property`] makes [`Case`]s; a case is the text of an ordinary scenario file, played by the ordinary runner.
//! So what is tried, what is saved when it fails, and what `pns run` and `pns replay` repeat are the same text.
//! [`registry`] lists the properties, one file a family; [`draw`] holds the proptest strategies over a schema pack;
//! [`engine`] tries them on a receiver and tells events. Nothing here opens a socket.

mod baseline;
mod case;
pub mod document;
mod draw;
mod engine;
mod family;
mod kinds;
pub mod registry;
mod remember;
mod replay;
mod setting;
mod trial;
mod yaml_text;

pub use case::Case;
pub use engine::{CheckSettings, run};
pub use kinds::{Cases, Family, Need, Property};
pub(crate) use remember::{Remembered, last_failed};
pub use replay::{Replayed, replay};
pub use setting::Setting;
