//! What a load run must reach: thresholds, and changes from a baseline.

use std::path::PathBuf;
use std::time::Duration;

use super::super::Failure;
use super::super::args::{list, or, setting, span};
use super::super::config::LoadConfig;
use super::super::values::timeout;
use crate::load::document::Document;
use crate::load::document::format::Settings;
use crate::load::verdict::{Figures, Rule, Thresholds, compare};
use crate::load::{Rate, Share};

/// What a load run must reach.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Verdict")]
pub(super) struct VerdictArgs {
    /// At least this share is acknowledged, such as 99.9%; of --find-max, what makes a rate hold [default there: 99.9%]
    #[arg(long, value_name = "SHARE", env = "PNS_LOAD_ACCEPT")]
    pub(super) accept: Option<Share>,
    /// Half of the acknowledgements come within this
    #[arg(long, value_name = "SPAN", env = "PNS_LOAD_P50", value_parser = timeout)]
    p50: Option<Duration>,
    /// 99 % of them come within this; of --find-max, what makes a rate hold [default there: 1s]
    #[arg(long, value_name = "SPAN", env = "PNS_LOAD_P99", value_parser = timeout)]
    p99: Option<Duration>,
    /// All of them come within this
    #[arg(long, value_name = "SPAN", env = "PNS_LOAD_MAX", value_parser = timeout)]
    max: Option<Duration>,
    /// At least so many are acknowledged a second; of --find-max, the maximum is at least this
    #[arg(long, value_name = "RATE", env = "PNS_LOAD_MIN_RATE")]
    min_rate: Option<Rate>,
    /// An earlier result (JSON) to compare with; of several, the medians, and how far they lie apart is noise
    #[arg(long, value_name = "FILE", env = "PNS_LOAD_BASELINE", value_delimiter = ',')]
    baseline: Vec<PathBuf>,
    /// A change from the baseline that fails the run, such as `rate<-5%` or `p99>+20%`; what is within the noise does not
    #[arg(long, value_name = "RULE", env = "PNS_LOAD_FAIL_ON", value_delimiter = ',')]
    fail_on: Vec<Rule>,
}

/// How a run is judged.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) thresholds: Thresholds,
    pub(super) rules: Vec<Rule>,
    baseline: Vec<Document>,
}

impl VerdictArgs {
    /// Flags and environment first, then `config`. Baselines are read now: a run must not end with one that is none.
    pub(super) fn resolve(self, config: &LoadConfig) -> Result<Judge, Failure> {
        let thresholds = Thresholds {
            accept: value(self.accept, &config.accept, "load.accept")?,
            p50: span(self.p50, &config.p50, "load.p50")?,
            p99: span(self.p99, &config.p99, "load.p99")?,
            max: span(self.max, &config.max, "load.max")?,
            min_rate: value(self.min_rate, &config.min_rate, "load.min-rate")?,
        };
        let rules: Vec<Rule> = list(self.fail_on, &config.fail_on, "load.fail-on")?;
        let files = or(&self.baseline, &config.baseline);
        match (files.is_empty(), rules.is_empty()) {
            (true, false) => {
                let failure =
                    Failure::usage(anyhow::anyhow!("`--fail-on {}` has nothing to compare with", rules[0]));
                return Err(failure.help("`--baseline FILE` names an earlier result (`--report json=FILE`)"));
            }
            (false, true) => {
                let failure = Failure::usage(anyhow::anyhow!("`--baseline` alone fails nothing"));
                return Err(
                    failure.help("say which change does: `--fail-on 'rate<-5%'`, `--fail-on 'p99>+20%'`")
                );
            }
            _ => {}
        }
        let baseline = files.iter().map(|path| super::read(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Judge { thresholds, rules, baseline })
    }
}

/// A value from flags and environment, or else from the settings file.
pub(super) fn value<T>(given: Option<T>, config: &Option<String>, key: &str) -> Result<Option<T>, Failure>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    match (given, config) {
        (Some(value), _) => Ok(Some(value)),
        (None, Some(text)) => text.parse().map(Some).map_err(|error| setting(key, error)),
        (None, None) => Ok(None),
    }
}

impl Judge {
    /// Adds judgements by the thresholds, to a document that holds none.
    pub(super) fn judge(&self, document: Document) -> Result<Document, Failure> {
        let recorder = document.recorder().map_err(Failure::harness)?;
        let rate = (document.totals.acknowledged > 0).then_some(document.totals.rate_per_second);
        Ok(document.with_verdicts(&self.thresholds.judge(&recorder, rate)))
    }

    /// Adds judgements by the baseline.
    pub(super) fn compare(&self, mut document: Document) -> Result<Document, Failure> {
        if self.baseline.is_empty() || !document.complete {
            return Ok(document);
        }
        for baseline in &self.baseline {
            let differences = differences(&baseline.settings, &document.settings);
            if !differences.is_empty() {
                let note = format!("the baseline is of another run: {}", differences.join(", "));
                if !document.notes.contains(&note) {
                    document.notes.push(note);
                }
            }
        }
        let figures = |one: &Document| one.figures().map_err(Failure::harness);
        let runs = self.baseline.iter().map(figures).collect::<Result<Vec<_>, _>>()?;
        let claims = compare(&self.rules, &Figures::of_repeats(&runs), &figures(&document)?);
        Ok(document.with_verdicts(&claims))
    }
}

/// What was asked for otherwise then: which seed it was makes no difference.
fn differences(before: &Settings, now: &Settings) -> Vec<String> {
    fn shown<T: std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}").replace("Some(", "").replace([')', '"'], "")
    }
    let mut differences = Vec::new();
    let mut compare = |name: &str, before: String, now: String| {
        if before != now {
            differences.push(format!("{name} {before} then, {now} now"));
        }
    };
    compare("target", shown(&before.target), shown(&now.target));
    compare("model", shown(&before.model), shown(&now.model));
    compare("shape", shown(&before.shape), shown(&now.shape));
    compare("rate", shown(&before.rate), shown(&now.rate));
    compare("mix", before.mix.clone(), now.mix.clone());
    compare("duplicates", before.redelivered.clone(), now.redelivered.clone());
    compare("connections", shown(&before.connections), shown(&now.connections));
    compare("keep-alive", shown(&before.keep_alive), shown(&now.keep_alive));
    compare("TLS resumption", shown(&before.tls_resumption), shown(&now.tls_resumption));
    compare("HTTP", before.http.clone(), now.http.clone());
    compare("schema pack", before.schema_pack.clone(), now.schema_pack.clone());
    differences
}
