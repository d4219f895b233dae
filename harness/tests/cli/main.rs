//! The real binary, as a shell sees it: output, errors, exit codes.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod check;
mod explain;
mod faulty;
mod load;
#[cfg(unix)]
mod pull;
mod pulled;
mod receiver;
mod replay;
mod run;
mod scenarios;
mod schema;
mod selftest;
mod send;
#[cfg(unix)]
mod serve;
mod shell;

use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use assert_cmd::Command;

/// Holds characters that every encoding writes in another way.
const KEY: &str = "s3cr/et+Key=";

/// A pinned time, for snapshots.
const EPOCH: &str = "2026-01-31T08:00:00Z";

/// `pns` in a folder, with nothing of this process's environment that it reads.
fn pns(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pns"));
    command.current_dir(folder).env_clear();
    command
}

/// Exit code, standard output, standard error.
fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A file in `folder`.
fn file(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

/// A `pns receiver` in a process of its own, ended with the test.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// `https://127.0.0.1:PORT/…`.
    url: String,
}

impl Running {
    /// Starts it in `folder`, where it writes `pns-receiver-ca.pem`, and waits until it listens.
    fn start(folder: &Path, args: &[&str]) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pns"));
        command.current_dir(folder).env_clear().arg("receiver").args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let first = line(&mut stderr);
        let url = first.strip_prefix("receiver at ").unwrap_or_else(|| panic!("{first}")).to_owned();
        Self { child, stderr, url }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next line that a process writes.
fn line(reader: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Reads until a line holds `text`.
#[cfg(unix)]
fn wait_for(reader: &mut impl std::io::BufRead, text: &str) {
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the output ended before `{text}`");
        if line.contains(text) {
            return;
        }
    }
}

/// Sends a signal, as a shell does.
#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// A port of this machine at which nothing listens.
fn closed_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
