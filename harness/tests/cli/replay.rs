//! `pns replay`: what `pns check` saved, again.

use std::fs;
#[cfg(unix)]
use std::io::Read as _;
#[cfg(unix)]
use std::process::Stdio;

use super::faulty::{Bug, Faulty};
use super::{closed_port, file, folder, outcome, pns};

#[test]
fn a_saved_failure_still_fails_until_it_is_mended() {
    let folder = folder();
    let receiver = Faulty::start(Bug::RefusesDuplicates);
    let run = |args: &[&str]| outcome(pns(folder.path()).args(args).args(receiver.target()));
    let check = ["check", "delivery/duplicate", "delivery/duplicate-later", "--save-failures", "failures"];
    assert_eq!(run(&check).0, 1);
    let names: Vec<_> = fs::read_dir(folder.path().join("failures")).unwrap().collect();
    assert_eq!(names.len(), 2, "{names:?}");

    let (code, out, err) = run(&["replay", "failures"]);
    assert_eq!(code, 1, "{out}{err}");
    assert_eq!(out.matches("STILL FAILS   failures/delivery-duplicate").count(), 2, "{out}");
    assert!(out.contains("3 of 3 times"), "{out}");
    // They are ordinary scenario files.
    let (code, out, _) = run(&["run", "failures"]);
    assert!(code == 1 && out.contains("status 409"), "{out}");

    receiver.mend();
    let (code, out, err) = run(&["replay", "failures", "--times", "2"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(out.matches("FIXED         failures/delivery-duplicate").count(), 2, "{out}");
    assert_eq!(run(&["run", "failures"]).0, 0);
}

/// Fails on a receiver that refuses duplicates, as it fails on one that refuses everything.
const FAILURE: &str = "\
scenario: A notification comes twice
clause: delivery-failure
steps:
  - request: {}
    save: first
  - request: { same: first }
";

#[test]
fn a_failure_says_nothing_of_a_receiver_that_accepts_nothing() {
    let folder = folder();
    file(folder.path(), "failure.yaml", FAILURE);
    let replay = |args: &[&str]| outcome(pns(folder.path()).args(["replay", "failure.yaml"]).args(args));
    let keyed = Faulty::start(Bug::WantsKey);
    let (code, out, err) = replay(&keyed.target());
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("INCONCLUSIVE  failure.yaml") && out.contains("wants a key"), "{out}");
    let target = format!("https://127.0.0.1:{}/", closed_port());
    let (code, out, _) = replay(&["--target", &target]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("INCONCLUSIVE  failure.yaml") && out.contains("is the receiver running?"), "{out}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130_and_an_answer_for_each_file() {
    let folder = folder();
    file(folder.path(), "a.yaml", "scenario: Quick\nclause: delivery-failure\nsteps:\n  - request: {}\n");
    file(folder.path(), "b.yaml", FAILURE);
    let receiver = Faulty::start(Bug::Hangs);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pns"));
    command.current_dir(folder.path()).env_clear().args(["replay", "a.yaml", "b.yaml"]);
    command.args(["--verbose", "--ack-timeout", "60s"]).args(receiver.target());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    // The verdict on the first shows that the second began.
    super::wait_for(&mut out, "PASS  Quick");
    super::signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("interrupted") && rest.contains("FIXED         a.yaml"), "{rest}");
    assert!(rest.contains("INCONCLUSIVE  b.yaml"), "{rest}");
}

#[test]
fn the_embedded_receiver_is_not_taken_for_the_users() {
    let folder = folder();
    file(folder.path(), "failure.yaml", FAILURE);
    let (code, out, err) = outcome(pns(folder.path()).args(["replay", "failure.yaml"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("FIXED") && err.contains("warning: this was the embedded receiver"), "{out}{err}");
}

#[test]
fn wrong_usage_exits_2() {
    let folder = folder();
    file(folder.path(), "bad.yaml", "scenario: Nothing\n");
    file(folder.path(), "failure.yaml", FAILURE);
    for (args, likely) in [
        (&["replay"][..], "<PATHS>"),
        (&["replay", "none"], "`none` does not exist"),
        (&["replay", "bad.yaml"], "bad.yaml"),
        (&["replay", "failure.yaml", "--times", "1001"], "more than 1000"),
        (&["replay", "failure.yaml", "--times", "0"], "--times"),
    ] {
        let (code, out, err) = outcome(pns(folder.path()).args(args));
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(likely), "{args:?}: {err}");
    }
}
