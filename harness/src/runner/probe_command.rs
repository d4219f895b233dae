//! A probe that is a command of the user's: a query to the receiver's database, say.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::curl::quote;
use crate::settings::Probe;

/// How long a command may take: a query that takes longer is no probe.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How much of what it writes is read: an answer is a number or a small object.
const BYTES_MAX: u64 = 64 * 1024;

/// Runs `command` by `sh -c` with `event_id`, quoted, in place of `{eventId}` and in `$PNS_EVENT_ID`, and reads the
/// JSON that it writes.
///
/// # Errors
/// When it cannot be run, ends with another code than 0, takes too long, or writes no JSON; in words.
pub(super) async fn ask(command: &str, event_id: &str) -> Result<Value, String> {
    let failed = |what: String| format!("the probe command {what}");
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command.replace(Probe::EVENT_ID, &quote(event_id)))
        .env("PNS_EVENT_ID", event_id)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("could not be run: {error}")))?;
    let mut output = Vec::new();
    let whole = async {
        if let Some(stdout) = child.stdout.take() {
            stdout.take(BYTES_MAX).read_to_end(&mut output).await?;
        }
        child.wait().await
    };
    let status = match timeout(TIME_MAX, whole).await {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return Err(failed(format!("could not be read: {error}"))),
        Err(_) => return Err(failed("took more than 10 s".to_owned())),
    };
    if !status.success() {
        return Err(failed(format!("ended with {status}")));
    }
    let text = String::from_utf8_lossy(&output);
    serde_json::from_str(text.trim()).map_err(|_| {
        let shown: String = text.trim().chars().take(60).collect();
        failed(format!("wrote `{}`, where a number or JSON is expected", shown.escape_debug()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_gets_the_id_and_writes_a_number_or_json() {
        let id = "a'b $HOME";
        assert_eq!(ask("echo 3", id).await, Ok(Value::from(3)));
        let echoed = ask("printf '{\"id\":\"%s\",\"env\":\"%s\"}' {eventId} \"$PNS_EVENT_ID\"", id).await;
        assert_eq!(echoed, Ok(serde_json::json!({ "id": id, "env": id })));
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told() {
        for (command, wanted) in
            [("exit 3", "ended with exit status: 3"), ("echo many", "`many`"), ("printf ''", "``")]
        {
            let error = ask(command, "x").await.unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
