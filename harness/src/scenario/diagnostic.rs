//! What is wrong with a scenario file, and how that is shown: place, caret, expected and found, help.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

use super::model::Place;
use super::source::Sources;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// Where; `None` for errors about files as such.
    pub place: Option<Place>,
    /// Said at the caret; may be empty.
    pub label: String,
    /// Another place that belongs to it, with what is said there.
    pub related: Option<(Place, String)>,
    /// How to mend it.
    pub help: Option<String>,
}

/// Whether escape sequences for colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// None.
    Plain,
    /// For a terminal.
    Coloured,
}

impl Diagnostic {
    pub(super) fn about_files(message: String) -> Self {
        Self { message, place: None, label: String::new(), related: None, help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As rustc shows an error: the line, a caret below it, and help.
    #[must_use]
    pub fn render(&self, sources: &Sources, style: Style) -> String {
        let mut group = Level::ERROR.primary_title(self.message.as_str()).elements(None::<Element<'_>>);
        if let Some(place) = &self.place
            && let Some(file) = sources.find(&place.file)
        {
            let mut snippet = Snippet::source(&*file.text)
                .path(&*file.name)
                .annotation(AnnotationKind::Primary.span(place.start..place.end).label(self.label.as_str()));
            if let Some((other, label)) = &self.related
                && other.file == place.file
            {
                snippet = snippet
                    .annotation(AnnotationKind::Context.span(other.start..other.end).label(label.as_str()));
            }
            group = group.element(snippet);
        }
        if let Some((other, label)) = &self.related
            && self.place.as_ref().is_none_or(|place| place.file != other.file)
        {
            group = group.element(Level::NOTE.message(format!("{label}: {other}")));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

/// The candidate that `text` may have been meant to be.
pub(super) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short; a longer text is no slip of the fingers, and comparing it would take long.
    if text.len() > 64 {
        return None;
    }
    let text = text.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        // In short names one slip weighs too much for the likeness to tell.
        let slip = text.len() > 2 && strsim::osa_distance(&text, &candidate) == 1;
        if slip { 1.0 } else { strsim::jaro_winkler(&text, &candidate) }
    };
    candidates
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` or `c`, in backticks.
pub(super) fn alternatives<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
