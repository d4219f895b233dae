//! Parts of a whole, exactly: `2%`, `99.9%`.

use std::fmt;
use std::str::FromStr;

/// A share from nothing to all, in hundred-millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u64);

/// A text that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is a percentage from `0%` to `100%`, with up to six decimals")]
pub struct ShareError;

impl Share {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// What [`Share::parts`] counts: so many make the whole.
    pub const WHOLE: u64 = 100_000_000;
    /// A percent.
    const PERCENT: u64 = Self::WHOLE / 100;

    /// So many per cent; at most 100.
    #[must_use]
    pub const fn percent(count: u64) -> Self {
        Self(if count > 100 { Self::WHOLE } else { count * Self::PERCENT })
    }

    /// Of the whole, so many hundred-millionths; at most the whole.
    #[must_use]
    pub fn from_parts(parts: u64) -> Self {
        Self(parts.min(Self::WHOLE))
    }

    /// How many hundred-millionths.
    #[must_use]
    pub const fn parts(self) -> u64 {
        self.0
    }

    /// Whether `part` of `whole` is at least this share. Of nothing, every share is reached.
    #[must_use]
    pub fn reached_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(Self::WHOLE) >= u128::from(whole) * u128::from(self.0)
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let number = text.trim().strip_suffix('%').ok_or(ShareError)?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 6 {
            return Err(ShareError);
        }
        let whole: u64 = whole.parse().map_err(|_| ShareError)?;
        let decimals: u64 = format!("{decimals:0<6}").parse().map_err(|_| ShareError)?;
        let parts = whole.checked_mul(Self::PERCENT).and_then(|parts| parts.checked_add(decimals));
        parts.filter(|parts| *parts <= Self::WHOLE).map(Self).ok_or(ShareError)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / Self::PERCENT, self.0 % Self::PERCENT);
        let text = format!("{whole}.{decimals:06}");
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_written_exactly() {
        let parts = |text: &str| text.parse::<Share>().map(Share::parts);
        assert_eq!(parts("2%"), Ok(2_000_000));
        assert_eq!(parts("99.9%"), Ok(99_900_000));
        assert_eq!(parts("0.000001 %"), Ok(1));
        assert_eq!(parts("100%"), Ok(Share::WHOLE));
        for wrong in ["", "%", "2", "100.1%", "-1%", "1.%", ".5%", "1.2345678%", "1e1%", "+1%"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
        for text in ["2%", "99.9%", "0%", "100%", "0.000001%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_share_is_reached_or_it_is_not() {
        let share: Share = "99.9%".parse().unwrap();
        assert!(share.reached_by(999, 1_000));
        assert!(!share.reached_by(998, 1_000));
        assert!(share.reached_by(0, 0));
    }
}
