//! An exact share of a run's arrivals, for one of several machines.
//!
//! All machines lay out the same arrivals; segment `i` of `n` takes every `n`-th, beginning with the `i`-th. So the
//! segments add up to the whole, no arrival is taken twice, and each segment has the shape of the whole.

use std::fmt;
use std::num::NonZeroU64;

/// The most segments: more machines than anybody has.
const OF_MAX: u64 = 10_000;

/// One of several equal segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From 0, unlike in the text.
    index: u64,
    of: NonZeroU64,
}

/// A text that names no segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Not of the form.
    #[error("`{0}` is no segment such as `2/5` or `auto/5`, of at most {OF_MAX}")]
    Form(String),
    /// Outside.
    #[error("segment {index} of {of}: the first is 1, the last {of}")]
    Outside {
        /// As written.
        index: u64,
        /// As written.
        of: u64,
    },
    /// `auto`, and nothing says which.
    #[error("`auto` takes the index from JOB_COMPLETION_INDEX, which is not set")]
    NoIndex,
    /// `auto`, and what says which is no number.
    #[error("JOB_COMPLETION_INDEX is `{0}`, which is no index")]
    BadIndex(String),
}

impl Segment {
    /// All arrivals.
    pub const WHOLE: Self = Self { index: 0, of: NonZeroU64::MIN };

    /// From `2/5`, or `auto/5` with the value of `JOB_COMPLETION_INDEX` (from 0, set by an Indexed Job of
    /// Kubernetes).
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub fn parse(text: &str, job_completion_index: Option<&str>) -> Result<Self, SegmentError> {
        let form = || SegmentError::Form(text.to_owned());
        let (index, of) = text.split_once('/').ok_or_else(form)?;
        let of = of.trim().parse::<NonZeroU64>().ok().filter(|of| of.get() <= OF_MAX).ok_or_else(form)?;
        let index = if index.trim() == "auto" {
            let given = job_completion_index.ok_or(SegmentError::NoIndex)?;
            let index = given.trim().parse::<u64>().ok().and_then(|index| index.checked_add(1));
            index.ok_or_else(|| SegmentError::BadIndex(given.to_owned()))?
        } else {
            index.trim().parse().map_err(|_| form())?
        };
        if index == 0 || index > of.get() {
            return Err(SegmentError::Outside { index, of: of.get() });
        }
        Ok(Self { index: index - 1, of })
    }

    /// Which, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.index + 1
    }

    /// Of how many.
    #[must_use]
    pub const fn of(self) -> u64 {
        self.of.get()
    }

    /// Whether arrival `n` of the run is in this segment.
    #[must_use]
    pub fn has(self, n: u64) -> bool {
        n % self.of == self.index
    }

    /// How many of a run's `total` arrivals are in this segment.
    #[must_use]
    pub fn count(self, total: u64) -> u64 {
        total.saturating_sub(self.index).div_ceil(self.of.get())
    }

    /// The number in the run of this segment's arrival `k`, both from 0.
    #[must_use]
    pub const fn nth(self, k: u64) -> u64 {
        k.saturating_mul(self.of.get()).saturating_add(self.index)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number(), self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn segments_add_up_to_the_whole(of in 1_u64..40, total in 0_u64..2_000) {
            let mut taken = vec![0_u32; usize::try_from(total).unwrap()];
            for number in 1..=of {
                let segment = Segment::parse(&format!("{number}/{of}"), None).unwrap();
                let mine: Vec<u64> = (0..segment.count(total)).map(|k| segment.nth(k)).collect();
                for n in &mine {
                    taken[usize::try_from(*n).unwrap()] += 1;
                }
                prop_assert_eq!(mine, (0..total).filter(|n| segment.has(*n)).collect::<Vec<_>>());
            }
            prop_assert!(taken.iter().all(|times| *times == 1), "each arrival once");
        }
    }

    #[test]
    fn a_segment_is_read_as_it_is_shown() {
        let segment = Segment::parse("2/5", None).unwrap();
        assert_eq!((segment.number(), segment.of(), segment.to_string()), (2, 5, "2/5".to_owned()));
        assert_eq!(Segment::parse("auto/5", Some("1")), Ok(segment));
        assert_eq!(Segment::parse("1/1", None), Ok(Segment::WHOLE));
    }

    #[test]
    fn what_is_no_segment_is_refused() {
        assert_eq!(Segment::parse("auto/5", None), Err(SegmentError::NoIndex));
        assert_eq!(Segment::parse("auto/5", Some("x")), Err(SegmentError::BadIndex("x".to_owned())));
        assert_eq!(Segment::parse("auto/5", Some("5")), Err(SegmentError::Outside { index: 6, of: 5 }));
        assert_eq!(Segment::parse("0/5", None), Err(SegmentError::Outside { index: 0, of: 5 }));
        assert_eq!(Segment::parse("6/5", None), Err(SegmentError::Outside { index: 6, of: 5 }));
        for wrong in ["", "2", "2/", "/5", "2/0", "a/5", "2/10001", "-1/5"] {
            assert!(matches!(Segment::parse(wrong, None), Err(SegmentError::Form(_))), "{wrong}");
        }
    }
}
