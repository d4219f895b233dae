//! `pns explain`, of what `pns check` tries.

use super::{folder, outcome, pns};

fn explain(topic: &str) -> (i32, String, String) {
    outcome(pns(folder().path()).args(["explain", topic]))
}

#[test]
fn a_property_is_explained() {
    let (code, text, _) = explain("delivery/duplicate");
    assert_eq!(code, 0);
    insta::assert_snapshot!(text);
}

#[test]
fn a_family_lists_its_properties() {
    let (code, text, _) = explain("delivery");
    assert_eq!(code, 0);
    assert!(text.starts_with("delivery: "), "{text}");
    assert!(text.contains("delivery/burst") && !text.contains("effects/"), "{text}");
}

#[test]
fn every_property_that_is_listed_is_in_the_document() {
    let folder = folder();
    let (_, list, _) = outcome(pns(folder.path()).args(["check", "--list"]));
    let (code, document, _) = outcome(pns(folder.path()).args(["explain", "--markdown"]));
    assert_eq!(code, 0);
    for line in list.lines() {
        let id = line.split_whitespace().next().unwrap();
        assert!(document.contains(id), "{id}");
    }
}

#[test]
fn what_is_misspelt_is_guessed() {
    for (topic, likely) in [
        ("delivery/brust", "did you mean `delivery/burst`?"),
        ("efects", "did you mean `effects`?"),
        ("zzz", "`pns explain` lists them all"),
    ] {
        let (code, out, err) = explain(topic);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(likely), "{err}");
    }
}
