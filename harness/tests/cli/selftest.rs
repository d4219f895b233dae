//! `pns selftest`: its list, and a receiver of each kind; all of them are another matter.

use super::{folder, outcome, pns};

fn selftest(args: &[&str]) -> (i32, String, String) {
    outcome(pns(folder().path()).arg("selftest").args(args))
}

#[test]
fn a_list_tells_bugs_and_unusual_receivers() {
    let (code, out, _) = selftest(&["--list"]);
    assert_eq!(code, 0);
    let kind =
        |name: &str| out.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().nth(1);
    assert_eq!((kind("duplicate-409 "), kind("answers-204 ")), (Some("bug"), Some("unusual")));
}

#[test]
fn a_bug_is_caught_by_the_checks_that_it_names() {
    let (code, out, err) = selftest(&["duplicate-409", "--seed", "1", "--jobs", "1"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("  caught  duplicate-409  delivery/duplicate, "), "{out}");
    assert!(out.contains("1 bug caught, 0 unusual receivers without a false alarm"), "{out}");
}

#[test]
fn a_misspelt_receiver_is_guessed() {
    let (code, out, err) = selftest(&["duplicate-490"]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("did you mean `duplicate-409`?"), "{err}");
}
