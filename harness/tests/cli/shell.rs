//! Help, usage, settings and errors.

use std::fs;
#[cfg(unix)]
use std::process::Command;

use super::{KEY, folder, outcome, pns};

#[test]
fn version_is_on_standard_output() {
    let (code, out, err) = outcome(pns(folder().path()).arg("--version"));
    assert_eq!((code, out.as_str(), err.as_str()), (0, concat!("pns ", env!("CARGO_PKG_VERSION"), "\n"), ""));
}

#[test]
fn help_names_commands_exit_codes_and_the_environment() {
    let (code, out, _) = outcome(pns(folder().path()).arg("--help"));
    assert_eq!(code, 0);
    for part in
        ["run", "explain", "completions", "Exit codes:", "130  interrupted", "PNS_TARGET", "Examples:"]
    {
        assert!(out.contains(part), "no {part:?} in\n{out}");
    }
}

#[test]
fn help_of_run_is_grouped_and_shows_no_secret() {
    let (code, out, _) = outcome(pns(folder().path()).args(["run", "--help"]).env("PNS_API_KEY", KEY));
    assert_eq!(code, 0);
    for heading in ["Receiver:", "Course of the run:", "Selection:", "Output:", "Exit codes:"] {
        assert!(out.contains(heading), "no {heading:?} in\n{out}");
    }
    assert!(!out.contains(KEY), "{out}");
}

#[test]
fn wrong_usage_exits_2_and_says_what_was_meant() {
    let folder = folder();
    for (args, likely) in [
        (vec!["run", "--tagret", "https://h"], "--target"),
        (vec!["explian"], "explain"),
        (vec!["run", "--clock", "fast"], "60x"),
        (vec!["run", "--report", "xml=x"], "`html`, `junit`, `json`, `tap` or `github`"),
        (vec!["run", "--jobs", "0"], "--jobs"),
        (vec!["run", "--ack-timeout", "30"], "30s"),
        (vec!["run", "--target", "hotel.example"], "https://hotel.example"),
        (vec!["run", "--report", "json=no/such/folder/x.json"], "no/such/folder/x.json"),
        (vec!["run", "--cacert", "none.pem"], "none.pem"),
        (vec!["explain", "delivry-failure"], "did you mean `delivery-failure`?"),
    ] {
        let (code, _, err) = outcome(pns(folder.path()).args(&args));
        assert_eq!(code, 2, "{args:?}: {err}");
        assert!(err.contains(likely), "{args:?}: {err}");
    }
}

#[test]
fn a_secret_is_in_no_error() {
    let folder = folder();
    let (code, out, err) =
        outcome(pns(folder.path()).args(["run", "--target", "https://me:hunter2@hotel.example"]));
    assert_eq!(code, 2);
    assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{err}");
    let (code, out, err) = outcome(pns(folder.path()).args(["run", "--api-key", "s3cret with spaces"]));
    assert_eq!(code, 2);
    assert!(!out.contains("s3cret") && !err.contains("s3cret"), "{err}");
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    // Which value wins shows in the error that each wrong one causes.
    let folder = folder();
    let error = |args: &[&str], env: Option<&str>| {
        let mut command = pns(folder.path());
        command.arg("run").args(args);
        if let Some(value) = env {
            command.env("PNS_TARGET", value);
        }
        let (code, _, err) = outcome(&mut command);
        assert_eq!(code, 2, "{err}");
        err
    };
    fs::write(folder.path().join("pns.toml"), "target = 'file'\n").unwrap();
    assert!(error(&[], None).contains("https://file"));
    assert!(error(&[], Some("environment")).contains("https://environment"));
    assert!(error(&["--target", "flag"], Some("environment")).contains("https://flag"));
    fs::write(folder.path().join("other.toml"), "target = 'other'\n").unwrap();
    assert!(error(&["--config", "other.toml"], None).contains("https://other"));
    assert!(error(&["--config", "none.toml"], None).contains("none.toml"));
}

#[test]
fn a_run_of_nothing_is_inconclusive_and_its_reports_hold_no_secret() {
    let folder = folder();
    let (code, out, err) = outcome(
        pns(folder.path())
            .args(["run", "--name", "no scenario has this name", "--report", "json=a.json,junit=a.xml"])
            .env("PNS_API_KEY", KEY),
    );
    assert_eq!(code, 3, "{err}");
    let files = ["a.json", "a.xml"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    assert!(files[0].contains("pns-report/1") && files[1].contains("<testsuites"));
    for text in [&out, &err, &files[0], &files[1]] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[test]
fn a_key_is_taken_from_a_file_without_the_editors_line_feed() {
    let folder = folder();
    fs::write(folder.path().join("key.txt"), format!("{KEY}\n")).unwrap();
    fs::write(folder.path().join("bad.txt"), "two words\n").unwrap();
    let run = |file: &str| {
        outcome(pns(folder.path()).args([
            "run",
            "--name",
            "no scenario has this name",
            "--api-key-file",
            file,
        ]))
    };
    assert_eq!(run("key.txt").0, 3);
    let (code, _, err) = run("bad.txt");
    assert_eq!(code, 2);
    assert!(err.contains("bad.txt") && !err.contains("two words"), "{err}");
}

#[test]
fn an_unknown_setting_is_told_with_its_line() {
    let folder = folder();
    fs::write(folder.path().join("pns.toml"), "seed = 1\ntagret = 'x'\n").unwrap();
    let (code, _, err) = outcome(pns(folder.path()).arg("run"));
    assert_eq!(
        (code, err.as_str()),
        (2, "error: pns.toml:2: unknown setting `tagret`\nhelp: did you mean `target`?\n")
    );
}

#[test]
fn explain_lists_and_explains() {
    let folder = folder();
    let (code, list, _) = outcome(pns(folder.path()).arg("explain"));
    assert_eq!(code, 0);
    assert!(list.contains("within-rate-limit") && list.contains("november-2016"), "{list}");
    let (code, text, _) = outcome(pns(folder.path()).args(["explain", "attempts"]));
    assert_eq!(code, 0);
    insta::assert_snapshot!(text);
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = outcome(pns(folder().path()).args(["completions", shell]));
        assert_eq!(code, 0);
        assert!(script.contains("explain"), "{shell}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let binary = env!("CARGO_BIN_EXE_pns");
    let script = format!("{{ {binary} explain; echo $? >&2; }} | true");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "0");
}
