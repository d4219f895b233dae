//! Annotations: workflow commands, one per finding.

use super::super::Collected;
use super::super::collect::CollectedScenario;
use super::super::standing::{Finding, Standing, findings};
use super::super::text::{count, printable, reproduced};
use crate::event::{CheckFailure, Location, Subject};
use crate::redact::Redactor;

/// Of each kind GitHub shows so many in a step and drops the others.
const SHOWN_MAX: usize = 10;

/// One annotation: a problem of the run.
struct Annotation {
    title: String,
    message: String,
    location: Option<Location>,
}

/// The commands, a line each, the worst first.
pub(super) fn annotations(run: &Collected, redactor: &Redactor) -> String {
    // What speaks against the harness, what speaks against the receiver, and what only wants a note taken away.
    let (mut errors, mut warnings, mut mended) = (Vec::new(), Vec::new(), Vec::new());
    for scenario in &run.scenarios {
        match scenario.standing() {
            Standing::Error => errors.push(whole(scenario)),
            Standing::UnexpectedPass => mended.push(whole(scenario)),
            Standing::Inconclusive => warnings.push(whole(scenario)),
            Standing::Failed if !has_findings(scenario) => errors.push(whole(scenario)),
            Standing::Failed
            | Standing::Unfinished
            | Standing::Warned
            | Standing::ExpectedFailure
            | Standing::Skipped
            | Standing::Passed => {}
        }
    }
    for finding in findings(run) {
        let list = if finding.red { &mut errors } else { &mut warnings };
        list.push(of_finding(run.subject(), &finding));
    }
    errors.append(&mut mended);
    let mut text = String::new();
    for (command, list) in [("error", &errors), ("warning", &warnings)] {
        for annotation in list.iter().take(SHOWN_MAX) {
            text.push_str(&annotation.command(command, redactor));
        }
    }
    let left = errors.len().saturating_sub(SHOWN_MAX) + warnings.len().saturating_sub(SHOWN_MAX);
    if left > 0 {
        let more = format!("{} in the step summary", count(left as u64, "more annotation"));
        text.push_str(&format!("::notice title=pns::{more}\n"));
    }
    text
}

fn has_findings(scenario: &CollectedScenario) -> bool {
    scenario.finished.iter().flat_map(|finished| &finished.checks).any(|check| check.verdict.is_broken())
}

fn whole(scenario: &CollectedScenario) -> Annotation {
    let standing = scenario.standing();
    let reason = scenario.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    Annotation {
        title: format!("{} {}", standing.word(), scenario.started.id),
        message: format!("{}\n{}{reason}", scenario.started.title, standing.remark()),
        location: scenario.started.location.clone(),
    }
}

fn of_finding(subject: Subject, finding: &Finding<'_>) -> Annotation {
    let Finding { scenario, check, .. } = finding;
    let nothing = CheckFailure::default();
    let failure = check.failure.as_deref().unwrap_or(&nothing);
    let what = match subject {
        Subject::Scenarios => format!("{}: {}", scenario.started.title, check.title),
        Subject::Checks => scenario.started.title.clone(),
    };
    let mut lines = vec![what, format!("expected {}", failure.expected), format!("found {}", failure.found)];
    lines.extend(failure.reproduced.map(reproduced));
    lines.push(failure.explanation.clone());
    lines.push(format!("Cvent’s page, {}", check.clause.heading()));
    if !failure.repeat.is_empty() {
        lines.push(format!("repeat: {}", failure.repeat));
    }
    lines.retain(|line| !line.is_empty());
    Annotation {
        title: format!("{} ({})", scenario.started.id, check.strength.name()),
        message: lines.join("\n"),
        location: check.location.clone().or_else(|| scenario.started.location.clone()),
    }
}

impl Annotation {
    fn command(&self, command: &str, redactor: &Redactor) -> String {
        let clean = |text: &str| printable(&redactor.redact(text)).into_owned();
        let place = self.location.as_ref().map_or_else(String::new, |place| {
            format!("file={},line={},", property(&clean(&place.file)), place.line)
        });
        format!(
            "::{command} {place}title={}::{}\n",
            property(&clean(&self.title)),
            data(&clean(&self.message))
        )
    }
}

/// As `escapeData` of GitHub's toolkit.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As `escapeProperty` of GitHub's toolkit.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_cannot_leave_its_place() {
        let annotation = Annotation {
            title: "a:b,c\n::error::x".to_owned(),
            message: "100%\r\n::set-output name=x::y".to_owned(),
            location: Some(Location { file: "a,b:c.yaml".to_owned(), line: 3 }),
        };
        assert_eq!(
            annotation.command("error", &Redactor::default()),
            "::error file=a%2Cb%3Ac.yaml,line=3,title=a%3Ab%2Cc%0A%3A%3Aerror%3A%3Ax::100%25%0A::set-output name=x::y\n"
        );
    }
}
