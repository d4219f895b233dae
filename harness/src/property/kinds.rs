//! What a property is made of.

use std::fmt;
use std::str::FromStr;

use proptest::strategy::BoxedStrategy;

use super::case::Case;
use super::setting::Setting;
use crate::clause::Clause;
use crate::event::Strength;

/// What a receiver should do, and how that is tried.
#[derive(Clone, Copy)]
pub struct Property {
    /// `family/name`, stable: what `pns explain` and `--except` take.
    pub id: &'static str,
    /// What should hold, in one line: "a chunked request is accepted".
    pub title: &'static str,
    /// The statement of Cvent's page on which it rests, or comes nearest to it.
    pub clause: Clause,
    /// How binding it is.
    pub strength: Strength,
    /// Labels to select by, beside the family.
    pub tags: &'static [&'static str],
    /// What must be there to try it.
    pub needs: &'static [Need],
    /// What is done, in a sentence or two.
    pub does: &'static str,
    /// Why it matters: what goes wrong in production otherwise, and which document demands it.
    pub why: &'static str,
    /// How a receiver is mended.
    pub mend: &'static str,
    /// What is tried.
    pub cases: Cases,
}

impl Property {
    /// The family, the first part of the id.
    ///
    /// # Panics
    /// When the id names no family: a test of the registry holds it to one.
    #[must_use]
    pub fn family(&self) -> Family {
        let name = self.id.split('/').next().unwrap_or_default();
        name.parse().expect("the id of a property begins with its family")
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Property({})", self.id)
    }
}

/// Where the cases of a property come from.
#[derive(Clone, Copy, Debug)]
pub enum Cases {
    /// These, all of them. None: the schema pack has nothing to try it with.
    Fixed(fn(&Setting) -> Vec<Case>),
    /// Drawn from a strategy, as many as `--max-examples` says; a case that fails is shrunk. `None`: the schema pack
    /// has nothing to try it with.
    Drawn(fn(&Setting) -> Option<BoxedStrategy<Case>>),
}

/// What a property cannot be tried without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A key: `--api-key`.
    ApiKey,
    /// No key: without `--api-key`.
    NoApiKey,
    /// A receiver that was seen to refuse a request without the key.
    KeyIsChecked,
    /// A way to ask what the receiver did: `--probe` or `--probe-command`.
    Probe,
    /// A probe that tells the event type: `--probe-type`.
    ProbeType,
    /// An `https://` target.
    Https,
    /// A receiver that offers HTTP/2.
    Http2,
    /// A target named by a host name, not by an address.
    HostName,
    /// A schema pack that says where the event id stands.
    EventId,
    /// A pull API beside the run: `--pull-listen`.
    Pull,
}

/// A family of properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Valid notifications are acknowledged.
    Accepts,
    /// The key is checked, and nothing else is asked for.
    Auth,
    /// What is no notification is answered promptly and does no harm.
    Rejects,
    /// Duplicates, order, age, bursts: what a sender does that never gives up.
    Delivery,
    /// HTTP as RFC 9110 and RFC 9112 have it.
    Http,
    /// TLS.
    Tls,
    /// What the receiver did with what it acknowledged.
    Effects,
    /// What the receiver pulls after a notification.
    Pulls,
}

impl Family {
    /// All, in the order in which they are tried: what harms a receiver comes after what does not.
    pub const ALL: [Self; 8] = [
        Self::Accepts,
        Self::Auth,
        Self::Rejects,
        Self::Delivery,
        Self::Http,
        Self::Tls,
        Self::Effects,
        Self::Pulls,
    ];

    /// As in ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepts => "accepts",
            Self::Auth => "auth",
            Self::Rejects => "rejects",
            Self::Delivery => "delivery",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Effects => "effects",
            Self::Pulls => "pulls",
        }
    }

    /// What it is about, in one line.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Accepts => "valid notifications are acknowledged, whatever they hold",
            Self::Auth => "the agreed key is accepted, however it is spelt, and others are not",
            Self::Rejects => "what is no notification is answered promptly and does no harm",
            Self::Delivery => "duplicates, any order, old notifications and bursts are acknowledged",
            Self::Http => "requests are read, and answers written, as HTTP has it",
            Self::Tls => "connections are protected, and nothing about them is fragile",
            Self::Effects => "every notification acknowledged takes effect, once",
            Self::Pulls => {
                "what a notification is about is pulled, after its acknowledgement and with patience"
            }
        }
    }
}

impl FromStr for Family {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|family| family.name() == text).ok_or(())
    }
}
