//! Texts and numbers.

use pns_engine::Timestamp;
use serde_json::Value;

use super::facts::{Facts, Kind};
use super::{Compiler, Conjunction};
use crate::schema::draws::Draws;
use crate::schema::error::PackError;
use crate::schema::format::{self, Format};
use crate::schema::pattern::Pattern;
use crate::schema::plan::{Node, Number, Stamp};

/// How many texts a way of writing is tried with before it is trusted, or given up.
const SAMPLES: usize = 48;
/// The longest text that a schema may demand, in characters.
const MAX_TEXT: usize = 256 << 10;
/// The instant that samples carry: 2016-11-01T12:00:00.123Z.
const SAMPLE_INSTANT: Timestamp = Timestamp::from_millis(1_478_001_600_123);

impl<'a> Compiler<'a> {
    /// How the instant of publication is written here, where this is its place.
    pub(super) fn published(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
    ) -> Result<Option<Stamp>, PackError> {
        if facts.allowed.is_some() || !self.is_publication(conjunction.path.as_deref()) {
            return Ok(None);
        }
        for stamp in [Stamp::Millis, Stamp::Seconds, Stamp::EpochMillis] {
            let sample = match stamp {
                Stamp::EpochMillis => Value::from(SAMPLE_INSTANT.as_millis()),
                _ => {
                    let mut text = Vec::new();
                    format::instant(SAMPLE_INSTANT, stamp == Stamp::Millis, &mut text);
                    Value::String(String::from_utf8_lossy(&text).into_owned())
                }
            };
            if self.admits(conjunction, &sample)? {
                return Ok(Some(stamp));
            }
        }
        Ok(None)
    }

    pub(super) fn string(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
    ) -> Result<Option<Node>, PackError> {
        let (min, max) = facts.length;
        if min > max {
            return Ok(None);
        }
        if min > MAX_TEXT {
            return Err(self.fail(conjunction, &format!("texts of {min} characters are beyond {MAX_TEXT}")));
        }
        let mut ways = Vec::new();
        let mut refusal = None;
        for (pattern, part) in &facts.patterns {
            // Repetitions long enough for the least length, and not much longer than the greatest.
            for repeat in [8.min(max), min, min.saturating_add(8), 2 * min + 16, 64] {
                match Pattern::compile(pattern, u32::try_from(repeat.clamp(1, 4_096)).expect("small")) {
                    Ok(pattern) => ways.push(Node::Pattern(Box::new(pattern))),
                    Err(text) => {
                        refusal = Some(self.documents.unsupported(&part.place.child("pattern"), &text));
                    }
                }
            }
        }
        ways.extend(facts.formats.iter().filter_map(|name| Format::named(name)).map(Node::Format));
        ways.push(Node::Text { min, max: max.min(min.max(MAX_TEXT)) });
        let unconstrained = ways.len() == 1 && facts.choices.is_empty() && facts.checks.is_empty();
        if unconstrained {
            return Ok(ways.pop());
        }
        let mut best: Option<(usize, Node)> = None;
        for way in ways {
            let hits = self.hits(conjunction, &way)?;
            if hits == SAMPLES {
                return Ok(Some(way));
            }
            if hits > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((hits, way));
            }
        }
        let Some((_, way)) = best else {
            if let Some(refusal) = refusal {
                return Err(refusal);
            }
            self.refusal = Some(self.fail(conjunction, "no text was found that satisfies all of the schema"));
            return Ok(None);
        };
        let mut checks = Vec::new();
        for schema in &conjunction.schemas {
            checks.push(self.validator(schema)?);
        }
        let inner = self.add(way);
        Ok(Some(Node::Checked { inner, checks: checks.into_boxed_slice() }))
    }

    /// How many of the samples of `way` fit.
    fn hits(&mut self, conjunction: &Conjunction<'a>, way: &Node) -> Result<usize, PackError> {
        let mut hits = 0;
        for sample in 0..SAMPLES {
            let mut draws = Draws::new(sample as u64, 0, 0);
            let text = match way {
                Node::Pattern(pattern) => pattern.text(&mut draws),
                Node::Format(format) => {
                    let mut text = Vec::new();
                    format.write(&mut draws, SAMPLE_INSTANT, &mut text);
                    String::from_utf8_lossy(&text).into_owned()
                }
                Node::Text { min, max } => {
                    let mut text = Vec::new();
                    format::words(*min, *max, &mut draws, &mut text);
                    String::from_utf8_lossy(&text).into_owned()
                }
                _ => return Ok(0),
            };
            hits += usize::from(self.admits(conjunction, &Value::String(text))?);
        }
        Ok(hits)
    }

    /// Decimal fractions within the bounds; `None` where there are none.
    pub(super) fn number(&mut self, facts: &Facts<'a>, kind: Kind) -> Option<Node> {
        let found = self.fractions(facts, kind);
        if found.is_none()
            && let Some(part) = facts.parts.last()
        {
            let text = "no number was found within the bounds";
            self.refusal = Some(self.documents.unsupported(&part.place, text));
        }
        found
    }

    fn fractions(&self, facts: &Facts<'a>, kind: Kind) -> Option<Node> {
        let mut scale = 0;
        let mut steps = Vec::new();
        for multiple in &facts.multiples {
            let (digits, places) = decimal(multiple)?;
            scale = scale.max(places);
            steps.push((digits, places));
        }
        let bounds = |bounds: &[(Value, bool)], up: bool| -> Option<Vec<(i128, u32, bool)>> {
            bounds.iter().map(|(value, strict)| bound(value, *strict, up)).collect()
        };
        let (lower, upper) = (bounds(&facts.minimum, true)?, bounds(&facts.maximum, false)?);
        if kind == Kind::Number && steps.is_empty() {
            // Two places as in money, and one more than the finest bound has, so that strict bounds leave room.
            let finest = lower.iter().chain(&upper).map(|(_, places, _)| places + 1).max().unwrap_or(2);
            scale = finest.max(2);
        }
        if scale > MAX_SCALE {
            return None;
        }
        let unit = 10_i128.pow(scale);
        let mut step = 1;
        for (digits, places) in steps {
            step = least_multiple(step, digits.checked_mul(10_i128.pow(scale - places))?)?;
        }
        if kind == Kind::Integer {
            step = least_multiple(step, unit)?;
        }
        let least = lower.iter().map(|bound| first(*bound, scale, step, true)).max();
        let most = upper.iter().map(|bound| first(*bound, scale, step, false)).min();
        /// How far a number goes where only one bound, or none, is set.
        const USUAL: i128 = 1_000;
        let span = (USUAL * unit / step).max(1);
        let (min, max) = match (least, most) {
            (Some(min), Some(max)) => (min, max),
            (Some(min), None) => (min, min.saturating_add(span)),
            (None, Some(max)) => (if max >= 0 { 0 } else { max.saturating_sub(span) }, max),
            (None, None) => (0, span),
        };
        (min <= max).then_some(Node::Number(Number { min, max, step, scale }))
    }
}

/// The finest decimal places that are written.
const MAX_SCALE: u32 = 15;

/// The multiple of `step` at or beyond a bound, as a factor: above it for a lower one, below it for an upper.
fn first((digits, places, strict): (i128, u32, bool), scale: u32, step: i128, up: bool) -> i128 {
    // Bounds may be finer than the scale: compare in their common unit.
    let common = scale.max(places);
    let bound = digits.saturating_mul(10_i128.pow(common - places));
    let step = step.saturating_mul(10_i128.pow(common - scale));
    let below = bound.div_euclid(step);
    let exact = bound.rem_euclid(step) == 0;
    match (up, exact, strict) {
        (true, true, false) | (false, true, false) | (false, false, _) => below,
        (true, _, _) => below + 1,
        (false, true, true) => below - 1,
    }
}

/// The finest decimal places of a bound; a finer one is rounded inwards, so that the numbers stay within.
const BOUND_SCALE: u32 = 12;
/// Numbers go as far as this on either side: beyond it readers lose digits in any case.
const MAX_DIGITS: i128 = 10_i128.pow(22);

/// A bound as digits, decimal places and whether it is excluded; `None` where nothing beyond it can be written.
fn bound(value: &Value, strict: bool, up: bool) -> Option<(i128, u32, bool)> {
    let (digits, places) = match parts(value)? {
        (digits, places) if places > i64::from(BOUND_SCALE) => {
            let unit =
                u32::try_from(places - i64::from(BOUND_SCALE)).ok().and_then(|p| 10_i128.checked_pow(p));
            let below = unit.map_or(if digits < 0 { -1 } else { 0 }, |unit| digits.div_euclid(unit));
            return Some((below + i128::from(up), BOUND_SCALE, false));
        }
        (digits, places) if places >= 0 => (digits, u32::try_from(places).ok()?),
        (digits, places) => {
            let unit = u32::try_from(-places).ok().and_then(|p| 10_i128.checked_pow(p));
            let whole = unit.and_then(|unit| digits.checked_mul(unit));
            (whole.unwrap_or(if digits < 0 { i128::MIN } else { i128::MAX }), 0)
        }
    };
    let far = MAX_DIGITS * 10_i128.pow(places);
    if up && digits > far || !up && digits < -far {
        return None;
    }
    if digits.unsigned_abs() > far.unsigned_abs() {
        return Some((if up { -MAX_DIGITS } else { MAX_DIGITS }, 0, false));
    }
    Some((digits, places, strict))
}

/// A number as digits and decimal places; `None` beyond what is written here.
fn decimal(value: &Value) -> Option<(i128, u32)> {
    let (digits, places) = parts(value)?;
    if places < 0 {
        let unit = 10_i128.checked_pow(u32::try_from(-places).ok()?)?;
        return Some((digits.checked_mul(unit).filter(|digits| digits.abs() < MAX_DIGITS)?, 0));
    }
    Some((digits, u32::try_from(places).ok().filter(|places| *places <= MAX_SCALE)?))
}

/// The digits of a number as it is written, and how many of them are decimal places (negative: zeros to add).
fn parts(value: &Value) -> Option<(i128, i64)> {
    let text = value.as_number()?.to_string();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let part = part.trim_end_matches('0');
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    Some((digits, i64::try_from(part.len()).ok()? - exponent.parse::<i64>().ok()?))
}

fn least_multiple(a: i128, b: i128) -> Option<i128> {
    let (mut x, mut y) = (a.abs(), b.abs());
    while y != 0 {
        (x, y) = (y, x % y);
    }
    if x == 0 { None } else { (a.abs() / x).checked_mul(b.abs()).filter(|step| *step < 1 << 90) }
}
