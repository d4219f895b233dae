//! `pns run`, from files to exit codes and reports.

use std::fs;
#[cfg(unix)]
use std::io::Read as _;
#[cfg(unix)]
use std::process::Stdio;

use serde_json::Value;

use super::{EPOCH, KEY, Running, closed_port, file, folder, outcome, pns};

const FAILING: &str = "\
scenario: A receiver that always fails
clause: delivery-failure
receiver: { then: { status: 500 } }
steps:
  - emit: RFP_SEND
  - until: delivered
    within: 10m
expect:
  - delivered: all
";

#[test]
fn the_shipped_scenarios_hold_against_the_embedded_receiver() {
    let folder = folder();
    let args = ["run", "--report", "json=report.json,junit=report.xml"];
    let (code, out, err) = outcome(pns(folder.path()).args(args).env("PNS_API_KEY", KEY));
    assert_eq!(code, 0, "{out}{err}");
    let [json, xml] =
        ["report.json", "report.xml"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["exit_code"], 0, "{report:#}");
    assert!(xml.contains("failures=\"0\"") && xml.contains("errors=\"0\""));
    for text in [&out, &err, &json, &xml] {
        assert!(!text.contains(KEY), "the key is in an output");
    }
}

#[test]
fn a_broken_check_is_told_so_that_a_newcomer_can_mend_it() {
    let folder = folder();
    file(folder.path(), "failing.yaml", FAILING);
    let args = ["run", "failing.yaml", "--seed", "7", "--epoch", EPOCH];
    let (code, out, _) = outcome(pns(folder.path()).args(args).env("PNS_API_KEY", KEY));
    assert_eq!(code, 1, "{out}");
    assert!(!out.contains(KEY));
    insta::with_settings!({filters => vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"date: .* GMT", "date: [DATE]"),
        // A column is as wide as its widest latency.
        (r"latency +remarks", "latency  remarks"),
        (r"\d+ µs|\d+\.\d+ ms|\d+\.\d+ s", "[WALL]"),
    ]}, { insta::assert_snapshot!(out) });
}

#[test]
fn whom_nobody_can_reach_nobody_can_judge() {
    let target = format!("https://127.0.0.1:{}/", closed_port());
    let (code, out, err) = outcome(pns(folder().path()).args(["run", "--target", &target]));
    assert_eq!(code, 3);
    assert!((out + &err).contains("is the receiver running?"));
}

#[test]
fn a_key_is_in_no_output_even_when_it_is_wrong() {
    let folder = folder();
    let receiver = Running::start(folder.path(), &["--api-key", "another-key"]);
    let args = ["run", "--tag", "smoke", "--cacert", "pns-receiver-ca.pem", "--target", &receiver.url];
    let reports = "json=a.json,junit=a.xml,tap=a.tap,html=page/,github,github=b.md";
    let reports = ["--verbose", "--report", reports, "--max-failures", "3"];
    let (code, out, err) = outcome(
        pns(folder.path())
            .args(args)
            .args(reports)
            .env("PNS_API_KEY", KEY)
            .env("GITHUB_STEP_SUMMARY", "summary.md"),
    );
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("401"), "{out}");
    for name in ["a.json", "a.xml", "a.tap", "page/index.html", "b.md", "summary.md"] {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains("401") && !text.contains(KEY), "{name}: {text}");
    }
    assert!(!out.contains(KEY) && !err.contains(KEY), "{out}{err}");
}

#[test]
fn github_actions_get_annotations_from_a_log_that_gives_no_orders() {
    let folder = folder();
    file(folder.path(), "failing.yaml", FAILING);
    let run = |args: &[&str]| {
        let mut command = pns(folder.path());
        let (code, out, _) =
            outcome(command.args(["run", "failing.yaml"]).args(args).env("GITHUB_ACTIONS", "true"));
        assert_eq!(code, 1, "{out}");
        out
    };
    let out = run(&[]);
    let token = out.lines().next().unwrap().strip_prefix("::stop-commands::").unwrap();
    let (log, annotations) = out.split_once(&format!("\n::{token}::\n")).unwrap();
    assert!(log.contains("the receiver broke a check") && !log.contains("::error"), "{log}");
    assert!(annotations.starts_with("::error file=failing.yaml,line=6,title="), "{annotations}");
    assert!(!run(&["--report", "no-github"]).contains("::"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130_and_a_report_of_what_was_done() {
    let folder = folder();
    // A quick one, which is in the report, and one that waits for an answer that does not come.
    file(
        folder.path(),
        "a.yaml",
        "scenario: Quick\nclause: delivery-failure\nsteps:\n  - emit: RFP_SEND\n  - until: delivered\nexpect:\n  - delivered: all\n",
    );
    file(
        folder.path(),
        "b.yaml",
        "scenario: Hangs\nclause: delivery-failure\nreceiver: { then: hang }\nsteps:\n  - emit: RFP_SEND\n  \
         - until: delivered\nexpect:\n  - delivered: all\n",
    );
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pns"));
    command.current_dir(folder.path()).env_clear().args([
        "run",
        ".",
        "--jobs",
        "1",
        "--verbose",
        "--ack-timeout",
        "60s",
        "--report",
        "json=report.json",
    ]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The verdict on the first shows that the second began.
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    while !super::line(&mut out).contains("Quick") {}
    super::signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).unwrap()).unwrap();
    let scenarios = report["scenarios"].as_array().unwrap();
    assert!(scenarios.iter().any(|one| one["title"] == "Quick"), "{report:#}");
    assert!(rest.contains("interrupted"), "{rest}");
}

#[test]
fn an_address_that_cannot_be_asked_is_a_usage_error() {
    let out = assert_cmd::Command::new(env!("CARGO_BIN_EXE_pns"))
        .args(["run", "--probe", "nonsense"])
        .assert()
        .code(2);
    let told = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
    assert!(told.contains("`--probe` is no address to ask at") && told.contains("help: "), "{told}");
}
