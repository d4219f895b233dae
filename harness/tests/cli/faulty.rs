//! A receiver with one bug, which can be mended while it runs, over plain HTTP: what `pns check` is for.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// 409 to what came before, and the request's key in the answer.
    RefusesDuplicates,
    /// 422 to the shape before November 2016.
    DemandsCategory,
    /// 401 to everything without a key.
    WantsKey,
    /// 503 to everything.
    Closed,
    /// No answer to what came before.
    Hangs,
}

/// It, for as long as the test runs.
pub(super) struct Faulty {
    /// `http://127.0.0.1:PORT/`.
    pub(super) url: String,
    state: Arc<State>,
}

struct State {
    bug: Bug,
    is_mended: AtomicBool,
    seen: Mutex<BTreeSet<String>>,
}

impl Faulty {
    /// Listens at a port that is free.
    pub(super) fn start(bug: Bug) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let state = Arc::new(State { bug, is_mended: AtomicBool::new(false), seen: Mutex::default() });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || state.serve(&stream));
            }
        });
        Self { url, state }
    }

    /// From now on it is correct.
    pub(super) fn mend(&self) {
        self.state.is_mended.store(true, Ordering::SeqCst);
    }

    /// The flags that reach it.
    pub(super) fn target(&self) -> [&str; 3] {
        ["--allow-http", "--target", &self.url]
    }
}

impl State {
    /// Answers what comes on a connection until it ends, in whatever way.
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((head, body)) = request(&mut reader) {
            let Some((status, text)) = self.answer(&head, &body) else {
                // The peer gives up first.
                let _ = reader.read(&mut [0]);
                return;
            };
            let length = text.len();
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{text}");
            let mut out = stream;
            if out.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    /// Status and body; `None`: no answer.
    fn answer(&self, head: &str, body: &[u8]) -> Option<(u16, String)> {
        let lower = head.to_lowercase();
        let key = lower.lines().zip(head.lines()).find(|(line, _)| line.starts_with("authorization:"));
        let Ok(Value::Object(notification)) = serde_json::from_slice(body) else {
            return Some((400, "no notification".to_owned()));
        };
        let is_new = match notification.get("eventId") {
            Some(Value::String(id)) => self.seen.lock().unwrap().insert(id.clone()),
            _ => return Some((400, "no eventId".to_owned())),
        };
        let bug = (!self.is_mended.load(Ordering::SeqCst)).then_some(self.bug);
        match bug {
            Some(Bug::RefusesDuplicates) if !is_new => {
                let key = key.map(|(_, line)| line).unwrap_or_default();
                Some((409, format!("seen before\n{key}")))
            }
            Some(Bug::DemandsCategory) if !notification.contains_key("eventCategory") => {
                Some((422, r#"{"error":"eventCategory is required"}"#.to_owned()))
            }
            Some(Bug::WantsKey) if key.is_none() => Some((401, String::new())),
            Some(Bug::Closed) => Some((503, "closed for renovation".to_owned())),
            Some(Bug::Hangs) if !is_new => None,
            _ => Some((200, String::new())),
        }
    }
}

/// Head and body of the next request; `None`: the connection ends, or what came is none.
fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(Some(0), |length| length.trim().parse().ok())?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
