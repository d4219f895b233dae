//! PNS time, and the sole reader of the machine's clock.
//!
//! PNS time is what the sender lives by: when attempts fall due, when windows open. It moves in one of three
//! [`Gear`]s. Real time is what the machine's clock says; waiting for a receiver is always real time.
#![expect(clippy::disallowed_methods, reason = "this is the edge at which the machine's clock is read")]

use std::fmt;
use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime};

use pns_engine::Timestamp;

/// The last instant that PNS time comes to and that anybody may name: the end of the year 2261. Journals keep
/// nanoseconds in 64 bits with a sign, which end some months later: room for what began before.
pub const LAST: Timestamp = Timestamp::from_nanos(9_214_646_400_000_000_000 - 1);

/// The instant `span` after `from`; `None`: after [`LAST`].
#[must_use]
pub fn later(from: Timestamp, span: Duration) -> Option<Timestamp> {
    Some(from + span).filter(|instant| *instant <= LAST)
}

/// How PNS time moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gear {
    /// It stands still while anything happens, and jumps to the next due moment when nothing is in flight:
    /// three days of retries cost only their requests. Only a wait that ended an attempt (a timeout) costs
    /// PNS time, namely its length, so that equal seeds give equal records whatever the receiver's speed.
    Virtual,
    /// So many times as fast as real time: [`Gear::FACTOR_MAX`] at most, where it is read from a text.
    Scaled(NonZeroU32),
    /// As real time.
    Real,
}

impl Gear {
    /// The greatest factor: a day in less than a tenth of a second.
    pub const FACTOR_MAX: u32 = 1_000_000;
}

/// A text that names no gear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `virtual`, `real`, or a factor such as `60x`, at most `1000000x`")]
pub struct UnknownGear;

impl std::str::FromStr for Gear {
    type Err = UnknownGear;

    fn from_str(text: &str) -> Result<Self, UnknownGear> {
        match text {
            "virtual" => Ok(Self::Virtual),
            "real" | "1x" => Ok(Self::Real),
            _ => {
                let factor = text.strip_suffix('x').and_then(|factor| factor.parse::<NonZeroU32>().ok());
                let factor = factor.filter(|factor| factor.get() <= Self::FACTOR_MAX);
                factor.map(Self::Scaled).ok_or(UnknownGear)
            }
        }
    }
}

impl fmt::Display for Gear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Virtual => f.write_str("virtual"),
            Self::Scaled(factor) => write!(f, "{factor}x"),
            Self::Real => f.write_str("real"),
        }
    }
}

/// Tells PNS time in one gear.
#[derive(Clone, Debug)]
pub struct Clock {
    gear: Gear,
    stamps: Stamps,
    /// PNS time when the clock started and, in the virtual gear, wherever it has jumped to since.
    position: Timestamp,
    started: Instant,
}

/// Which time bodies carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamps {
    /// The age is right and no stamp lies in the receiver's future, although PNS time runs ahead.
    AgeBeforeRealNow,
    /// PNS time itself, counted from a pinned epoch: for golden files.
    PnsTime,
}

impl Clock {
    /// Starts a clock at the present, or at `epoch`, which also pins the times in bodies.
    #[must_use]
    pub fn start(gear: Gear, epoch: Option<Timestamp>) -> Self {
        Self {
            gear,
            stamps: if epoch.is_some() { Stamps::PnsTime } else { Stamps::AgeBeforeRealNow },
            position: epoch.unwrap_or_else(real_now),
            started: Instant::now(),
        }
    }

    /// Goes on with PNS time at `position`, which bodies need not carry: as after a restart.
    #[must_use]
    pub fn resume(gear: Gear, position: Timestamp) -> Self {
        Self { gear, stamps: Stamps::AgeBeforeRealNow, position, started: Instant::now() }
    }

    /// Changes how time moves; it goes on from where it is.
    pub fn set_gear(&mut self, gear: Gear) {
        self.position = self.now();
        self.started = Instant::now();
        self.gear = gear;
    }

    /// How time moves.
    #[must_use]
    pub fn gear(&self) -> Gear {
        self.gear
    }

    /// The present PNS time. What moves by itself stands still at [`LAST`].
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = match self.gear {
            Gear::Virtual => return self.position,
            Gear::Scaled(factor) => self.started.elapsed().saturating_mul(factor.get()),
            Gear::Real => self.started.elapsed(),
        };
        (self.position + passed).min(self.end())
    }

    /// Where time that moves by itself stands still: it does not go back where it was moved further.
    fn end(&self) -> Timestamp {
        LAST.max(self.position)
    }

    /// Moves virtual time forward to `instant`; does nothing in the other gears, or backward.
    pub fn jump_to(&mut self, instant: Timestamp) {
        if self.gear == Gear::Virtual {
            self.position = self.position.max(instant);
        }
    }

    /// Waits in real time until PNS time is `instant`: for ever, where it does not come so far. Returns at once in
    /// the virtual gear, which jumps.
    pub async fn wait_until(&self, instant: Timestamp) {
        if self.gear != Gear::Virtual && instant > self.end() {
            return std::future::pending().await;
        }
        let span = instant.since(self.now());
        match self.gear {
            Gear::Virtual => {}
            Gear::Scaled(factor) => tokio::time::sleep(span / factor.get()).await,
            Gear::Real => tokio::time::sleep(span).await,
        }
    }

    /// The time that a body carries when it is first attempted now and was published at `published`.
    #[must_use]
    pub fn stamp(&self, published: Timestamp) -> Timestamp {
        match self.stamps {
            Stamps::PnsTime => published,
            Stamps::AgeBeforeRealNow => {
                let age = self.now().since(published);
                let age = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
                Timestamp::from_nanos(real_now().as_nanos().saturating_sub(age))
            }
        }
    }
}

/// The machine's time of day.
#[must_use]
pub fn real_now() -> Timestamp {
    // A clock set before 1970 gives the epoch itself: wrong, but not a panic.
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH + since_epoch
}

/// Measures real time spent, for timings and budgets.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts counting.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Real time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits for a span of real time, where nothing can be awaited instead: between two polls of a receiver.
pub async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    #[test]
    fn gears_are_read_and_written_alike() {
        for text in ["virtual", "real", "60x", "1000000x"] {
            assert_eq!(text.parse::<Gear>().unwrap().to_string(), text);
        }
        assert_eq!("1x".parse(), Ok(Gear::Real));
        for text in ["", "x", "0x", "-3x", "fast", "60", "1000001x", "4294967295x"] {
            assert_eq!(text.parse::<Gear>(), Err(UnknownGear), "{text}");
        }
    }

    #[test]
    fn virtual_time_moves_by_jumps_and_never_back() {
        let mut clock = Clock::start(Gear::Virtual, Some(EPOCH));
        assert_eq!(clock.now(), EPOCH);
        clock.jump_to(EPOCH + Duration::from_secs(60));
        clock.jump_to(EPOCH);
        assert_eq!(clock.now(), EPOCH + Duration::from_secs(60));
    }

    #[test]
    fn time_goes_on_from_where_it_is_in_another_gear() {
        let mut clock = Clock::resume(Gear::Virtual, EPOCH);
        clock.jump_to(EPOCH + Duration::from_secs(60));
        clock.set_gear(Gear::Real);
        let now = clock.now();
        assert!(now >= EPOCH + Duration::from_secs(60) && now < EPOCH + Duration::from_secs(120), "{now:?}");
        clock.set_gear(Gear::Virtual);
        assert!(clock.now() >= now);
    }

    #[tokio::test]
    async fn time_stands_still_at_its_end() {
        assert_eq!(crate::service::model::Instant(LAST).to_string(), "2261-12-31T23:59:59.999Z");
        assert!(i64::try_from(LAST.as_nanos()).is_ok());
        assert_eq!(later(EPOCH, Duration::from_secs(1)), Some(EPOCH + Duration::from_secs(1)));
        assert_eq!(later(LAST, Duration::ZERO), Some(LAST));
        assert_eq!(later(LAST, Duration::from_nanos(1)), None);
        for gear in [Gear::Real, "1000000x".parse().unwrap()] {
            let clock = Clock::resume(gear, LAST);
            clock.wait_until(LAST).await;
            assert_eq!(clock.now(), LAST);
            let wait = clock.wait_until(LAST + Duration::from_nanos(1));
            assert!(is_pending(wait), "never");
            assert_eq!(Clock::resume(gear, Timestamp::MAX).now(), Timestamp::MAX, "never back");
        }
    }

    /// Whether `future` has nothing to give yet.
    fn is_pending(future: impl Future<Output = ()>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::pin!(future).poll(&mut context).is_pending()
    }

    #[test]
    fn a_stamp_has_the_right_age_and_is_never_in_the_future() {
        let mut clock = Clock::start(Gear::Virtual, None);
        let published = clock.now();
        clock.jump_to(published + Duration::from_secs(7_200));
        let stamp = clock.stamp(published);
        let age = real_now().since(stamp);
        assert!(age >= Duration::from_secs(7_200) && age < Duration::from_secs(7_260), "{age:?}");
    }

    #[test]
    fn a_pinned_epoch_pins_the_stamps() {
        let mut clock = Clock::start(Gear::Virtual, Some(EPOCH));
        clock.jump_to(EPOCH + Duration::from_secs(7_200));
        assert_eq!(clock.stamp(EPOCH), EPOCH);
    }
}
