//! A frame with axes, and lines in it, as SVG.

use super::scale::Scale;
use crate::report::html::write::Page;

/// The size of a plot in its own units; it grows and shrinks with the page.
const WIDTH: f64 = 880.0;
/// Where the axes stand.
const LEFT: f64 = 68.0;
const RIGHT: f64 = WIDTH - 16.0;
const TOP: f64 = 16.0;

/// From left to right.
pub(super) const ACROSS: [f64; 2] = [LEFT, RIGHT];

/// A plot that is being drawn.
pub(super) struct Plot {
    pub(super) x: Scale,
    pub(super) y: Scale,
    bottom: f64,
}

/// What a plot is called, and how its parts are told apart.
pub(super) struct Told<'t> {
    /// For those who do not see it: what it shows.
    pub(super) label: &'t str,
    /// Beneath it.
    pub(super) caption: &'t str,
    /// Classes of lines, and what they are.
    pub(super) legend: &'t [(&'static str, &'static str)],
}

/// From the bottom of a plot that is so high to its top.
pub(super) const fn up(height: f64) -> [f64; 2] {
    [height - 36.0, TOP]
}

impl Plot {
    pub(super) const fn new(x: Scale, y: Scale, height: f64) -> Self {
        Self { x, y, bottom: up(height)[0] }
    }

    /// Draws the plot with its legend and caption; `inside` draws what is in it.
    pub(super) fn draw(&self, page: &mut Page<'_>, told: &Told<'_>, inside: impl FnOnce(&mut Page<'_>)) {
        page.element("figure", &[("class", "plot")], |page| {
            page.element("div", &[("class", "scroll")], |page| {
                let view = format!("0 0 {WIDTH} {}", self.bottom + 36.0);
                let attributes = [("viewBox", view.as_str()), ("role", "img"), ("aria-label", told.label)];
                page.element("svg", &attributes, inside);
            });
            if !told.legend.is_empty() {
                page.element("ul", &[("class", "legend")], |page| {
                    for (class, text) in told.legend {
                        page.element("li", &[], |page| {
                            let attributes = [("viewBox", "0 0 24 24"), ("aria-hidden", "true")];
                            page.element("svg", &attributes, |page| {
                                path(page, class, "M1 12H23");
                            });
                            page.text(text);
                        });
                    }
                });
            }
            page.prose("figcaption", &[], told.caption);
        });
    }

    /// Lines across at the figures of the upright axis, with their names.
    pub(super) fn rows(&self, page: &mut Page<'_>, ticks: &[f64], name: impl Fn(f64) -> String) {
        for tick in ticks {
            let y = self.y.place(*tick);
            path(page, "tick", &format!("M{LEFT} {y:.1}H{RIGHT}"));
            text(page, "t-dim t-end", LEFT - 8.0, y + 4.0, &name(*tick));
        }
    }

    /// Marks at the figures of the axis along the bottom, with their names.
    pub(super) fn columns(&self, page: &mut Page<'_>, ticks: &[(f64, String)]) {
        for (tick, name) in ticks {
            let x = self.x.place(*tick);
            path(page, "tick", &format!("M{x:.1} {TOP}V{:.1}", self.bottom + 4.0));
            // A name in the middle of its line would be cut off at the edge.
            let class = if x > RIGHT - 24.0 { "t-dim t-end" } else { "t-code" };
            let x = if x > RIGHT - 24.0 { RIGHT + 10.0 } else { x };
            text(page, class, x, self.bottom + 22.0, name);
        }
    }

    /// A line through points, with a gap where one is missing.
    pub(super) fn line(
        &self,
        page: &mut Page<'_>,
        class: &'static str,
        points: impl Iterator<Item = (f64, Option<f64>)>,
    ) {
        let mut d = String::new();
        let mut pen = 'M';
        for (x, y) in points {
            let Some(y) = y else {
                pen = 'M';
                continue;
            };
            d.push_str(&format!("{pen}{:.1} {:.1}", self.x.place(x), self.y.place(y)));
            // A point between two gaps would not be seen: a line to itself is, by its round ends.
            if pen == 'M' {
                d.push_str("h0");
            }
            pen = 'L';
        }
        if !d.is_empty() {
            path(page, class, &d);
        }
    }

    /// An upright line with a name, if it has one, beside its top.
    pub(super) fn upright(&self, page: &mut Page<'_>, class: &'static str, at: f64, name: &str, side: Side) {
        let x = self.x.place(at);
        path(page, class, &format!("M{x:.1} {TOP}V{:.1}", self.bottom));
        if name.is_empty() {
            return;
        }
        let (class, x) = match side {
            Side::Left => ("t-name t-end", x - 6.0),
            Side::Right => ("t-name", x + 6.0),
        };
        text(page, class, x, TOP + 14.0, name);
    }

    /// A line across with a name above its beginning.
    pub(super) fn level(&self, page: &mut Page<'_>, class: &'static str, at: f64, name: &str) {
        let y = self.y.place(at);
        path(page, class, &format!("M{LEFT} {y:.1}H{RIGHT}"));
        text(page, "t-dim", LEFT + 6.0, y - 5.0, name);
    }
}

/// On which side of a line its name stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Left,
    Right,
}

pub(super) fn path(page: &mut Page<'_>, class: &'static str, d: &str) {
    page.element("path", &[("class", class), ("d", d)], |_| {});
}

pub(super) fn text(page: &mut Page<'_>, class: &'static str, x: f64, y: f64, text: &str) {
    page.leaf("text", &[("class", class), ("x", &format!("{x:.1}")), ("y", &format!("{y:.1}"))], text);
}
