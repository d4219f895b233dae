//! The dashboard over real sockets, without script: every page, every form, who is let in, and texts that would be
//! markup if they were not escaped.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod acted;
#[path = "../control/client.rs"]
#[expect(dead_code, reason = "the control API's tests send JSON by it")]
mod client;
mod formed;
mod guarded;
mod hostile;
mod html;
mod large;
mod shown;

use std::future::Future;

use pns_engine::Answer as Outcome;
use pns_simulator::clock::Gear;
use pns_simulator::control::{ControlServer, ControlSettings};
use pns_simulator::service::Simulator;
use pns_simulator::service::model::SubscriptionSpec;
use pns_simulator::transport::ScriptedTransport;
use tokio::sync::oneshot;

use client::{Answer, Client};

/// What browsers ask for.
const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A dashboard, and the simulator that it shows.
struct Shown {
    client: Client,
    simulator: Simulator,
    cookie: Option<String>,
    _stop: oneshot::Sender<()>,
}

impl Shown {
    /// In virtual time, over a receiver that acknowledges everything.
    async fn start() -> Self {
        Self::over(ScriptedTransport::with_answers([])).await
    }

    async fn over(transport: ScriptedTransport) -> Self {
        let builder = Simulator::builder().scripted(transport).gear(Gear::Virtual).seed(7);
        Self::of(builder.start().await.unwrap(), ControlSettings::default()).await
    }

    async fn of(simulator: Simulator, settings: ControlSettings) -> Self {
        let settings = ControlSettings { listen: ([127, 0, 0, 1], 0).into(), ..settings };
        let server = ControlServer::bind(settings).await.unwrap();
        let client = Client { address: server.address() };
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.serve(simulator.clone(), async {
            let _ = stopped.await;
        }));
        Self { client, simulator, cookie: None, _stop: stop }
    }

    /// A page as a browser gets it.
    async fn get(&self, path: &str) -> Answer {
        let cookie = self.cookie.clone().unwrap_or_default();
        let mut headers = vec![HTML];
        headers.extend(self.cookie.is_some().then_some(("Cookie", cookie.as_str())));
        self.client.with("GET", path, &headers, "").await
    }

    /// A page that is there, and well-formed.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        let page = answer.text();
        assert_eq!(answer.status, 200, "{path}: {page}");
        html::check(&page);
        page
    }

    /// Sends a form of ours.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = csrf(&self.get("/ui/trigger").await.text());
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &token).extend_pairs(fields);
        self.post_raw(path, &body.finish(), &[]).await
    }

    async fn post_raw(&self, path: &str, body: &str, more: &[(&str, &str)]) -> Answer {
        let cookie = self.cookie.clone().unwrap_or_default();
        let mut headers = vec![HTML, FORM];
        headers.extend(self.cookie.is_some().then_some(("Cookie", cookie.as_str())));
        headers.extend(more);
        self.client.with("POST", path, &headers, body).await
    }

    /// Sends a form that is done, and tells where it leads.
    async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
        answer.header("location").unwrap()
    }

    /// Sends a form that is refused, and gives the page that says so.
    async fn refused(&self, path: &str, fields: &[(&str, &str)], status: u16) -> String {
        let answer = self.post(path, fields).await;
        let page = answer.text();
        assert_eq!(answer.status, status, "{path}: {page}");
        html::check(&page);
        assert!(page.contains("<title>Error: "), "{path}: {page}");
        // The list at the head leads to each field that is wrong.
        let tags = html::tags(&page);
        let wrong = tags.iter().filter_map(|tag| tag.get("id")?.strip_prefix("e-"));
        for id in wrong {
            let link = format!("#f-{id}");
            assert!(tags.iter().any(|tag| tag.get("href") == Some(&link)), "{path}: no {link}");
        }
        page
    }

    async fn subscribe(&self) -> u32 {
        let spec = SubscriptionSpec { name: Some("hotel".to_owned()), ..all_events() };
        self.simulator.create_subscription(spec).await.unwrap().id
    }
}

fn all_events() -> SubscriptionSpec {
    serde_json::from_value(serde_json::json!({ "endpoint": "https://receiver.test/pns", "events": "all" }))
        .unwrap()
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// What forms bring back.
fn csrf(page: &str) -> String {
    let rest = page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {page}")).1;
    rest.split_once('"').unwrap().0.to_owned()
}

/// What stands between the tags of the element with that id, without inner tags.
fn text_of(page: &str, id: &str) -> String {
    let after = page.split_once(&format!(" id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id}: {page}")).1;
    let inside = after.split_once('>').unwrap().1;
    let text = inside.split_once("</").unwrap().0;
    text.replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

/// An attribute of the element with that id.
fn attribute(page: &str, id: &str, name: &str) -> String {
    let tags = html::tags(page);
    let tag = tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap_or_else(|| panic!("no #{id}: {page}"));
    tag.get(name).unwrap_or_else(|| panic!("#{id} has no {name}: {tag:?}")).to_owned()
}

fn status(code: u16) -> Outcome {
    Outcome::Status { code, retry_after: None }
}

/// With a runtime of its own.
fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
