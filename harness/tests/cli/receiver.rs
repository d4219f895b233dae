//! `pns receiver`.

use std::fs;
use std::io::{BufReader, Read as _};

use super::{KEY, Running, file, folder, line, outcome, pns};

const CA_FILE: &str = "pns-receiver-ca.pem";

#[test]
fn the_line_to_try_it_with_works_as_it_stands() {
    let folder = folder();
    let mut receiver = Running::start(folder.path(), &["--api-key", KEY]);
    assert!(line(&mut receiver.stderr).starts_with("probe at    https://127.0.0.1:"));
    let tried = line(&mut receiver.stderr);
    let tried = tried.strip_prefix("try it with pns ").unwrap_or_else(|| panic!("{tried}"));
    assert!(line(&mut receiver.stderr).contains("key in PNS_API_KEY"));
    assert!(!tried.contains(KEY));
    let (code, out, err) =
        outcome(pns(folder.path()).args(tried.split(' ')).args(["--tag", "smoke"]).env("PNS_API_KEY", KEY));
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn it_ends_after_so_many_requests_and_tells_each() {
    let folder = folder();
    let mut receiver = Running::start(folder.path(), &["--max-requests", "3", "--json", "--then", "503"]);
    let args = ["send", "RFP_SEND", "--count", "3", "--cacert", CA_FILE, "--target", &receiver.url];
    let (code, out, _) = outcome(pns(folder.path()).args(args));
    assert_eq!((code, out.matches("not acknowledged  503").count()), (1, 3), "{out}");
    assert_eq!(receiver.child.wait().unwrap().code(), Some(0));
    let mut lines = BufReader::new(receiver.child.stdout.take().unwrap());
    for sequence in 1..=3 {
        let told: serde_json::Value = serde_json::from_str(&line(&mut lines)).unwrap();
        assert_eq!((&told["sequence"], &told["eventType"]), (&sequence.into(), &"RFP_SEND".into()));
    }
}

#[cfg(unix)]
#[test]
fn signals_end_it_with_totals() {
    for name in ["-INT", "-TERM"] {
        let folder = folder();
        let mut receiver = Running::start(folder.path(), &[]);
        while !line(&mut receiver.stderr).starts_with("try it with") {}
        super::signal(&receiver.child, name);
        assert_eq!(receiver.child.wait().unwrap().code(), Some(0), "{name}");
        let mut rest = String::new();
        receiver.stderr.read_to_string(&mut rest).unwrap();
        assert!(rest.starts_with("0 received"), "{name}: {rest}");
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let folder = folder();
    file(folder.path(), CA_FILE, "mine\n");
    let (code, _, err) = outcome(pns(folder.path()).args(["receiver", "--max-requests", "1"]));
    assert_eq!(code, 2);
    assert!(err.contains(CA_FILE) && err.contains("did not write") && err.contains("--write-ca"), "{err}");
    assert_eq!(fs::read_to_string(folder.path().join(CA_FILE)).unwrap(), "mine\n");
    // Its own it writes anew.
    for _ in 0..2 {
        let receiver = Running::start(folder.path(), &["--write-ca", "ca.pem"]);
        let args = ["send", "RFP_SEND", "--target", &receiver.url, "--cacert", "ca.pem"];
        let mut send = pns(folder.path());
        // The file is there before the address is told.
        assert_eq!(outcome(send.args(args)).0, 0);
    }
}
