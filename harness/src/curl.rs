//! The same request by hand: a curl command for a POSIX shell, the key as `$PNS_API_KEY`.

use pns_simulator::endpoint::Endpoint;

use crate::settings::{Connection, HttpVersion, Trust};

/// A command that sends `body` as the simulator does. The key itself is never in it.
pub fn command(connection: &Connection, endpoint: &Endpoint, body: &str) -> String {
    let mut words = vec!["curl".to_owned(), "--silent".into(), "--show-error".into(), "--include".into()];
    match &connection.trust {
        Trust::Platform | Trust::Pem(_) => {}
        Trust::File(path) => words.push(format!("--cacert {}", quote(&path.display().to_string()))),
        Trust::Nobody => words.push("--insecure".into()),
    }
    // curl takes HTTP/2 by itself where it is offered.
    if connection.http_version == HttpVersion::Http1 {
        words.push("--http1.1".into());
    }
    for resolve in &connection.resolve {
        words.push(format!("--resolve {}", quote(&resolve.to_string())));
    }
    if connection.api_key.is_some() {
        // In double quotes, so that the shell fills in the variable.
        words.push("-H \"Authorization: api_key $PNS_API_KEY\"".into());
    }
    words.push("-H 'Content-Type: application/json'".into());
    for (name, value) in &connection.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        words.push(format!("-H {}", quote(&format!("{name}: {value}"))));
    }
    words.push(format!("--data-raw {}", quote(body)));
    words.push(quote(&endpoint.url()));
    words.join(" ")
}

/// `text` as one word of a POSIX shell.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in [
            "",
            "plain",
            "a b",
            "it's",
            "$HOME `id` \\ \"x\"",
            "{\"a\":\"é\\u0000\"}",
            "-n",
            "!x",
            "*",
            "a\nb",
        ] {
            let script = format!("printf %s {}", quote(text));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
