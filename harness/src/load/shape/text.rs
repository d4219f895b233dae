//! Shapes as the command line writes them: `constant`, `ramp:from=100/s`, `burst:size=500,every=10s,over=1s`,
//! `sine:amplitude=500/s,period=1m`.

use std::time::Duration;

use super::super::rate::Rate;
use super::{Shape, ShapeError};
use crate::scenario::units;

impl Shape {
    /// The shape that `text` describes, with `rate` as its plain rate: of `constant`, at the end of `ramp` (or at its
    /// start where the text says `to`), beneath `burst`, in the middle of `sine`.
    ///
    /// # Errors
    /// When it describes none.
    pub fn parse(text: &str, rate: Rate) -> Result<Self, ShapeError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut fields = Fields::read(name.trim(), rest)?;
        let shape = match name.trim() {
            "constant" => Self::Constant(rate),
            "ramp" => {
                let from = fields.take("from").map(any_rate).transpose()?;
                let to = fields.take("to").map(any_rate).transpose()?;
                match (from, to) {
                    (None, None) => Self::Ramp { from: Rate::ZERO, to: rate },
                    (from, to) => Self::Ramp { from: from.unwrap_or(rate), to: to.unwrap_or(rate) },
                }
            }
            "burst" => Self::Burst {
                base: fields.take("base").map_or(Ok(rate), any_rate)?,
                size: {
                    let size = fields.need("size")?;
                    size.parse().map_err(|_| ShapeError(format!("`size={size}` is no number of arrivals")))?
                },
                every: span("every", fields.need("every")?)?,
                over: fields.take("over").map_or(Ok(Duration::ZERO), |text| span("over", text))?,
            },
            "sine" => Self::Sine {
                mean: rate,
                amplitude: any_rate(fields.need("amplitude")?)?,
                period: span("period", fields.need("period")?)?,
            },
            other => {
                return Err(ShapeError(format!(
                    "`{other}` is no shape; there are constant, ramp, burst, sine and trace"
                )));
            }
        };
        fields.end()?;
        Ok(shape)
    }
}

/// `key=value` pairs that wait to be taken.
struct Fields<'a> {
    shape: &'a str,
    left: Vec<(&'a str, &'a str)>,
}

impl<'a> Fields<'a> {
    fn read(shape: &'a str, text: &'a str) -> Result<Self, ShapeError> {
        let mut left: Vec<(&str, &str)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| ShapeError(format!("`{part}` in `{shape}` is not of the form `key=value`")))?;
            if left.iter().any(|(other, _)| *other == key.trim()) {
                return Err(ShapeError(format!("`{shape}` has `{}` twice", key.trim())));
            }
            left.push((key.trim(), value.trim()));
        }
        Ok(Self { shape, left })
    }

    fn take(&mut self, key: &str) -> Option<&'a str> {
        let index = self.left.iter().position(|(other, _)| *other == key)?;
        Some(self.left.swap_remove(index).1)
    }

    fn need(&mut self, key: &str) -> Result<&'a str, ShapeError> {
        self.take(key).ok_or_else(|| ShapeError(format!("`{}` needs `{key}=`", self.shape)))
    }

    fn end(&self) -> Result<(), ShapeError> {
        match self.left.first() {
            None => Ok(()),
            Some((key, _)) => Err(ShapeError(format!("`{}` has no `{key}`", self.shape))),
        }
    }
}

fn span(key: &str, text: &str) -> Result<Duration, ShapeError> {
    units::duration(text).map_err(|reason| ShapeError(format!("`{key}={text}` is no time: {reason}")))
}

/// A rate, of which `0` is one here.
fn any_rate(text: &str) -> Result<Rate, ShapeError> {
    if matches!(text, "0" | "0/s") {
        return Ok(Rate::ZERO);
    }
    text.parse().map_err(|error| ShapeError(format!("`{text}` is no rate: {error}")))
}
