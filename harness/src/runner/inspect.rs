//! Asks the receiver, by the run's probe, how often a notification took effect.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::probe::{get, parse};
use super::world::World;
use crate::curl::quote;
use crate::json_path;
use crate::settings::{Probe, ProbeBy};

/// How long a probe command may take: a query of one row, on a busy machine.
const COMMAND_WAIT: Duration = Duration::from_secs(10);
/// How much of a command's output is read.
const OUTPUT_MAX: u64 = 64 << 10;
/// How much of a failed command's complaint is told.
const COMPLAINT_MAX: usize = 300;
/// In the environment of a probe command: the event id.
const EVENT_ID_VARIABLE: &str = "PNS_EVENT_ID";

/// What the receiver says of one notification.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Inspection {
    /// Requests that came in; `None` where the receiver does not count them.
    pub received: Option<u64>,
    /// How often it took effect; `None`: the answer does not tell.
    pub processed: Option<u64>,
    /// The event type that it took; `None`: the answer does not tell.
    pub event_type: Option<String>,
}

/// Asks once.
///
/// # Errors
/// When the probe does not answer as one should, in words.
pub(super) async fn inspect(world: &World, probe: &Probe, event_id: &str) -> Result<Inspection, String> {
    match &probe.how {
        ProbeBy::Http(template) => {
            let address = template.replace(Probe::EVENT_ID, &percent_encoded(event_id));
            match get(world, &parse(&address)?).await? {
                (404, _) => Ok(Inspection { received: Some(0), processed: Some(0), event_type: None }),
                (200, json) => Ok(read(probe, &json)),
                (status, _) => Err(format!("the probe answered {status}, where 200 or 404 is expected")),
            }
        }
        ProbeBy::Command(command) => {
            let output = run(command, event_id).await?;
            let text = output.trim();
            if text.is_empty() {
                return Ok(Inspection { received: None, processed: Some(0), event_type: None });
            }
            match serde_json::from_str(text) {
                Ok(Value::Number(number)) => {
                    Ok(Inspection { processed: number.as_u64(), ..Inspection::default() })
                }
                Ok(json) => Ok(read(probe, &json)),
                Err(_) => Err(format!(
                    "the probe command printed neither a number nor JSON: `{}`",
                    text.chars().take(60).collect::<String>().escape_debug()
                )),
            }
        }
    }
}

fn read(probe: &Probe, json: &Value) -> Inspection {
    Inspection {
        received: json.get("received").and_then(Value::as_u64),
        processed: json_path::find(json, &probe.count).and_then(number),
        event_type: probe
            .event_type
            .as_ref()
            .and_then(|path| json_path::find(json, path))
            .and_then(Value::as_str)
            .map(str::to_owned),
    }
}

/// A number, a list by its length, or whether it happened.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::Array(items) => Some(items.len() as u64),
        Value::Bool(happened) => Some(u64::from(*happened)),
        // Databases print numbers as texts.
        Value::String(text) => text.trim().parse().ok(),
        Value::Null => Some(0),
        Value::Object(_) => None,
    }
}

async fn run(command: &str, event_id: &str) -> Result<String, String> {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command.replace(Probe::EVENT_ID, &quote(event_id)))
        .env(EVENT_ID_VARIABLE, event_id)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("the probe command cannot be run: {error}"))?;
    let (output, complaint) = (child.stdout.take(), child.stderr.take());
    let done = timeout(COMMAND_WAIT, async {
        let (output, complaint) = tokio::join!(limited(output), limited(complaint));
        (child.wait().await, output, complaint)
    });
    let Ok((status, output, complaint)) = done.await else {
        return Err(format!("the probe command did not end within {COMMAND_WAIT:?}"));
    };
    let status = status.map_err(|error| format!("the probe command failed: {error}"))?;
    if !status.success() {
        let words: String = complaint.trim().chars().take(COMPLAINT_MAX).collect();
        return Err(format!("the probe command failed ({status}): {}", words.escape_debug()));
    }
    if output.len() as u64 > OUTPUT_MAX {
        return Err(format!("the probe command printed more than {OUTPUT_MAX} bytes"));
    }
    Ok(output)
}

/// What a command printed, up to one byte beyond the limit; the rest is read and forgotten, so that it can end.
async fn limited(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut bytes = Vec::new();
    // A pipe that breaks has said all that it will.
    let _read = (&mut pipe).take(OUTPUT_MAX + 1).read_to_end(&mut bytes).await;
    let _rest = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An event id as a part of an address (RFC 3986, 2.3).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _never_fails = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_command_gets_the_id_quoted_and_in_its_environment() {
        let id = "a'b $(id) \"c";
        assert_eq!(run("printf %s {eventId}", id).await.as_deref(), Ok(id));
        assert_eq!(run("printf %s \"$PNS_EVENT_ID\"", id).await.as_deref(), Ok(id));
    }

    #[tokio::test]
    async fn a_command_that_fails_or_says_too_much_is_told() {
        let failed = run("echo no such table >&2; exit 3", "a").await.unwrap_err();
        assert!(failed.contains("no such table") && failed.contains('3'), "{failed}");
        let long = run("head -c 70000 /dev/zero", "a").await.unwrap_err();
        assert!(long.contains("65536"), "{long}");
    }

    #[test]
    fn numbers_lists_and_booleans_count() {
        let counts = [json!(2), json!([1, 2]), json!(true), json!("2"), json!(null), json!({})];
        assert_eq!(counts.each_ref().map(number), [Some(2), Some(2), Some(1), Some(2), Some(0), None]);
        assert_eq!(percent_encoded("a/b é"), "a%2Fb%20%C3%A9");
    }
}
