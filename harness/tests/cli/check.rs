//! `pns check`, from arguments to exit codes and reports.

use std::fs;
#[cfg(unix)]
use std::io::Read as _;
use std::path::Path;
#[cfg(unix)]
use std::process::Stdio;

use serde_json::Value;

use super::faulty::{Bug, Faulty};
use super::{KEY, closed_port, file, folder, outcome, pns};

/// Fails with [`Bug::RefusesDuplicates`].
const DUPLICATE: &str = "delivery/duplicate-later";

/// `pns check` on a receiver, with a pinned seed.
fn check(folder: &Path, receiver: &Faulty, args: &[&str]) -> (i32, String, String) {
    outcome(pns(folder).args(["check", "--seed", "7"]).args(receiver.target()).args(args))
}

/// What differs from run to run does not belong into a snapshot.
macro_rules! assert_stable_snapshot {
    ($out:expr) => {
        insta::with_settings!({filters => vec![
            (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
            (r"virtual time from \S+,", "virtual time from [NOW],"),
            (r"not selected: \d+ checks", "not selected: [OTHERS]"),
            // Ids are of the run.
            (r#"> \{"eventId"[^\n]*(\n +>   [^\n]*)*"#, "> [BODY]"),
            (r" +\d+ µs| +\d+\.\d+ ms| +\d+\.\d+ s\b", " [WALL]"),
        ]}, { insta::assert_snapshot!($out) });
    };
}

#[test]
fn what_holds_is_told_line_by_line_after_the_budget() {
    let folder = folder();
    let checks =
        ["accepts/key-order", "accepts/venue-event", "delivery/duplicate", "effects/duplicate-later"];
    let (code, out, err) = outcome(pns(folder.path()).args(["check", "--seed", "7"]).args(checks));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.lines().nth(1).unwrap().ends_with("requests"), "{out}");
    // Nothing failed: nothing is remembered.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_stable_snapshot!(out);
}

#[test]
fn what_fails_is_told_so_that_a_newcomer_can_mend_it() {
    let folder = folder();
    let receiver = Faulty::start(Bug::RefusesDuplicates);
    let args = [
        "accepts/key-order",
        DUPLICATE,
        "effects/duplicate-later",
        "effects/burst-not-lost",
        "--save-failures",
        "failures",
    ];
    let (code, out, err) = check(folder.path(), &receiver, &args);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert_stable_snapshot!(out);
    let saved = fs::read_to_string(folder.path().join("failures/delivery-duplicate-later-7.yaml")).unwrap();
    assert!(saved.starts_with("# delivery/duplicate-later, seed 7"), "{saved}");
}

#[test]
fn a_key_is_in_no_output_even_when_the_receiver_tells_it() {
    let folder = folder();
    let receiver = Faulty::start(Bug::RefusesDuplicates);
    let reports = "json=r/a.json,junit=r/a.xml,tap=r/a.tap,html=r/a.html,github,github=r/b.md";
    fs::create_dir(folder.path().join("r")).unwrap();
    let mut command = pns(folder.path());
    command.args(["check", DUPLICATE, "delivery/duplicate", "--verbose", "--save-failures", "r"]);
    command.args(["--report", reports]).args(receiver.target());
    let environment = [("PNS_API_KEY", KEY), ("GITHUB_STEP_SUMMARY", "r/summary.md")];
    let (code, out, err) = outcome(command.envs(environment));
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("api_key ***") && out.contains("--api-key \"$PNS_API_KEY\""), "{out}");
    let mut told = vec![("output".to_owned(), out), ("errors".to_owned(), err)];
    for entry in fs::read_dir(folder.path().join("r")).unwrap() {
        let path = entry.unwrap().path();
        told.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
    }
    assert_eq!(told.len(), 2 + 6 + 2, "{told:?}");
    for (place, text) in told {
        assert!(!text.contains(KEY), "the key is in {place}: {text}");
    }
}

#[test]
fn reports_tell_what_a_check_adds() {
    let folder = folder();
    let receiver = Faulty::start(Bug::RefusesDuplicates);
    let reports = "json=a.json,junit=a.xml,tap=a.tap,html=a.html,github=a.md";
    assert_eq!(check(folder.path(), &receiver, &[DUPLICATE, "effects", "--report", reports]).0, 1);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let json: Value = serde_json::from_str(&read("a.json")).unwrap();
    assert_eq!((&json["subject"], &json["exit_code"]), (&"checks".into(), &1.into()), "{json:#}");
    let xml = read("a.xml");
    assert!(xml.contains("pns.check.delivery") && xml.contains("status 409"), "{xml}");
    let tap = read("a.tap");
    assert!(tap.contains("not ok 1 - delivery/duplicate-later") && tap.contains("# SKIP"), "{tap}");
    let (html, markdown) = (read("a.html"), read("a.md"));
    assert!(html.contains("409") && !html.contains("<script"), "{html}");
    assert!(markdown.contains(DUPLICATE) && markdown.contains("409"), "{markdown}");
}

#[test]
fn an_exception_is_not_red_until_it_holds() {
    let folder = folder();
    let receiver = Faulty::start(Bug::RefusesDuplicates);
    let except = format!("{DUPLICATE}=issue 7");
    let args = ["accepts/key-order", DUPLICATE, "--except", &except];
    let (code, out, _) = check(folder.path(), &receiver, &args);
    assert!(code == 0 && out.contains("XFAIL") && out.contains("issue 7"), "{out}");
    receiver.mend();
    let (code, out, _) = check(folder.path(), &receiver, &args);
    assert!(code == 1 && out.contains("XPASS") && !out.contains("broke a check"), "{out}");
    file(folder.path(), "pns.toml", "[except]\n\"delivery/duplicate-later\" = \"issue 8\"\n");
    let (code, out, _) = check(folder.path(), &receiver, &[DUPLICATE]);
    assert!(code == 1 && out.contains("issue 8"), "{out}");
}

#[test]
fn what_is_less_than_the_least_red_strength_is_a_warning() {
    let folder = folder();
    let receiver = Faulty::start(Bug::DemandsCategory);
    let args = ["accepts/before-november-2016", "accepts/key-order"];
    let (code, out, _) = check(folder.path(), &receiver, &args);
    assert!(code == 1 && out.contains("eventCategory is required"), "{out}");
    let (code, out, _) = check(folder.path(), &receiver, &[&args[..], &["--fail-on", "must"]].concat());
    assert!(code == 0 && out.contains(" WARN  accepts/before-november-2016"), "{out}");
    file(folder.path(), "pns.toml", "fail-on = \"must\"\n");
    assert_eq!(check(folder.path(), &receiver, &args).0, 0);
}

#[test]
fn a_run_ends_early_where_it_is_told_to() {
    let folder = folder();
    let receiver = Faulty::start(Bug::RefusesDuplicates);
    let args = ["delivery/duplicate-at-once", DUPLICATE, "delivery/event-of-unknown-rfp"];
    for end in [&["--max-failures", "1"][..], &["--fail-fast"]] {
        let (code, out, _) = check(folder.path(), &receiver, &[&args[..], end].concat());
        assert!(code == 1 && out.contains("2 checks not run"), "{out}");
    }
    let (code, out, _) = check(folder.path(), &receiver, &[&args[..], &["--max-time", "1ms"]].concat());
    assert!(code == 3 && out.contains("3 checks not run"), "{out}");
}

#[test]
fn fewer_examples_are_fewer_requests() {
    let folder = folder();
    let args = ["check", "accepts/generated", "--seed", "7", "--max-examples", "3"];
    let (code, out, _) = outcome(pns(folder.path()).args(args));
    assert!(code == 0 && out.contains("3 cases") && out.contains("3 requests"), "{out}");
}

#[test]
fn what_failed_last_is_tried_again_until_it_holds() {
    let folder = folder();
    let receiver = Faulty::start(Bug::RefusesDuplicates);
    let listed = || outcome(pns(folder.path()).args(["check", "--last-failed", "--list"]));
    let (code, _, err) = listed();
    assert!(code == 3 && err.contains("help: without --last-failed everything is tried"), "{err}");
    assert_eq!(check(folder.path(), &receiver, &["accepts/key-order", DUPLICATE]).0, 1);
    let (code, out, _) = listed();
    assert!(code == 0 && out.starts_with(DUPLICATE) && out.lines().count() == 1, "{out}");
    receiver.mend();
    let (code, out, _) = check(folder.path(), &receiver, &["--last-failed"]);
    assert!(code == 0 && out.contains("1 passed"), "{out}");
    assert_eq!(listed().0, 3);
}

#[test]
fn a_list_tells_what_is_selected_and_tries_nothing() {
    let folder = folder();
    // Nobody listens there.
    let target = format!("https://127.0.0.1:{}/", closed_port());
    let list = |args: &[&str]| {
        let (code, out, err) =
            outcome(pns(folder.path()).args(["check", "--list", "--target", &target]).args(args));
        assert_eq!(code, 0, "{out}{err}");
        assert!(err.contains(&out.lines().count().to_string()), "{err}");
        out
    };
    let all = list(&[]);
    let musts = list(&["--strength", "must"]);
    assert!(musts.lines().all(|line| line.split_whitespace().nth(1) == Some("must")), "{musts}");
    assert!(musts.lines().count() < all.lines().count());
    let delivery = list(&["delivery"]);
    assert!(delivery.lines().all(|line| line.starts_with("delivery/")), "{delivery}");
    let rest = list(&["--skip", "delivery"]);
    assert_eq!(rest.lines().count() + delivery.lines().count(), all.lines().count());
    let tagged = list(&["--tag", "downtime"]);
    assert!(tagged.contains("delivery/flush-after-downtime") && !tagged.contains(DUPLICATE), "{tagged}");
}

#[test]
fn wrong_usage_exits_2_and_says_what_was_meant() {
    let folder = folder();
    for (args, likely) in [
        (&["delivery/duplicate-latr"][..], "did you mean `delivery/duplicate-later`?"),
        (&["acepts"], "did you mean `accepts`?"),
        (&["--skip", "delivery/brst"], "did you mean `delivery/burst`?"),
        (&["--tag", "downtimes"], "did you mean `downtime`?"),
        (&["--except", "delivery/brst=why"], "did you mean `delivery/burst`?"),
        (&["--except", "delivery/burst="], "has no reason"),
        (&["--except", "delivery/burst"], "expected `CHECK=WHY`"),
        (&["--strength", "most"], "expected `must`, `should` or `advice`"),
        (&["--fail-on", "never"], "expected `must`, `should` or `advice`"),
        (&["--fail-fast", "--max-failures", "2"], "cannot be used with"),
        (&["--target", "http://127.0.0.1:1/"], "--allow-http"),
        // A documentation address (RFC 5737), which is public.
        (&["--target", "https://198.51.100.7/"], "--allow-host 198.51.100.7"),
    ] {
        let (code, out, err) = outcome(pns(folder.path()).arg("check").args(args));
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(likely), "{args:?}: {err}");
    }
}

#[test]
fn whom_nobody_can_judge_is_told_what_to_do() {
    let folder = folder();
    let check = |args: &[&str], likely: &[&str]| {
        let (code, out, err) = outcome(pns(folder.path()).args(["check", DUPLICATE]).args(args));
        assert_eq!(code, 3, "{out}{err}");
        let text = out.split_whitespace().collect::<Vec<_>>().join(" ");
        for likely in likely {
            assert!(text.contains(likely), "{likely}: {out}");
        }
    };
    let target = format!("https://127.0.0.1:{}/", closed_port());
    check(&["--target", &target], &["is the receiver running?"]);
    // A public name at a private address is nobody else's.
    let resolve = format!("hotel.example:443:127.0.0.1:{}", closed_port());
    let resolve = resolve.rsplit_once(':').unwrap().0;
    check(&["--target", "https://hotel.example/", "--resolve", resolve], &["inconclusive"]);
    let keyed = Faulty::start(Bug::WantsKey);
    check(&keyed.target(), &["the receiver wants a key: give it by `--api-key-file FILE` or PNS_API_KEY"]);
    let closed = Faulty::start(Bug::Closed);
    check(&closed.target(), &["does not accept one plain valid notification", "closed for renovation"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130_and_a_report_of_what_was_done() {
    let folder = folder();
    let receiver = Faulty::start(Bug::Hangs);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pns"));
    command.current_dir(folder.path()).env_clear().args(["check", "--report", "json=report.json"]);
    command.args(["accepts/key-order", DUPLICATE, "--ack-timeout", "60s"]);
    command.args(receiver.target()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    // The verdict on the first shows that the second began, which waits for an answer that does not come.
    super::wait_for(&mut out, "PASS  key-order");
    super::signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("interrupted: the report is partial\n  1 check not run"), "{rest}");
    let report = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["exit_code"], 130, "{report:#}");
    assert_eq!(report["scenarios"][0]["id"], "accepts/key-order", "{report:#}");
}
