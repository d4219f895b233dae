//! Distributions of spans: HDR histograms of microseconds, and their exchange format.
//!
//! The format is HdrHistogram's own "V2" encoding without compression, in Base64, which the ports of HdrHistogram to
//! other languages read. It is written and read here, because the crate's own code for it brings three compression
//! libraries along, and because a file from elsewhere is judged before it takes memory.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::{Counter, Histogram};

/// The longest span that is told; a longer one counts as this.
pub const LONGEST: Duration = Duration::from_secs(600);
const HIGHEST_US: u64 = 600_000_000;

const COOKIE: u32 = 0x1c84_9313;
const HEADER: usize = 40;

/// How finely spans are told apart.
pub trait Precision: fmt::Debug + Clone + PartialEq {
    /// What a count is held in.
    type Count: Counter + TryFrom<u64>;
    /// Significant decimal digits.
    const DIGITS: u8;
    /// The exponent of two of half a bucket's cells, which follows from the digits.
    const HALF: u32;
}

/// To three digits: a span is told within 0.1 %. 170 kB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fine;

/// To two digits: a span is told within 1 %. 12 kB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coarse;

impl Precision for Fine {
    type Count = u64;
    const DIGITS: u8 = 3;
    const HALF: u32 = 10;
}

impl Precision for Coarse {
    type Count = u32;
    const DIGITS: u8 = 2;
    const HALF: u32 = 7;
}

/// A distribution of spans.
#[derive(Clone, PartialEq)]
pub struct Latencies<P: Precision> {
    histogram: Histogram<P::Count>,
    precision: PhantomData<P>,
}

/// A text that is no histogram of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a histogram of this kind: {0}")]
pub struct DecodeError(&'static str);

impl<P: Precision> Latencies<P> {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, HIGHEST_US, P::DIGITS).expect("the bounds are sound");
        Self { histogram, precision: PhantomData }
    }

    /// Adds a span. It is rounded up to whole microseconds.
    pub fn record(&mut self, span: Duration) {
        let whole = span.as_secs().saturating_mul(1_000_000);
        let micros = whole.saturating_add(u64::from(span.subsec_nanos().div_ceil(1_000)));
        self.histogram.record(micros.min(HIGHEST_US)).expect("within the bounds");
    }

    /// Adds what another holds.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("both have the same bounds");
    }

    /// How many spans there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Below or at which span the share `quantile` (0.99) lies; `None` of nothing.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        self.some(|histogram| histogram.value_at_quantile(quantile))
    }

    /// The shortest.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        self.some(Histogram::min)
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.some(Histogram::max)
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.some(|histogram| histogram.mean().round() as u64)
    }

    /// All spans that occur and how often, from short to long, as far as they are told apart; each stands for its
    /// cell by the cell's upper end.
    pub fn cells(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        self.histogram
            .iter_recorded()
            .map(|cell| (Duration::from_micros(cell.value_iterated_to()), cell.count_at_value().as_u64()))
    }

    fn some(&self, micros: impl FnOnce(&Histogram<P::Count>) -> u64) -> Option<Duration> {
        (!self.histogram.is_empty()).then(|| Duration::from_micros(micros(&self.histogram)))
    }

    /// HdrHistogram's V2 encoding, in Base64. Of extremes, only the cell survives.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut counts = Vec::new();
        let mut next = 0;
        for cell in self.histogram.iter_recorded() {
            let index = cell_of::<P>(cell.value_iterated_to());
            match index - next {
                0 => {}
                1 => counts.push(0),
                gap => put(&mut counts, -i64::from(gap)),
            }
            put(&mut counts, i64::try_from(cell.count_at_value().as_u64()).unwrap_or(i64::MAX));
            next = index + 1;
        }
        if next == 0 {
            counts.push(0);
        }
        let length = u32::try_from(counts.len()).expect("a few thousand cells");
        let mut bytes = Vec::with_capacity(HEADER + counts.len());
        for word in [COOKIE, length, 0, u32::from(P::DIGITS)] {
            bytes.extend(word.to_be_bytes());
        }
        for word in [1, HIGHEST_US, 1_f64.to_bits()] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(counts);
        STANDARD.encode(bytes)
    }

    /// Reads what [`Latencies::encode`] wrote.
    ///
    /// # Errors
    /// When the text is something else, or has other bounds or digits.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let bytes = STANDARD.decode(text).map_err(|_| DecodeError("no Base64"))?;
        let (header, mut counts) = bytes.split_at_checked(HEADER).ok_or(DecodeError("too short"))?;
        let expected = Self::new().encode();
        let expected = STANDARD.decode(expected).expect("just encoded");
        // All but the length, which is the second word.
        if header[..4] != expected[..4] || header[8..] != expected[8..HEADER] {
            return Err(DecodeError("another format, or other bounds or digits"));
        }
        if header[4..8] != u32::try_from(counts.len()).unwrap_or(u32::MAX).to_be_bytes() {
            return Err(DecodeError("cut off, or too long"));
        }
        let mut latencies = Self::new();
        let mut index = 0_u32;
        let last = cell_of::<P>(HIGHEST_US);
        while !counts.is_empty() {
            let number = take(&mut counts).ok_or(DecodeError("a number is cut off"))?;
            if number < 0 {
                let gap = u32::try_from(number.unsigned_abs()).ok();
                index =
                    gap.and_then(|gap| index.checked_add(gap)).ok_or(DecodeError("beyond the longest"))?;
                continue;
            }
            if index > last {
                return Err(DecodeError("beyond the longest"));
            }
            let count =
                P::Count::try_from(number.unsigned_abs()).map_err(|_| DecodeError("a count too great"))?;
            if number > 0 {
                let value = value_of::<P>(index).min(HIGHEST_US);
                latencies.histogram.record_n(value, count).map_err(|_| DecodeError("beyond the longest"))?;
            }
            index += 1;
        }
        Ok(latencies)
    }
}

impl<P: Precision> Default for Latencies<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Precision> fmt::Debug for Latencies<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99] = [0.5, 0.99].map(|quantile| self.quantile(quantile).unwrap_or_default());
        write!(f, "Latencies({} spans, p50 {p50:?}, p99 {p99:?})", self.count())
    }
}

/// The cell in which a value is counted: buckets of which each has cells twice as wide as the one before.
fn cell_of<P: Precision>(value: u64) -> u32 {
    let mask = (2_u64 << P::HALF) - 1;
    let bucket = 64 - (P::HALF + 1) - (value | mask).leading_zeros();
    let within = u32::try_from(value >> bucket).expect("less than a bucket's cells");
    (bucket << P::HALF) + within
}

/// The least value of a cell.
fn value_of<P: Precision>(cell: u32) -> u64 {
    let half = 1 << P::HALF;
    if cell < 2 * half {
        return u64::from(cell);
    }
    let bucket = (cell >> P::HALF) - 1;
    u64::from(cell % half + half) << bucket
}

/// A zigzag LEB128 number whose ninth byte is whole.
fn put(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned();
    for _ in 0..8 {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
    bytes.push(rest as u8);
}

fn take(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for place in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if place == 8 {
            number |= u64::from(*byte) << 56;
            break;
        }
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of<P: Precision>(cells: &[(u64, u32)]) -> Latencies<P> {
        let mut latencies = Latencies::<P>::new();
        for (micros, count) in cells {
            let Ok(count) = P::Count::try_from(u64::from(*count)) else { unreachable!("it is small") };
            latencies.histogram.record_n((*micros).min(HIGHEST_US), count).unwrap();
        }
        latencies
    }

    /// Made by the serializer of the crate `hdrhistogram` 7.6.0, its feature `serialization`.
    #[test]
    fn the_encoding_is_that_of_hdrhistogram() {
        let fine = of::<Fine>(&[
            (0, 1),
            (1, 2),
            (2_047, 3),
            (2_048, 1),
            (5_000, 70_000),
            (1_000_000, 1),
            (599_000_000, 2),
        ]);
        let encoded = "HISTEwAAABIAAAAAAAAAAwAAAAAAAAABAAAAACPDRgA/8AAAAAAAAAIE+R8GAsET4MUI+3oCp5MBBA==";
        assert_eq!(fine.encode(), encoded);
        assert_eq!(Latencies::decode(encoded), Ok(fine));
        let coarse = of::<Coarse>(&[(300, 1), (1_000, 2), (599_999_999, 5)]);
        let encoded = "HISTEwAAAAkAAAAAAAAAAgAAAAAAAAABAAAAACPDRgA/8AAAAAAAAKsEAsUDBKcmCg==";
        assert_eq!(coarse.encode(), encoded);
        assert_eq!(Latencies::decode(encoded), Ok(coarse));
        let empty = "HISTEwAAAAEAAAAAAAAAAwAAAAAAAAABAAAAACPDRgA/8AAAAAAAAAA=";
        assert_eq!(Latencies::<Fine>::new().encode(), empty);
        assert_eq!(Latencies::<Fine>::decode(empty), Ok(Latencies::new()));
    }

    #[test]
    fn what_is_no_histogram_of_ours_is_refused() {
        let good = of::<Fine>(&[(5, 1), (70_000, 300)]).encode();
        assert_eq!(Latencies::<Fine>::decode("%"), Err(DecodeError("no Base64")));
        assert_eq!(Latencies::<Fine>::decode(""), Err(DecodeError("too short")));
        assert_eq!(
            Latencies::<Coarse>::decode(&good),
            Err(DecodeError("another format, or other bounds or digits"))
        );
        let mut bytes = STANDARD.decode(&good).unwrap();
        bytes.pop();
        assert_eq!(
            Latencies::<Fine>::decode(&STANDARD.encode(&bytes)),
            Err(DecodeError("cut off, or too long"))
        );
        // A gap beyond all cells, then a count.
        let mut bytes = STANDARD.decode(Latencies::<Fine>::new().encode()).unwrap();
        bytes.truncate(HEADER);
        put(&mut bytes, -4_000_000_000);
        put(&mut bytes, 1);
        let length = u32::try_from(bytes.len() - HEADER).unwrap();
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        assert_eq!(
            Latencies::<Fine>::decode(&STANDARD.encode(&bytes)),
            Err(DecodeError("beyond the longest"))
        );
    }

    #[test]
    fn spans_are_rounded_up_and_bounded() {
        let mut latencies = Latencies::<Fine>::new();
        assert_eq!((latencies.quantile(0.5), latencies.max(), latencies.min()), (None, None, None));
        latencies.record(Duration::from_nanos(1));
        assert_eq!(latencies.max(), Some(Duration::from_micros(1)));
        latencies.record(Duration::MAX);
        let max = latencies.max().unwrap();
        assert!(max >= LONGEST && max < LONGEST.mul_f64(1.001), "{max:?}");
        assert_eq!(latencies.cells().map(|(_, count)| count).sum::<u64>(), 2);
    }

    fn check_cells<P: Precision>(value: u64) {
        let cell = cell_of::<P>(value);
        let least = value_of::<P>(cell);
        assert!(least <= value && value_of::<P>(cell + 1) > value);
        let histogram = Latencies::<P>::new().histogram;
        assert_eq!(histogram.lowest_equivalent(value), least);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cells_are_those_of_the_crate(value in 0..=HIGHEST_US, shift in 0..30_u32) {
            check_cells::<Fine>(value >> shift);
            check_cells::<Coarse>(value >> shift);
        }

        #[test]
        fn what_is_encoded_is_decoded(cells in proptest::collection::vec((0_u64..700_000_000, 0_u32..26, 1_u32..100_000), 0..30)) {
            let cells: Vec<_> = cells.into_iter().map(|(value, shift, count)| (value >> shift, count)).collect();
            let fine = of::<Fine>(&cells);
            prop_assert_eq!(Latencies::decode(&fine.encode()), Ok(fine));
            let coarse = of::<Coarse>(&cells);
            prop_assert_eq!(Latencies::decode(&coarse.encode()), Ok(coarse));
        }

        #[test]
        fn no_text_makes_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut whole = STANDARD.decode(Latencies::<Coarse>::new().encode()).unwrap();
            whole.truncate(HEADER);
            whole.extend(&bytes);
            whole[4..8].copy_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
            let _ = Latencies::<Coarse>::decode(&STANDARD.encode(&whole));
        }

        #[test]
        fn numbers_are_read_as_they_are_written(number: i64) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(take(&mut rest), Some(number));
            prop_assert!(rest.is_empty() && bytes.len() <= 9);
        }
    }
}
