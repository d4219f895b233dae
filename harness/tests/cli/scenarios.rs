//! `pns lint` and `pns run --list`.

use super::{file, folder, outcome, pns};

const GOOD: &str = "\
scenario: One notification
clause: delivery-failure
tags: [own]
steps:
  - emit: RFP_SEND
  - until: delivered
expect:
  - delivered: all
";

const BROKEN: &str = "\
scenario: With slips of the fingers
clause: delivry-failure
steps:
  - emit: RFP_SNED
  - until: deliverd
    within: 5
expect:
  - delivered: all
";

#[test]
fn the_shipped_scenarios_have_no_errors() {
    let (code, out, err) = outcome(pns(folder().path()).arg("lint"));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.ends_with("scenarios, no errors\n"), "{out}");
}

#[test]
fn all_errors_of_all_files_are_told_at_once() {
    let folder = folder();
    file(folder.path(), "good.yaml", GOOD);
    file(folder.path(), "broken.yaml", BROKEN);
    let good = outcome(pns(folder.path()).args(["lint", "good.yaml"]));
    assert_eq!(good, (0, "1 file, 1 scenario, no errors\n".to_owned(), String::new()));
    let (code, out, err) = outcome(pns(folder.path()).args(["lint", "good.yaml", "broken.yaml", "god.yaml"]));
    assert_eq!((code, err.as_str()), (2, ""));
    insta::assert_snapshot!(out);
}

#[test]
fn machines_read_an_error_a_line() {
    let folder = folder();
    file(folder.path(), "broken.yaml", BROKEN);
    let (code, out, _) = outcome(pns(folder.path()).args(["lint", "--error-format", "json", "broken.yaml"]));
    assert_eq!(code, 2);
    let errors: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(errors.len() >= 4, "{out}");
    assert_eq!((&errors[0]["file"], &errors[0]["line"]), (&"broken.yaml".into(), &2.into()));
}

#[test]
fn a_run_of_broken_files_is_a_usage_error_and_runs_nothing() {
    let folder = folder();
    file(folder.path(), "good.yaml", GOOD);
    file(folder.path(), "broken.yaml", BROKEN);
    let (code, out, err) = outcome(pns(folder.path()).args(["run", "."]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("broken.yaml:2:9") && err.contains("did you mean `delivery-failure`?"), "{err}");
    assert!(err.ends_with("nothing was run\n") && !err.contains("\u{1b}["), "{err}");
}

#[test]
fn colours_are_used_when_asked_for() {
    let folder = folder();
    file(folder.path(), "broken.yaml", BROKEN);
    let coloured = |args: &[&str]| {
        let (_, out, err) = outcome(pns(folder.path()).args(args));
        (out + &err).contains("\u{1b}[")
    };
    for command in [["lint", "broken.yaml"], ["run", "broken.yaml"], ["explain", "nonsense"]] {
        assert!(coloured(&[&["--color", "always"][..], &command].concat()), "{command:?}");
        assert!(!coloured(&[&["--color", "never"][..], &command].concat()), "{command:?}");
        assert!(!coloured(&command), "{command:?}");
    }
}

#[test]
fn a_list_tells_what_would_run() {
    let folder = folder();
    file(folder.path(), "good.yaml", GOOD);
    let (code, out, err) = outcome(pns(folder.path()).args(["run", "--list", "good.yaml"]));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "good  One notification  own\n", "1 scenario\n"));
    let (code, out, err) = outcome(pns(folder.path()).args(["run", "--list", "--tag", "auth"]));
    assert_eq!(code, 0);
    assert!(out.lines().count() > 3 && out.lines().all(|line| line.contains("auth")), "{out}");
    assert!(err.contains("filtered out"), "{err}");
}

#[test]
fn a_list_of_nothing_is_inconclusive_and_says_why() {
    for (args, hint) in [
        (["--tag", "auht"], "did you mean `auth`?"),
        (["--tag", "zzz"], "there are "),
        (["--name", "no scenario is called so"], "`pns run --list` without"),
    ] {
        let (code, out, err) = outcome(pns(folder().path()).args(["run", "--list"]).args(args));
        assert_eq!((code, out.as_str()), (3, ""), "{err}");
        assert!(err.contains(hint), "{err}");
    }
}
