//! When colours are used.

use anstream::{AutoStream, ColorChoice};

use crate::scenario;

/// When to use colours.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// From now on, for everything that this process writes to its terminal.
    pub(super) fn apply(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// How diagnostics are shown on standard error.
pub(super) fn style_of_stderr() -> scenario::Style {
    match AutoStream::choice(&std::io::stderr()) {
        ColorChoice::Never => scenario::Style::Plain,
        ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => scenario::Style::Coloured,
    }
}
