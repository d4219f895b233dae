//! `pns serve` and `pns store` as a shell sees them.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use super::{Running, file, folder, outcome, pns};

/// A `pns serve` in a process of its own, ended with the test.
pub(super) struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it says first, up to the clock.
    pub(super) said: String,
    /// `127.0.0.1:PORT`.
    address: String,
}

impl Served {
    pub(super) fn start(folder: &Path, args: &[&str]) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pns"));
        command.current_dir(folder).env_clear().args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("clock") {
            assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        let address = said.lines().next().unwrap().rsplit("://").next().unwrap().to_owned();
        Self { child, stdout, said, address }
    }

    /// Head and body of an answer.
    pub(super) fn call(&self, request: &str, headers: &str, body: &str) -> String {
        use std::io::Write;
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Exit code, the rest of standard output, standard error.
    pub(super) fn end(mut self, signal: &str) -> (i32, String, String) {
        super::signal(&self.child, signal);
        let mut out = String::new();
        self.stdout.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), out, err)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SUBSCRIPTION: &str =
    r#"{ "endpoint": "https://127.0.0.1:1/pns", "events": "all", "api_key": "s3cret-key" }"#;

#[test]
fn what_was_accepted_is_there_after_a_restart_and_the_store_can_be_checked() {
    let folder = folder();
    let served = Served::start(folder.path(), &[]);
    assert!(served.said.contains("the queue is kept in pns-data"), "{}", served.said);
    assert!(served.call("POST /api/v1/subscriptions", "", SUBSCRIPTION).starts_with("HTTP/1.1 201"));
    let published = served.call("POST /api/v1/notifications", "", r#"{ "type": "RFP_SEND" }"#);
    assert!(published.starts_with("HTTP/1.1 201"), "{published}");
    // While it is in use: nobody else may have it, and it can be looked at.
    let (code, _, err) = outcome(pns(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, 2);
    assert!(err.contains("the journal in `pns-data` is in use by process"), "{err}");
    let (code, out, _) = outcome(pns(folder.path()).args(["store", "check"]));
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("in use") && out.contains("1 subscription, 1 notification"), "{out}");
    let (code, _, err) = served.end("-TERM");
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("stopping: ") && err.contains("stopped: "), "{err}");

    let served = Served::start(folder.path(), &[]);
    assert!(served.said.contains("1 delivery to go on with"), "{}", served.said);
    let listed = served.call("GET /api/v1/subscriptions", "", "");
    assert!(listed.contains("sha256:") && !listed.contains("s3cret-key"), "{listed}");
    assert_eq!(served.end("-INT").0, 0);
}

#[test]
fn a_second_signal_does_not_wait_for_what_is_in_flight() {
    let folder = folder();
    let receiver = Running::start(folder.path(), &["--then", "hang"]);
    let mut served =
        Served::start(folder.path(), &["-v", "--grace", "10m", "--cacert", "pns-receiver-ca.pem"]);
    let subscription =
        format!(r#"{{ "endpoint": "{}", "events": "all", "ack_timeout": "5m" }}"#, receiver.url);
    assert!(served.call("POST /api/v1/subscriptions", "", &subscription).starts_with("HTTP/1.1 201"));
    served.call("POST /api/v1/notifications", "", r#"{ "type": "RFP_SEND" }"#);
    let mut told = String::new();
    while !told.contains("attempt-started") {
        assert_ne!(served.stdout.read_line(&mut told).unwrap(), 0, "{told}");
    }
    super::signal(&served.child, "-TERM");
    let mut err = BufReader::new(served.child.stderr.take().unwrap());
    super::wait_for(&mut err, "stopping: up to 600s");
    super::signal(&served.child, "-TERM");
    assert!(served.child.wait().unwrap().success());
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("stopped at once: what was in flight is sent again"), "{rest}");
    // And so it is.
    let again = Served::start(folder.path(), &[]);
    assert!(
        again.said.contains("1 delivery to go on with, and 1 delivery so far that may have arrived twice"),
        "{}",
        again.said
    );
}

#[test]
fn what_happens_is_told_in_lines_of_json() {
    let folder = folder();
    let served = Served::start(folder.path(), &["--ephemeral", "-v", "--clock", "virtual"]);
    assert!(served.said.contains("nothing is kept") && served.said.contains("virtual"), "{}", served.said);
    served.call("POST /api/v1/subscriptions", "", SUBSCRIPTION);
    served.call("POST /api/v1/notifications", "", r#"{ "type": "RFP_SEND" }"#);
    let (code, out, err) = served.end("-TERM");
    assert_eq!(code, 0, "{err}");
    let events: Vec<String> = out
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned()
        })
        .collect();
    let told = |event: &str| events.iter().any(|one| one == event);
    assert!(
        told("subscription-added") && told("notification-published") && told("attempt-failed"),
        "{events:?}"
    );
    assert!(!folder.path().join("pns-data").exists(), "nothing is left");
}

#[test]
fn other_machines_need_a_token_and_it_is_asked_for() {
    let folder = folder();
    let (code, _, err) = outcome(pns(folder.path()).args(["serve", "--ephemeral", "--listen", "0.0.0.0:0"]));
    assert_eq!(code, 2);
    assert!(err.contains("there is no token") && err.contains("help: `--token-file FILE`"), "{err}");
    file(folder.path(), "token", "tooshort\n");
    let (code, _, err) = outcome(pns(folder.path()).args(["serve", "--token-file", "token"]));
    assert_eq!(code, 2);
    assert!(err.contains("cannot take the token from `token`") && !err.contains("tooshort"), "{err}");
    file(folder.path(), "token", "0123456789abcdef0123\n");
    let served = Served::start(folder.path(), &["--ephemeral", "--token-file", "token"]);
    assert!(served.call("GET /api/v1/status", "", "").starts_with("HTTP/1.1 401"));
    let shown = "Authorization: Bearer 0123456789abcdef0123\r\n";
    assert!(served.call("GET /api/v1/status", shown, "").starts_with("HTTP/1.1 200"));
    assert_eq!(served.end("-TERM").0, 0);
}

#[test]
fn plain_http_is_sent_to_only_when_asked_for() {
    let folder = folder();
    let plain = SUBSCRIPTION.replace("https", "http");
    let served = Served::start(folder.path(), &["--ephemeral"]);
    let refused = served.call("POST /api/v1/subscriptions", "", &plain);
    assert!(refused.starts_with("HTTP/1.1 422") && refused.contains("`--allow-http`"), "{refused}");
    drop(served);
    let served = Served::start(folder.path(), &["--ephemeral", "--allow-http"]);
    assert!(served.call("POST /api/v1/subscriptions", "", &plain).starts_with("HTTP/1.1 201"));
}

#[test]
fn subscriptions_of_the_settings_file_are_made_once_and_brought_back() {
    let folder = folder();
    file(folder.path(), "key", "k1\n");
    let settings = |concurrency: u32| {
        format!(
            "[[serve.subscription]]\nname = \"build\"\nendpoint = \"https://127.0.0.1:1/pns\"\napi_key_file = \"key\"\n\
             concurrency = {concurrency}\n"
        )
    };
    file(folder.path(), "pns.toml", &settings(2));
    for (concurrency, notes) in [(2, 0), (2, 0), (3, 1)] {
        file(folder.path(), "pns.toml", &settings(concurrency));
        let served = Served::start(folder.path(), &[]);
        let listed = served.call("GET /api/v1/subscriptions", "", "");
        assert!(listed.contains(&format!(r#""concurrency":{concurrency}"#)), "{listed}");
        assert_eq!(listed.matches(r#""name":"build""#).count(), 1, "{listed}");
        let (code, _, err) = served.end("-TERM");
        assert_eq!((code, err.matches("is again what the settings file says").count()), (0, notes), "{err}");
    }
}

#[test]
fn all_that_is_wrong_in_the_settings_file_is_shown_in_its_place() {
    let folder = folder();
    file(
        folder.path(),
        "pns.toml",
        "[serve]\nlisten = '127.0.0.1:0'\n\n[[serve.subscription]]\nname = 'a'\nendpoint = 'https://h/'\nconcurency = 3\n\n\
         [[serve.subscription]]\nendpoint = 'https://h/'\n\n[[serve.subscription]]\nname = 'b'\n\
         endpoint = 'https://h/'\nretry = { first = 'ten' }\n\n[[serve.subscription]]\nname = 'c'\n\
         endpoint = 'https://h/'\napi_key = 'x'\n",
    );
    let (code, out, err) = outcome(pns(folder.path()).arg("serve"));
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    insta::assert_snapshot!(err);
}

#[test]
fn wrong_values_are_told_with_what_was_expected() {
    let folder = folder();
    for (flag, value, expected) in [
        ("--listen", "localhost:1", "expected an IP address and a port"),
        ("--host", "http://x", "expected a host name alone"),
        ("--pending-max", "0", "expected a whole number from 1"),
        ("--keep-bytes", "4XB", "`500MB` or `4GiB`"),
        ("--keep-for", "7", "expected a number and a unit"),
        ("--durability", "disk", "expected `process` or `power`"),
        ("--clock", "9999999x", "at most `1000000x`"),
        ("--token", "short", "shorter than 16 characters"),
        ("--tls-cert", "cert.pem", "`--tls-cert` needs `--tls-key`"),
        ("--schema-pack", "nowhere", "cannot use the schema pack in `nowhere`"),
    ] {
        let (code, out, err) = outcome(pns(folder.path()).args(["serve", "--ephemeral", flag, value]));
        assert_eq!((code, out.as_str()), (2, ""), "{flag} {value}: {err}");
        assert!(err.contains(expected), "{flag} {value}: {err}");
    }
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = folder();
    file(folder.path(), "letter.txt", "dear");
    let (code, _, err) = outcome(pns(folder.path()).args(["serve", "--data", "."]));
    assert_eq!(code, 2);
    assert!(
        err.contains("is not empty and holds no journal") && err.contains("help: give an empty folder"),
        "{err}"
    );
    let (code, _, err) = outcome(pns(folder.path()).args(["store", "check", "nowhere"]));
    assert_eq!(code, 2, "{err}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
