//! `pns run` and `pns check` with a pull API beside them, on a receiver in another process that pulls.

use std::fs;

#[cfg(unix)]
use super::wait_for;
use super::{Running, closed_port, file, folder, outcome, pns};

const PULL_KEY: &str = "pull/K3y+Of=Tests";

const PULLED: &str = "
scenario: The RFP is pulled
clause: event-types
requires: pull
subscription: { events: all }
steps:
  - emit: [RFP_SEND, RFP_VIEWED]
    rfp: booking
    save: sent
  - until: delivered
expect:
  - pulled: { of: sent, within: 2s }
";

const TURNED_DOWN: &str = "
scenario: A turn-down comes back
clause: event-types
requires: pull
subscription: { events: all }
steps:
  - emit: RFP_SEND
    save: sent
  - until: delivered
  - pushed_back: RESPONSE_TURN_DOWN
    of: sent
    save: back
  - until: delivered
expect:
  - delivered: back
  - pulled: back
";

/// Flags of a run beside which the API listens at `port`.
fn beside(port: u16) -> Vec<String> {
    let listen = format!("127.0.0.1:{port}");
    ["--cacert", "pns-receiver-ca.pem", "--pull-listen", &listen, "--pull-api-key-file", "pull.key"]
        .map(str::to_owned)
        .to_vec()
}

/// A receiver that pulls from `port`, where nobody listens yet.
fn pulling(folder: &std::path::Path, port: u16, more: &[&str]) -> Running {
    file(folder, "pull.key", PULL_KEY);
    let api = format!("https://127.0.0.1:{port}");
    let args =
        ["--quiet", "--pull", &api, "--pull-api-key-file", "pull.key", "--pull-cacert", "pns-pull-ca.pem"];
    Running::start(folder, &[&args[..], more].concat())
}

#[test]
fn a_run_tells_what_a_receiver_pulled_and_what_came_of_its_acts() {
    let folder = folder();
    let port = closed_port();
    let receiver = pulling(folder.path(), port, &["--turns-down"]);
    file(folder.path(), "pulled.yaml", PULLED);
    file(folder.path(), "turned-down.yaml", TURNED_DOWN);
    let run = |report: &str| {
        let files = ["pulled.yaml", "turned-down.yaml", "--report", report, "--report", "junit=a.xml"];
        outcome(pns(folder.path()).args(["run", "--target", &receiver.url]).args(beside(port)).args(files))
    };
    // Twice: each run has an authority of its own, which the receiver reads anew.
    for report in ["json=a.json", "json=b.json"] {
        let (code, out, err) = run(report);
        assert_eq!(code, 0, "{out}{err}");
        assert!(
            out.contains("2 of 2 pulled after") && err.contains("pull API at https://127.0.0.1:"),
            "{out}{err}"
        );
        assert!(!out.contains(PULL_KEY) && !err.contains(PULL_KEY));
    }
    let text = fs::read_to_string(folder.path().join("b.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["scenarios"][0]["pulls"], serde_json::json!({ "leading": 2, "pulled": 2, "surplus": 0 }));
    assert!(!text.contains(PULL_KEY));
    let junit = fs::read_to_string(folder.path().join("a.xml")).unwrap();
    assert!(junit.contains("2 of 2 pulled after"), "{junit}");
}

#[test]
fn a_second_pull_is_seen_without_a_claim_that_waits_for_it() {
    let folder = folder();
    let port = closed_port();
    let receiver = pulling(folder.path(), port, &["--pulls", "twice"]);
    file(folder.path(), "pulled.yaml", &PULLED.replace("[RFP_SEND, RFP_VIEWED]", "RFP_SEND"));
    let run = ["run", "--target", &receiver.url, "pulled.yaml"];
    let (code, out, _) = outcome(pns(folder.path()).args(run).args(beside(port)));
    assert!(code == 0 && out.contains("1 call more than 1 notification explains"), "{out}");
}

#[test]
fn a_receiver_that_never_pulls_is_not_judged_by_how_often_it_does() {
    let folder = folder();
    let port = closed_port();
    let receiver = pulling(folder.path(), port, &["--pulls", "never"]);
    let check = ["check", "pulls/once", "--target", &receiver.url];
    let (code, out, _) = outcome(pns(folder.path()).args(check).args(beside(port)));
    assert!(code != 1 && out.contains("not judged: nothing was pulled"), "{code}: {out}");
}

#[test]
fn a_base_that_nothing_can_be_pulled_from_is_refused() {
    let folder = folder();
    file(folder.path(), "pull.key", PULL_KEY);
    for (base, wanted) in [
        ("https://h/?x=1", "no query"),
        ("http://h", "HTTPS only"),
        ("ftp://h", "--pull"),
        ("notaurl", "--pull"),
    ] {
        let args = ["receiver", "--pull", base, "--pull-api-key-file", "pull.key"];
        let (code, _, err) = outcome(pns(folder.path()).args(args));
        assert!(code == 2 && err.contains(wanted) && !err.contains("cannot listen"), "{base}: {err}");
    }
}

#[cfg(unix)]
#[test]
fn a_pull_that_fails_is_told_once_with_what_to_do() {
    let folder = folder();
    let port = closed_port();
    let mut receiver = pulling(folder.path(), port, &[]);
    file(folder.path(), "pulled.yaml", &PULLED.replace("2s", "300ms"));
    let sent =
        PULLED.replace("requires: pull\n", "").replace("pulled: { of: sent, within: 2s }", "delivered: sent");
    file(folder.path(), "sent.yaml", &sent);
    let run = ["run", "--target", &receiver.url];
    let plain = ["--cacert", "pns-receiver-ca.pem", "sent.yaml"];
    let (code, out, _) = outcome(pns(folder.path()).args(run).args(plain));
    assert_eq!(code, 0, "{out}");
    wait_for(&mut receiver.stderr, "cannot read `pns-pull-ca.pem`");
    file(folder.path(), "pull.key", "another");
    outcome(pns(folder.path()).args(run).args(beside(port)).arg("pulled.yaml"));
    wait_for(&mut receiver.stderr, "answered 401; the key is not one of the API's");
}

/// The act on the first RFP is accepted before that on the second, and what it leads to is nobody's.
const ECHO: &str = "
scenario: What comes back unasked does not count
clause: event-types
requires: pull
subscription: { events: all, rate_limit: { rate: 10/s } }
steps:
  - emit: RFP_SEND
    save: first
  - until: delivered
  - emit: RFP_SEND
    save: second
  - until: delivered
  - pushed_back: RESPONSE_TURN_DOWN
    of: second
    save: back
  - advance: 1m
  - until: { attempted: 3 }
expect:
  - requests: { exactly: 3 }
  - deliveries: { exactly: 1 }
  - delivered: all
";

#[test]
fn what_comes_back_of_an_act_that_nobody_asked_for_does_not_count() {
    let folder = folder();
    let port = closed_port();
    let receiver = pulling(folder.path(), port, &["--turns-down"]);
    file(folder.path(), "echo.yaml", ECHO);
    let run = ["run", "--target", &receiver.url, "echo.yaml"];
    let (code, out, err) = outcome(pns(folder.path()).args(run).args(beside(port)));
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_receiver_that_never_pulls_breaks_a_claim() {
    let folder = folder();
    let port = closed_port();
    let receiver = pulling(folder.path(), port, &["--pulls", "never"]);
    file(folder.path(), "pulled.yaml", &PULLED.replace("2s", "100ms"));
    let target = ["--target", &receiver.url];
    let (code, out, _) =
        outcome(pns(folder.path()).arg("run").args(target).args(beside(port)).arg("pulled.yaml"));
    assert_eq!(code, 0, "the call is inferred: {out}");
    assert!(out.contains("not pulled within 100ms: no call came"), "{out}");
    assert!(out.contains("nobody is bound to make one"), "{out}");
    file(folder.path(), "pulled.yaml", &PULLED.replace("2s", "100ms, call: rfp"));
    let (code, out, _) =
        outcome(pns(folder.path()).arg("run").args(target).args(beside(port)).arg("pulled.yaml"));
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("not pulled within 100ms: no call came"), "{out}");
    assert!(out.contains(&format!("--pull-listen 127.0.0.1:{port} --pull-api-key-file pull.key")), "{out}");
    let check = ["check", "pulls/after-rfp-send"];
    let (code, out, _) = outcome(pns(folder.path()).args(check).args(target).args(beside(port)));
    assert!(code == 0 && out.contains("RFP_SEND acknowledged, not pulled within 5s: no call came"), "{out}");
}

#[test]
fn two_pulls_of_one_thing_are_told_as_advice() {
    let folder = folder();
    let port = closed_port();
    let receiver = pulling(folder.path(), port, &["--pulls", "twice"]);
    let scenario = PULLED.replace("[RFP_SEND, RFP_VIEWED]", "RFP_SEND");
    let scenario = scenario.replace("within: 2s", "within: 400ms, times: 2");
    file(folder.path(), "pulled.yaml", &scenario);
    let run = ["run", "--target", &receiver.url, "pulled.yaml"];
    let (code, out, _) = outcome(pns(folder.path()).args(run).args(beside(port)));
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("1 pulled again") && out.contains("1 call more than 1 notification explains"),
        "{out}"
    );
    let check = ["check", "pulls/once", "--target", &receiver.url];
    let (code, out, _) = outcome(pns(folder.path()).args(check).args(beside(port)));
    assert_eq!(code, 0, "advice alone is not red: {out}");
    assert!(out.contains("RFP_SEND acknowledged, pulled twice within 1s"), "{out}");
}

#[test]
fn without_a_pull_api_what_needs_one_is_skipped_with_a_note() {
    let folder = folder();
    let receiver = Running::start(folder.path(), &[]);
    file(folder.path(), "pulled.yaml", PULLED);
    let target = ["--target", &receiver.url, "--cacert", "pns-receiver-ca.pem"];
    let (_, out, _) = outcome(pns(folder.path()).args(["run", "pulled.yaml"]).args(target));
    assert!(out.contains("it needs a pull API: `--pull-listen ADDRESS`"), "{out}");
    let (_, out, _) = outcome(pns(folder.path()).args(["check", "pulls"]).args(target));
    assert!(out.contains("pulls are not checked") && out.contains("it needs a pull API"), "{out}");
}

#[test]
fn a_pull_api_that_nobody_could_use_is_refused() {
    let folder = folder();
    file(folder.path(), "pull.key", PULL_KEY);
    let target = ["run", "--target", "https://127.0.0.1:1/"];
    let cases: [(&[&str], &str); 4] = [
        (&["--pull-listen", "127.0.0.1:0"], "needs a key"),
        (&["--pull-listen", "nowhere"], "expected an IP address"),
        (
            &["--pull-listen", "127.0.0.1:0", "--pull-api-key-file", "pull.key", "--jobs", "2"],
            "exclude each other",
        ),
        (
            &["--pull-listen", "127.0.0.1:0", "--pull-api-key-file", "pull.key", "--pull-tls-cert", "c.pem"],
            "needs `--pull-tls-key`",
        ),
    ];
    for (args, wanted) in cases {
        let (code, out, err) = outcome(pns(folder.path()).args(target).args(args));
        assert!(code == 2 && err.contains(wanted), "{args:?}: {out}{err}");
    }
    let embedded = ["run", "--pull-listen", "127.0.0.1:0", "--pull-api-key-file", "pull.key"];
    let (code, _, err) = outcome(pns(folder.path()).args(embedded));
    assert!(code == 2 && err.contains("has a pull API of its own"), "{err}");
}
