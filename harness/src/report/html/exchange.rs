//! Requests made by bytes and what came back, side by side.

use super::super::text::{count, wall};
use super::clipped;
use super::write::Page;
use crate::event::WireExchange;

/// Of one finding: the last, which tell.
const SHOWN_MAX: usize = 8;
/// Of those, unfolded.
const OPEN_MAX: usize = 2;
/// Of a request or a response.
const BYTES_MAX: usize = 8 << 10;

pub(super) fn write_all(page: &mut Page<'_>, exchanges: &[WireExchange]) {
    if exchanges.is_empty() {
        return;
    }
    page.leaf("h4", &[], "On the wire");
    let from = exchanges.len().saturating_sub(SHOWN_MAX);
    if from > 0 {
        let left = format!("{} before these not shown.", count(from as u64, "request"));
        page.leaf("p", &[("class", "cut")], &left);
    }
    let open_from = exchanges.len().saturating_sub(OPEN_MAX);
    for (index, exchange) in exchanges.iter().enumerate().skip(from) {
        let open = index + 1 == exchanges.len() || (index >= open_from && !exchange.fits);
        let attributes: &[(&str, &str)] =
            if open { &[("class", "exchange"), ("open", "")] } else { &[("class", "exchange")] };
        page.element("details", attributes, |page| one(page, exchange));
    }
}

fn one(page: &mut Page<'_>, exchange: &WireExchange) {
    page.element("summary", &[], |page| {
        let (class, sign) = if exchange.fits { ("passed", "✓") } else { ("failed", "✗") };
        page.leaf("span", &[("class", class), ("aria-hidden", "true")], sign);
        page.text(&format!(" {}: ", exchange.label));
        page.leaf("b", &[("class", class)], &exchange.outcome);
        if let Some(latency) = exchange.latency {
            page.text(&format!(" in {}", wall(latency)));
        }
        if !exchange.connection.is_empty() {
            page.text(" ");
            page.leaf("span", &[("class", "muted")], &exchange.connection);
        }
    });
    page.element("div", &[("class", "pair wire")], |page| {
        side(page, "Request", Some(&exchange.request));
        side(page, "Response", exchange.response.as_deref());
    });
}

fn side(page: &mut Page<'_>, label: &str, text: Option<&str>) {
    page.element("div", &[], |page| {
        page.leaf("span", &[("class", "label")], label);
        let Some(text) = text else {
            return page.leaf("p", &[("class", "nothing")], "Nothing came back.");
        };
        let (text, cut) = clipped(text.trim_end(), BYTES_MAX);
        // The first line says what it is.
        let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
        page.element("pre", &[("tabindex", "0")], |page| {
            page.leaf("b", &[], first.trim_end());
            page.text(rest);
        });
        if let Some(cut) = cut {
            page.leaf("p", &[("class", "cut")], &cut);
        }
    });
}
