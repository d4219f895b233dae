//! `/metrics`: the service's figures in the OpenMetrics text format, which Prometheus reads.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::service::model::MetricsSnapshot;

/// Of the answer.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The figures as text.
pub(super) fn text(figures: &MetricsSnapshot) -> String {
    let mut registry = Registry::with_prefix("pns");
    registry.register_collector(Box::new(Figures(figures.clone())));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a String takes all text");
    text
}

#[derive(Debug)]
struct Figures(MetricsSnapshot);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.0;
        gauge(&mut encoder, "subscriptions", "Subscriptions.", figures.subscriptions)?;
        self.deliveries(&mut encoder)?;
        self.attempts(&mut encoder)?;
        counter(
            &mut encoder,
            "notifications_published",
            "Notifications published since the start.",
            figures.published,
        )?;
        counter(
            &mut encoder,
            "deliveries_delivered",
            "Deliveries acknowledged since the start.",
            figures.delivered,
        )?;
        counter(
            &mut encoder,
            "deliveries_abandoned",
            "Deliveries given up since the start.",
            figures.abandoned,
        )?;
        counter(
            &mut encoder,
            "possible_duplicates",
            "Deliveries that a receiver may have got twice, because the service was stopped during an attempt.",
            figures.possible_duplicates,
        )?;
        counter(
            &mut encoder,
            "journal_commits",
            "Transactions of the journal since the start.",
            figures.journal_commits,
        )?;
        self.pulls(&mut encoder)?;
        let bytes = ConstGauge::new(i64::try_from(figures.journal_bytes).unwrap_or(i64::MAX));
        let size = "The journal's files.";
        let metric =
            encoder.encode_descriptor("journal_size", size, Some(&Unit::Bytes), MetricType::Gauge)?;
        bytes.encode(metric)
    }
}

impl Figures {
    fn deliveries(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let backlog = self.0.backlog;
        let states = [
            ("waiting", backlog.waiting),
            ("held", backlog.held),
            ("ready", backlog.ready),
            ("in-flight", backlog.in_flight),
        ];
        let help = "Deliveries that are not delivered, by state.";
        let mut family = encoder.encode_descriptor("deliveries_pending", help, None, MetricType::Gauge)?;
        for (state, count) in states {
            let labels = [("state", state)];
            ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
                .encode(family.encode_family(&labels)?)?;
        }
        let help = "How long the delivery that is due longest has been due, in PNS time.";
        let age = ConstGauge::new(self.0.oldest_past_due.as_secs_f64());
        age.encode(encoder.encode_descriptor(
            "oldest_past_due",
            help,
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?)
    }

    fn pulls(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests to the pull API since the start, by call and status.";
        let mut family = encoder.encode_descriptor("pulls", help, None, MetricType::Counter)?;
        for pulls in &self.0.pulls {
            let status = pulls.status.to_string();
            let labels = [("call", pulls.call), ("status", status.as_str())];
            ConstCounter::new(pulls.count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn attempts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.0;
        let help = "Attempts ended since the start: acknowledged, or why they failed.";
        let mut family = encoder.encode_descriptor("attempts", help, None, MetricType::Counter)?;
        for attempts in &figures.attempts {
            let (outcome, reason) = match attempts.outcome {
                "acknowledged" => ("acknowledged", ""),
                reason => ("failed", reason),
            };
            let labels = [("outcome", outcome), ("reason", reason)];
            ConstCounter::new(attempts.count).encode(family.encode_family(&labels)?)?;
        }
        let help = "Attempts by the connection that they used: a new one, or one that was kept.";
        let mut family = encoder.encode_descriptor("connections_used", help, None, MetricType::Counter)?;
        for (kind, count) in [("new", figures.connections_new), ("reused", figures.connections_reused)] {
            let labels = [("connection", kind)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        let help = "From the first byte written to the end of an acknowledging response, in real time.";
        let latency = &figures.acknowledgement;
        let count = latency.buckets.iter().map(|(_, count)| count).sum();
        let mut metric = encoder.encode_descriptor(
            "acknowledgement",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        metric.encode_histogram::<NoLabelSet>(latency.sum, count, &latency.buckets, None)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}
