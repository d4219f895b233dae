//! `pns load`, from arguments to exit codes and reports. No test judges how fast anything is.

#[cfg(unix)]
use std::collections::BTreeMap;
use std::fs;
#[cfg(unix)]
use std::io::{BufRead as _, BufReader};
use std::path::Path;
#[cfg(unix)]
use std::process::Stdio;
#[cfg(unix)]
use std::thread::JoinHandle;

use serde_json::Value;

use super::{KEY, Running, closed_port, file, folder, outcome, pns};

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// Fails with this error and help, before anything is sent.
fn refused(args: &[&str]) -> (i32, String) {
    let (code, out, err) = outcome(pns(folder().path()).arg("load").args(args));
    assert_eq!(out, "");
    (code, err)
}

#[test]
fn help_is_grouped_and_has_examples() {
    let (code, out, _) = outcome(pns(folder().path()).args(["load", "--help"]).env("PNS_API_KEY", KEY));
    assert_eq!(code, 0);
    for part in [
        "Load:",
        "Connections:",
        "Verdict:",
        "More than one machine:",
        "merge",
        "pns load --find-max",
        "Exit codes:",
        "PNS_LOAD_RATE",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    assert!(!out.contains(KEY) && !out.contains("JOB_COMPLETION_INDEX"));
}

#[test]
fn what_cannot_be_is_told_before_anything_is_sent() {
    for (args, error) in [
        (&["--find-max", "--drain", "5"][..], "error: `--find-max` and `--drain` are two different runs\n"),
        (
            &["--closed", "--rate", "5/s"],
            "error: `--closed` takes no `--rate`: how fast it goes, the receiver's answers decide\n",
        ),
        (
            &["--shape", "trace"],
            "error: `--shape`: `trace` is no shape; there are constant, ramp, burst, sine and trace\nhelp: a trace is \
             named with its file: `--shape trace:FILE`\n",
        ),
        (
            &["--segment", "2/5"],
            "error: `--segment 2/5` needs a `--seed`\nhelp: the same for all segments: without it, each sends \
             notifications of another run\n",
        ),
        (
            &["--fail-on", "p99>+20%"],
            "error: `--fail-on p99>+20%` has nothing to compare with\nhelp: `--baseline FILE` names an earlier result \
             (`--report json=FILE`)\n",
        ),
        (
            &["--target", "https://192.0.2.1/pns"],
            "error: `192.0.2.1` is at the public address 192.0.2.1: load runs are not sent there by themselves\nhelp: \
             if it is yours to try, say so: `--allow-host 192.0.2.1`\n",
        ),
        (&["merge", "none.json"], "error: cannot use `none.json`: No such file or directory (os error 2)\n"),
    ] {
        assert_eq!(refused(args), (2, error.to_owned()), "{args:?}");
    }
    let (code, err) = refused(&["--start-at", "2026-01-31T08:00:00Z"]);
    assert!(code == 2 && err.contains("`--start-at` 2026-01-31T08:00:00.000Z is past"), "{err}");
    let (code, err) = refused(&["--mix", "RFP_SENT=2"]);
    assert!(code == 2 && err.contains("`RFP_SENT` is not one of the 33 PNS event types"), "{err}");
    let (code, err) = refused(&["--report", "junit=pns.xml"]);
    assert!(code == 2 && err.contains("a load run has no report `junit`"), "{err}");
}

#[test]
fn an_unreachable_target_is_no_verdict() {
    let target = format!("https://127.0.0.1:{}/pns", closed_port());
    let (code, err) = refused(&["--target", &target, "--accept", "99%"]);
    assert!(code == 3 && err.contains("the target did not come up"), "{err}");
}

#[test]
fn the_settings_file_has_a_table_for_load_runs() {
    let folder = folder();
    file(folder.path(), "pns.toml", "[load]\nrate = 'fast'\n");
    let (code, _, err) = outcome(pns(folder.path()).arg("load"));
    assert!(code == 2 && err.starts_with("error: setting `load.rate`: "), "{err}");
}

#[test]
fn without_a_target_it_says_that_it_is_no_measurement() {
    let folder = folder();
    let args = [
        "load",
        "--rate",
        "50/s",
        "--duration",
        "1s",
        "--seed",
        "7",
        "--accept",
        "99%",
        "--redeliver",
        "10%",
    ];
    let reports = ["--report", "json=a.json,html=a.html"];
    let (code, out, err) = outcome(pns(folder.path()).args(args).args(reports).env("PNS_API_KEY", KEY));
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.starts_with("note: no --target: the embedded receiver is loaded"), "{err}");
    for part in [
        "loads the embedded receiver",
        "no measurement of a receiver of yours",
        "open model: 50/s, constant, for 1 s",
        "mix equal, 10% of them duplicates, seed 7",
        "50 requests, all that were due",
        " HELD  acceptance ≥ 99%",
        "what was demanded held",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let document = json(folder.path(), "a.json");
    assert_eq!(document["format"], "pns-load/1");
    assert_eq!(
        (&document["totals"]["acknowledged"], &document["settings"]["target"]),
        (&50.into(), &Value::Null)
    );
    let page = fs::read_to_string(folder.path().join("a.html")).unwrap();
    assert!(page.contains("What was demanded held") && page.contains("<svg") && !page.contains("<script"));
    for text in [out, err, page, document.to_string()] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[test]
fn a_receiver_that_asks_for_less_is_told_from_a_broken_one() {
    let folder = folder();
    let receiver = Running::start(folder.path(), &["--rate-limit", "5:5", "--quiet"]);
    let mut command = pns(folder.path());
    command.args(["load", "--target", &receiver.url, "--cacert", "pns-receiver-ca.pem"]);
    let (code, out, err) = outcome(command.args(["--rate", "50/s", "--duration", "1s", "--accept", "99%"]));
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("slow-down-429  the receiver asks to be sent less"), "{out}");
    assert!(out.contains("BROKE  acceptance ≥ 99%") && out.contains("no API key"), "{out}");
}

#[test]
fn results_are_compared_with_a_baseline() {
    let folder = folder();
    let run = ["load", "--rate", "50/s", "--duration", "1s", "--report", "json=a.json"];
    assert_eq!(outcome(pns(folder.path()).args(run)).0, 0);
    let merge = |args: &[&str]| outcome(pns(folder.path()).args(["load", "merge", "a.json"]).args(args));
    let (code, out, err) = merge(&["--baseline", "a.json", "--fail-on", "rate<-5%,accept<-0.1%"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains(" HELD  not rate<-5% of the baseline"), "{out}");
    // A baseline of other settings says so.
    let other = fs::read_to_string(folder.path().join("a.json"))
        .unwrap()
        .replace("\"rate\": \"50/s\"", "\"rate\": \"5/s\"");
    file(folder.path(), "other.json", &other);
    let (_, out, _) = merge(&["--baseline", "other.json", "--fail-on", "rate<-5%"]);
    assert!(out.contains("the baseline is of another run: rate 5/s then, 50/s now"), "{out}");
    let (code, out, _) = merge(&["--p50", "1ms", "--min-rate", "100000/s"]);
    assert!(code == 1 || code == 3, "{out}");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_ended_early_tells_what_it_measured() {
    // By a terminal, and by Kubernetes.
    for signal in ["-INT", "-TERM"] {
        let folder = folder();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pns"));
        let args = ["load", "--duration", "10m", "--report", "json=a.json"];
        command.current_dir(folder.path()).env_clear().args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        super::wait_for(&mut BufReader::new(child.stderr.take().unwrap()), "accepted");
        super::signal(&child, signal);
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{out}");
        assert!(out.contains("interrupted: the figures are of a part of the run"), "{out}");
        assert_eq!(json(folder.path(), "a.json")["complete"], false);
    }
}

/// A receiver, and how often it was sent each notification.
#[cfg(unix)]
struct Watched {
    receiver: Running,
    seen: JoinHandle<BTreeMap<String, u64>>,
}

#[cfg(unix)]
impl Watched {
    fn start(folder: &Path) -> Self {
        let mut receiver = Running::start(folder, &["--json"]);
        let lines = BufReader::new(receiver.child.stdout.take().unwrap()).lines();
        let seen = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            for line in lines.map_while(Result::ok) {
                let request: Value = serde_json::from_str(&line).unwrap();
                let id = request["eventId"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
                *seen.entry(id).or_default() += 1;
            }
            seen
        });
        Self { receiver, seen }
    }

    /// Ends it in order, so that it has told of each request.
    fn end(mut self) -> BTreeMap<String, u64> {
        super::signal(&self.receiver.child, "-INT");
        assert!(self.receiver.child.wait().unwrap().success());
        self.seen.join().unwrap()
    }
}

/// A run of 600 arrivals of which 30 repeat others.
#[cfg(unix)]
const RUN: [&str; 13] = [
    "--rate",
    "200/s",
    "--duration",
    "3s",
    "--redeliver",
    "5%",
    "--mix",
    "lifecycle",
    "--seed",
    "7",
    "--ack-timeout",
    "60s",
    "--no-progress",
];

#[cfg(unix)]
#[test]
fn five_segments_in_five_processes_are_the_run_of_one() {
    let folder = folder();
    let receiver = Watched::start(folder.path());
    let target = receiver.receiver.url.clone();
    let load = |report: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pns"));
        command.current_dir(folder.path()).env_clear().arg("load").args(RUN).args(["--report", report]);
        command.args(["--target", &target, "--cacert", "pns-receiver-ca.pem"]).stdout(Stdio::null());
        command
    };
    let started = (0..5).map(|index| {
        let mut command = load(&format!("json={index}.json"));
        // As an Indexed Job does.
        command.args(["--segment", "auto/5"]).env("JOB_COMPLETION_INDEX", index.to_string());
        command.stderr(Stdio::piped()).spawn().unwrap()
    });
    for child in started.collect::<Vec<_>>() {
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{err}");
        assert!(err.contains("without --start-at each segment begins when it is ready"), "{err}");
    }
    let by_five = receiver.end();
    let receiver = Watched::start(folder.path());
    let target = receiver.receiver.url.clone();
    let load = |report: &str| {
        let mut command = pns(folder.path());
        command.arg("load").args(RUN).args(["--report", report, "--target", &target]);
        command.args(["--cacert", "pns-receiver-ca.pem"]);
        command
    };
    let (code, out, err) = outcome(&mut load("json=one.json"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let by_one = receiver.end();
    assert_eq!(by_five.len(), 570);
    assert_eq!(by_five, by_one, "each notification as often as by one process");

    let merge = |files: &[&str]| {
        let arguments = ["--accept", "100%", "--report", "json=all.json,html=all.html"];
        outcome(pns(folder.path()).args(["load", "merge"]).args(files).args(arguments))
    };
    let (code, out, err) = merge(&["0.json", "1.json", "2.json", "3.json", "4.json"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("1/5, 2/5, 3/5, 4/5, 5/5") && out.contains("600 requests, all that were due"),
        "{out}"
    );
    let (all, one) = (json(folder.path(), "all.json"), json(folder.path(), "one.json"));
    for count in ["arrivals", "sent", "acknowledged", "slowed", "failed", "not_sent"] {
        assert_eq!(all["totals"][count], one["totals"][count], "{count}");
    }
    assert_eq!((&all["latency"]["count"], &all["lateness"]["count"]), (&600.into(), &600.into()));
    assert!(fs::read_to_string(folder.path().join("all.html")).unwrap().contains("<svg"));

    let (code, _, err) = merge(&["0.json", "1.json", "0.json"]);
    assert_eq!(code, 2);
    assert!(err.contains("document 3 holds segment 1/5, which another holds already"), "{err}");
    assert!(err.contains("help: document 3 is `0.json`"), "{err}");
    let (code, out, _) = merge(&["0.json", "4.json"]);
    assert!(code == 3 && out.contains("inconclusive: not all segments of the run are here"), "{out}");
    assert!(out.contains("not the whole run: without segment 2/5, 3/5, 4/5"), "{out}");
}

#[test]
fn the_job_for_kubernetes_gives_arguments_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kubernetes/load-job.yaml");
    let job = fs::read_to_string(path).unwrap();
    let argument =
        |line: &str| line.trim().strip_prefix("- ").filter(|one| one.starts_with("--")).map(str::to_owned);
    let arguments: Vec<String> = job.lines().filter_map(argument).collect();
    assert!(arguments.len() > 4, "{arguments:?}");
    let arguments =
        arguments.iter().map(|one| one.replace("START_AT", "2026-01-31T08:00:00Z").replace("SEED", "7"));
    let folder = folder();
    let mut command = pns(folder.path());
    command
        .arg("load")
        .args(arguments.filter(|one| !one.starts_with("--report")))
        .env("JOB_COMPLETION_INDEX", "3");
    let (code, _, err) = outcome(&mut command);
    assert!(code == 2 && err.contains("`--start-at` 2026-01-31T08:00:00.000Z is past"), "{err}");
}
