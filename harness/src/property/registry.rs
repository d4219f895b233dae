//! All properties, in the order in which they are tried, and the choice among them.

use std::sync::LazyLock;

use super::family;
use super::kinds::{Family, Property};
use crate::event::Strength;

static ALL: LazyLock<Vec<&'static Property>> = LazyLock::new(|| {
    let families: [&'static [&'static [Property]]; 8] = [
        family::accepts::ALL,
        family::auth::ALL,
        family::rejects::ALL,
        &[family::delivery::ALL],
        family::http::ALL,
        &[family::tls::ALL],
        family::effects::ALL,
        &[family::pulls::ALL],
    ];
    families.into_iter().flatten().copied().flatten().collect()
});

/// All properties, family by family.
#[must_use]
pub fn all() -> &'static [&'static Property] {
    &ALL
}

/// The property of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Property> {
    all().iter().copied().find(|property| property.id == id)
}

/// Which properties are tried. Empty lists select everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Any of these ids or families.
    pub names: Vec<String>,
    /// None of these ids or families.
    pub skipped: Vec<String>,
    /// Any of these tags.
    pub tags: Vec<String>,
    /// At least this binding.
    pub strength: Option<Strength>,
}

impl Selection {
    /// Whether `property` is tried.
    #[must_use]
    pub fn selects(&self, property: &Property) -> bool {
        let named = |names: &[String]| {
            names.iter().any(|name| name == property.id || *name == property.family().name())
        };
        (self.names.is_empty() || named(&self.names))
            && !named(&self.skipped)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| property.tags.contains(&tag.as_str())))
            && self.strength.is_none_or(|least| property.strength >= least)
    }

    /// The first name that is neither an id nor a family.
    #[must_use]
    pub fn unknown_name(&self) -> Option<&str> {
        let is_known = |name: &str| find(name).is_some() || name.parse::<Family>().is_ok();
        self.names.iter().chain(&self.skipped).map(String::as_str).find(|name| !is_known(name))
    }
}

/// All tags of all properties.
#[must_use]
pub fn tags() -> std::collections::BTreeSet<&'static str> {
    all().iter().flat_map(|property| property.tags.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;

    use super::super::kinds::Cases;
    use super::super::setting::{Setting, tests::everything};
    use super::*;
    use crate::scenario::model::{Action, RequestBody};
    use crate::wire::shape::{Pieces, Then};

    /// Every case of a property, or some of those that it draws.
    fn cases(property: &Property, setting: &Setting) -> Vec<crate::property::Case> {
        match property.cases {
            Cases::Fixed(make) => make(setting),
            Cases::Drawn(strategy) => {
                let strategy = strategy(setting).expect("the built-in pack has something to draw");
                let mut runner = TestRunner::deterministic();
                (0..20).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
            }
        }
    }

    #[test]
    fn ids_are_unique_and_begin_with_their_family() {
        let mut seen = BTreeSet::new();
        let mut families = BTreeSet::new();
        for property in all() {
            assert!(seen.insert(property.id), "{} twice", property.id);
            families.insert(property.family());
            let name = property.id.split_once('/').unwrap().1;
            let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(!name.is_empty() && name.chars().all(is_kebab), "{}", property.id);
        }
        assert_eq!(families.len(), Family::ALL.len());
        assert!(all().len() >= 80, "{} properties", all().len());
    }

    #[test]
    fn texts_are_whole_sentences_and_titles_are_not() {
        for property in all() {
            for text in [property.does, property.why, property.mend] {
                assert!(text.ends_with('.') && text.len() > 20, "{}: {text}", property.id);
                assert!(!text.contains("  "), "{}: {text}", property.id);
            }
            let title = property.title;
            assert!(!title.ends_with('.') && title.len() < 100, "{}: {title}", property.id);
        }
    }

    #[test]
    fn every_case_is_a_scenario_file_without_errors() {
        for (with_key, property) in all().iter().flat_map(|property| [(true, *property), (false, *property)])
        {
            let mut setting = everything();
            if !with_key {
                setting.api_key = None;
                setting.key_is_checked = None;
            }
            if property.needs.iter().any(|need| setting.lacks(*need).is_some()) {
                continue;
            }
            let cases = cases(property, &setting);
            assert!(!cases.is_empty(), "{} has no case", property.id);
            for case in cases {
                let text = case.text(property);
                let loaded = crate::scenario::parse("case.yaml", &text);
                let rendered = loaded.render(crate::scenario::Style::Plain);
                assert!(rendered.is_empty(), "{}:\n{text}\n{rendered}", property.id);
                assert_eq!(loaded.scenarios.len(), 1, "{}", property.id);
                does_no_harm(property, &loaded.scenarios[0]);
            }
        }
    }

    /// The limits that the head of every run and docs/properties.md tell.
    fn does_no_harm(property: &Property, scenario: &crate::scenario::Scenario) {
        const BODY_MAX: usize = 2 << 20;
        const STALL_MAX: std::time::Duration = std::time::Duration::from_secs(3);
        let mut held = 0;
        for step in &scenario.steps {
            let Action::Request(request) = &step.action else { continue };
            let course = &request.course;
            let body = match &request.body {
                RequestBody::Text(text) => text.0.as_str().map_or(0, str::len),
                RequestBody::Bytes(bytes) => bytes.len(),
                _ => 0,
            };
            assert!(body + request.pad <= BODY_MAX, "{}: a body of {body} bytes", property.id);
            assert!(course.copies <= 32, "{}: {} at once", property.id, course.copies);
            let pieces = match request.writing.map(|writing| writing.pieces) {
                Some(Pieces::Count(pieces)) => u32::try_from(pieces.get()).unwrap(),
                // A head or a small body, byte by byte.
                Some(Pieces::Bytes) => 1_000,
                None => 0,
            };
            let stall = request.writing.map_or(course.pause, |writing| writing.pause * pieces);
            assert!(stall <= STALL_MAX, "{}: a stall of {stall:?}", property.id);
            if request.stop.is_some_and(|stop| stop.then == Then::Wait) {
                held += course.copies * course.times;
            }
        }
        assert!(held <= 20, "{}: {held} connections held open", property.id);
    }

    #[test]
    fn the_older_pack_has_cases_for_all_but_what_needs_the_newer() {
        let mut setting = everything();
        setting.pack = pns_simulator::schema::Pack::builtin("cvent-2015").unwrap();
        for property in all() {
            if let Cases::Fixed(make) = property.cases {
                // None at all is an answer, too; making them must not panic.
                let _ = make(&setting);
            }
        }
    }
}
