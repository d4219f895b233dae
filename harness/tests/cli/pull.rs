//! The pull API of `pns serve` as a shell sees it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::serve::Served;
use super::{file, folder, outcome, pns};

const RFP: &str = "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
const SUPPLIER: &str = "5a4c1f6e-9d7b-4e1e-8a55-6f8f1f0e2b02";

/// A caller that trusts the file that `pns serve` wrote.
struct Puller {
    address: String,
    tls: Arc<ClientConfig>,
}

impl Puller {
    /// Of what `served` says of itself.
    fn of(served: &Served, folder: &Path) -> Self {
        let line = served.said.lines().find(|line| line.contains("trusted by --cacert")).expect("a pull API");
        let (url, ca) = line.trim().split_once(", trusted by --cacert ").unwrap();
        let address = url.rsplit("://").next().unwrap().to_owned();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join(ca)).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
        Self { address, tls: Arc::new(tls) }
    }

    /// Head and body of an answer.
    fn call(&self, request: &str, headers: &str, body: &str) -> String {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(&self.address).unwrap());
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn rfp(&self, headers: &str) -> String {
        self.call(&format!("GET /rfp/v1/supplier/rfp/{RFP}"), headers, "")
    }
}

/// Publishes what brings an RFP into the world.
fn send(served: &Served) {
    let body = format!(r#"{{ "type": "RFP_SEND", "rfp": "{RFP}", "supplier": "{SUPPLIER}" }}"#);
    let published = served.call("POST /api/v1/notifications", "", &body);
    assert!(published.starts_with("HTTP/1.1 201"), "{published}");
}

#[test]
fn it_is_off_unless_asked_for_and_open_on_this_machine() {
    let folder = folder();
    let served = Served::start(folder.path(), &["--ephemeral", "--pull-name", "pull.test"]);
    assert!(!served.said.contains("pull"), "{}", served.said);
    let (code, _, err) = served.end("-TERM");
    assert_eq!((code, err.contains("the pull API is off: `--pull-listen")), (0, true), "{err}");

    let served = Served::start(folder.path(), &["--ephemeral", "--pull-listen", "127.0.0.1:0"]);
    assert!(served.said.contains("trusted by --cacert pns-pull-ca.pem"), "{}", served.said);
    assert!(served.said.contains("anybody on this machine is answered"), "{}", served.said);
    send(&served);
    let puller = Puller::of(&served, folder.path());
    let told = puller.rfp("");
    assert!(told.starts_with("HTTP/1.1 200") && told.contains(&format!(r#""rfpId":"{RFP}""#)), "{told}");
    let turn_down = format!("POST /rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}/turndown");
    let done = puller.call(
        &turn_down,
        "Content-Type: application/json\r\n",
        r#"{ "responseReason": "LOW_BUDGET" }"#,
    );
    assert!(done.starts_with("HTTP/1.1 200"), "{done}");
    let pushed = served.call("GET /api/v1/notifications/2", "", "");
    assert!(pushed.contains("RESPONSE_TURN_DOWN"), "{pushed}");
    let (code, _, err) = served.end("-TERM");
    assert_eq!((code, err.contains("stopped: ")), (0, true), "{err}");
    // The file is written anew, as it is one of its own.
    let served = Served::start(folder.path(), &["--ephemeral", "--pull-listen", "127.0.0.1:0"]);
    assert!(Puller::of(&served, folder.path()).rfp("").starts_with("HTTP/1.1 404"));
}

#[test]
fn keys_and_clients_come_from_files_and_the_environment() {
    let folder = folder();
    file(folder.path(), "key", "s3cret-key\n");
    file(folder.path(), "secret", "s3cret\n");
    let args = ["--ephemeral", "--pull-listen", "127.0.0.1:0", "--pull-api-key-file", "key"];
    let client =
        ["--pull-client-id", "ci", "--pull-client-secret-file", "secret", "--pull-path", "token=/token"];
    let served = Served::start(folder.path(), &[&args[..], &client[..]].concat());
    assert!(served.said.contains("`Authorization: api_key KEY` with the key of api-key"), "{}", served.said);
    assert!(served.said.contains("/token for ci") && !served.said.contains("s3cret"), "{}", served.said);
    send(&served);
    let puller = Puller::of(&served, folder.path());
    assert!(puller.rfp("").starts_with("HTTP/1.1 401"));
    assert!(puller.rfp("Authorization: api_key s3cret-key\r\n").starts_with("HTTP/1.1 200"));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let granted =
        puller.call("POST /token", form, "grant_type=client_credentials&client_id=ci&client_secret=s3cret");
    let token = granted.split("\"access_token\":\"").nth(1).expect(&granted).split('"').next().unwrap();
    assert!(puller.rfp(&format!("Authorization: Bearer {token}\r\n")).starts_with("HTTP/1.1 200"));

    let mut command = pns(folder.path());
    command.env("PNS_SERVE_PULL_API_KEY", "bad key").env("PNS_SERVE_PULL_LISTEN", "127.0.0.1:0");
    let (code, _, err) = outcome(command.args(["serve", "--ephemeral", "--listen", "127.0.0.1:0"]));
    assert_eq!(
        (code, err.contains("other than visible ASCII"), err.contains("bad key")),
        (2, true, false),
        "{err}"
    );
}

#[test]
fn the_settings_file_has_narrower_keys_and_clients() {
    let folder = folder();
    file(folder.path(), "rfp.key", "k1\n");
    file(folder.path(), "response.key", "k2\n");
    file(folder.path(), "ci.secret", "s\n");
    file(
        folder.path(),
        "pns.toml",
        &format!(
            "[serve]\nephemeral = true\n[serve.world]\nforwardable = '100%'\n[serve.pull]\nlisten = '127.0.0.1:0'\n\
             token-lifetime = '2m'\nwrite-ca = 'trust.pem'\nname = ['pull.test']\nturn-down-status = 400\n\
             [serve.pull.path]\nrfp = '/rfps/{{rfpId}}'\n\
             [[serve.pull.key]]\nname = 'rfps'\nkey-file = 'rfp.key'\napis = ['rfp']\n\
             [[serve.pull.key]]\nname = 'responses'\nkey-file = 'response.key'\napis = ['response']\ncvb = false\n\
             suppliers = ['{SUPPLIER}']\n\
             [[serve.pull.client]]\nid = 'ci'\nsecret-file = 'ci.secret'\nscopes = ['read']\n"
        ),
    );
    let served = Served::start(folder.path(), &[]);
    assert!(served.said.contains("with the key of rfps, responses"), "{}", served.said);
    assert!(served.said.contains("trusted by --cacert trust.pem"), "{}", served.said);
    send(&served);
    let puller = Puller::of(&served, folder.path());
    let status = |request: &str, headers: &str, body: &str| {
        puller.call(request, headers, body).split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status(&format!("GET /rfps/{RFP}"), "Authorization: api_key k1\r\n", ""), "200");
    assert_eq!(status(&format!("GET /rfps/{RFP}"), "Authorization: api_key k2\r\n", ""), "403");
    let response = format!("/rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}");
    assert_eq!(status(&format!("GET {response}"), "Authorization: api_key k2\r\n", ""), "200");
    let json = "Authorization: api_key k2\r\nContent-Type: application/json\r\n";
    assert_eq!(status(&format!("POST {response}/turndown"), json, "{}"), "400");
    let form = "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic Y2k6cw==\r\n";
    let granted = puller.call("POST /oauth2/token", form, "grant_type=client_credentials");
    assert!(granted.contains(r#""expires_in":120,"scope":"read""#), "{granted}");
    assert_eq!(served.end("-TERM").0, 0);
}

#[test]
fn what_is_wrong_is_told_with_what_was_expected() {
    let folder = folder();
    file(folder.path(), "key", "k\n");
    file(folder.path(), "letter.pem", "dear\n");
    let wrong = |args: &[&str], expected: &str| {
        let mut command = pns(folder.path());
        command.args(["serve", "--ephemeral", "--listen", "127.0.0.1:0"]).args(args);
        // What is not refused would serve for ever.
        command.timeout(std::time::Duration::from_secs(60));
        let (code, out, err) = outcome(&mut command);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(expected), "{args:?}: {err}");
    };
    let on = "--pull-listen=127.0.0.1:0";
    wrong(&["--pull-listen", "7768"], "expected an IP address and a port");
    wrong(&["--pull-listen", "0.0.0.0:0"], "there is neither a key nor a client");
    wrong(&["--pull-listen", "0.0.0.0:0"], "help: `--pull-api-key-file FILE`");
    wrong(&[on, "--pull-tls-cert", "c"], "`--pull-tls-cert` needs `--pull-tls-key`");
    wrong(&[on, "--pull-tls-cert", "c", "--pull-tls-key", "k"], "cannot read `c` as PEM");
    wrong(&[on, "--pull-name", "a b"], "`a b` is neither a host name nor an address");
    wrong(&[on, "--pull-write-ca", "letter.pem"], "`pns` did not write; name another by --pull-write-ca");
    wrong(&[on, "--pull-api-key-file", "none"], "cannot take the API key from `none`");
    wrong(&[on, "--pull-client-id", "ci"], "needs the client's secret");
    wrong(&[on, "--pull-client-secret", "s"], "needs `--pull-client-id`");
    wrong(&[on, "--pull-token-lifetime", "0s"], "a token lives from 1s to 30d");
    wrong(&[on, "--pull-turn-down-status", "500"], "a status from 400 to 499, not `500");
    wrong(&[on, "--pull-path", "venue"], "expected a call and its path");
    wrong(
        &[on, "--pull-path", "forward=/f/{rfpId}"],
        "expected one of rfp, message, messages, venue, attachment",
    );
    wrong(&[on, "--pull-path", "venue=/v/{id}"], "lacks `{venueId}`");
    wrong(&[on, "--pull-path", "venue=/message/v1/message/{venueId}"], "is that of `message`, too");
    let wrong_file = |text: &str, expected: &str| {
        file(folder.path(), "pns.toml", text);
        wrong(&[], expected);
    };
    let pull = |text: &str| format!("[serve.pull]\nlisten = '127.0.0.1:0'\n{text}");
    wrong_file(&pull("lissten = 1"), "unknown field `lissten`");
    wrong_file(&pull("path = { forward = '/x' }"), "setting `serve.pull.path.forward`: expected one of rfp");
    wrong_file(&pull("path = { venue = 'x' }"), "does not begin with `/`");
    wrong_file(
        &pull("key = [{ name = 'a', key-file = 'key', apis = ['planner'] }]"),
        "serve.pull.key `a`: apis",
    );
    wrong_file(
        &pull("key = [{ name = 'a', key-file = 'key', suppliers = ['x'] }]"),
        "serve.pull.key `a`: suppliers",
    );
    wrong_file(&pull("key = [{ name = 'a', key-file = 'key', apis = [] }]"), "`a` opens no API");
    wrong_file(&pull("key = [{ name = 'a', key = 'k' }]"), "unknown field `key`");
    let twice = "key = [{ name = 'a', key-file = 'key' }, { name = 'b', key-file = 'key' }]";
    wrong_file(&pull(twice), "the keys `a` and `b` are the same");
    wrong_file("[serve.world]\nconsent = '120%'", "setting `serve.world.consent`: expected a share");
}
