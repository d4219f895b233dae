//! `pns send`.

use super::{EPOCH, KEY, Running, closed_port, folder, outcome, pns};

/// `pns send` of pinned bodies.
fn send(folder: &std::path::Path, args: &[&str]) -> (i32, String, String) {
    let pinned = ["send", "--seed", "7", "--epoch", EPOCH];
    outcome(pns(folder).args(pinned).args(args).env("PNS_API_KEY", KEY))
}

#[test]
fn a_dry_run_shows_the_request_without_the_key() {
    let folder = folder();
    let target = ["--target", "https://hotel.example:8443/pns?a=b"];
    let events = ["RFP_SEND", "PLANNER_CANCEL", "--set", "rfpId=5a5ab7e4-6f0a-4b4c-8c52-8f0f2f5d9d5e"];
    let (code, out, err) =
        send(folder.path(), &[&events[..], &target, &["--dry-run", "-H", "X-Trial: 1"]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out);
    let (_, pretty, _) = send(folder.path(), &["RFP_SEND", "--dry-run", "--pretty"]);
    assert!(pretty.contains("\n  \"eventType\": \"RFP_SEND\",\n"), "{pretty}");
}

#[test]
fn curl_commands_take_the_key_from_the_environment() {
    let folder = folder();
    let args = ["MESSAGE_PLANNER_TO_SUPPLIER", "--set", "messageDetails.body=it's", "--curl"];
    let (code, out, err) = send(folder.path(), &args);
    assert_eq!(
        (code, err.as_str()),
        (0, "note: without --target, shown for `https://receiver.example/pns`\n")
    );
    insta::assert_snapshot!(out);
}

#[test]
fn a_notification_is_acknowledged() {
    let folder = folder();
    let receiver = Running::start(folder.path(), &["--api-key", KEY]);
    let target = ["--target", &receiver.url, "--cacert", "pns-receiver-ca.pem"];
    let (code, out, err) = send(folder.path(), &[&["all", "--count", "2"][..], &target].concat());
    assert_eq!(code, 0, "{out}{err}");
    let acknowledged = out.lines().filter(|line| line.contains("  acknowledged  200  ")).count();
    assert_eq!(acknowledged, 66, "{out}");
    assert_eq!(err, "66 notifications: 66 acknowledged (seed 7)\n");
    assert!(!out.contains(KEY));
}

#[test]
fn a_wrong_key_is_not_acknowledged_and_the_receiver_told_why() {
    let folder = folder();
    let receiver = Running::start(folder.path(), &["--api-key", "another-key"]);
    let target = ["--target", &receiver.url, "--cacert", "pns-receiver-ca.pem"];
    let (code, out, err) = send(folder.path(), &[&["RFP_SEND", "RFP_FORWARD"][..], &target].concat());
    assert_eq!(code, 1);
    assert_eq!(out.matches("not acknowledged  401").count(), 2, "{out}");
    // Advice is given once.
    assert_eq!(out.matches("did not accept the authorization").count(), 1, "{out}");
    assert_eq!(err, "2 notifications: 0 acknowledged, 2 not (seed 7)\n");
    assert!(!out.contains(KEY) && !err.contains(KEY));
}

#[test]
fn whom_nobody_can_reach_nobody_can_judge() {
    let folder = folder();
    let closed = format!("https://127.0.0.1:{}/", closed_port());
    for (args, words) in [
        (vec!["--target", &closed], "is the receiver running?"),
        (vec!["--target", "http://127.0.0.1:1/"], "rehearse with `--allow-http`"),
    ] {
        let (code, out, err) = send(folder.path(), &[&["RFP_SEND", "RFP_FORWARD"][..], &args].concat());
        assert_eq!(code, 3, "{out}{err}");
        assert!(out.contains("unreachable") && out.contains(words), "{out}");
        assert_eq!(err, "2 notifications: 0 acknowledged, 2 not sent (seed 7)\n");
    }
    let receiver = Running::start(folder.path(), &[]);
    let (code, out, _) = send(folder.path(), &["RFP_SEND", "--target", &receiver.url]);
    assert_eq!(code, 3);
    assert!(out.contains("`--cacert FILE`"), "{out}");
}

#[test]
fn not_to_verify_is_said_aloud() {
    let folder = folder();
    let receiver = Running::start(folder.path(), &[]);
    let (code, _, err) = send(folder.path(), &["RFP_SEND", "-k", "--target", &receiver.url]);
    assert_eq!(code, 0);
    assert!(err.starts_with("warning: "), "{err}");
}

#[test]
fn a_body_that_does_not_fit_is_sent_only_if_that_is_meant() {
    let folder = folder();
    let uuid = "supplierId=0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
    let args = ["PLANNER_CANCEL", "--set", uuid, "--dry-run"];
    let (code, out, err) = send(folder.path(), &args);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("/supplierId: does not belong in PLANNER_CANCEL"), "{err}");
    assert!(err.contains("--allow-invalid"), "{err}");
    let (code, out, _) = send(folder.path(), &[&args[..], &["--allow-invalid"]].concat());
    assert_eq!(code, 0);
    assert!(out.contains(r#""supplierId":"0b8f9a30"#), "{out}");
}

#[test]
fn what_cannot_be_sent_is_told_with_what_was_meant() {
    for (args, words) in [
        (vec!["RFP_SNED"], "did you mean `RFP_SEND`?"),
        (vec!["rfp-send"], "did you mean `RFP_SEND`?"),
        (vec!["RFP_SEND"], "--dry-run"),
        (vec!["RFP_SEND", "--dry-run", "--set", "reason"], "PATH=VALUE"),
        (vec!["RFP_SEND", "--dry-run", "--set-json", "x=OTHER"], "`--set` takes plain text"),
        (vec!["RFP_SEND", "--dry-run", "--pack", "cvent-2017"], "did you mean `cvent-2015`"),
        (vec!["RFP_SEND", "--dry-run", "--set", "rfpId.x=1"], "rfpId"),
        (vec!["RFP_SEND", "--dry-run", "--curl"], "--curl"),
        (vec!["RFP_SEND", "--dry-run", "--schema-pack", "nowhere"], "nowhere"),
    ] {
        let (code, _, err) = send(folder().path(), &args);
        assert_eq!(code, 2, "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}

#[test]
fn a_misspelt_field_is_noticed() {
    let args = ["PLANNER_CANCEL", "--set", "raeson=OTHER", "--dry-run", "--allow-invalid"];
    let (code, _, err) = send(folder().path(), &args);
    assert_eq!(code, 0);
    assert!(err.contains("did you mean `reason`?"), "{err}");
}
