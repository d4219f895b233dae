//! A real browser, headless: Chromium, driven over the WebDriver protocol by Debian's `chromedriver`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// How long a page may take to show something: far more than it needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the driver is started for one that listens.
const STARTS: usize = 5;

/// How the browser is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// The window's size in CSS pixels.
    pub(crate) size: (u32, u32),
    /// Whether the user prefers a dark page.
    pub(crate) dark: bool,
    /// Whether scripts run.
    pub(crate) script: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { size: (1_280, 900), dark: false, script: true }
    }
}

impl Look {
    /// A small phone.
    pub(crate) const PHONE: (u32, u32) = (360, 740);
}

/// One browser with one window. It ends with [`Browser::end`], or at once when it is dropped.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Driver,
}

/// The process that drives the browser: ended with it.
#[derive(Debug)]
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Starts `chromedriver` and a browser.
    pub(crate) async fn start(look: Look) -> Self {
        let (driver, port) = Driver::start();
        let scripts = if look.script { 1 } else { 2 };
        let scheme = if look.dark { 1 } else { 2 };
        let capabilities = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "args": [
                    "--headless=new",
                    // The tests run as root in containers, where Chromium's own sandbox cannot work.
                    "--no-sandbox",
                    "--disable-dev-shm-usage",
                    "--disable-background-networking",
                    "--no-proxy-server",
                    "--hide-scrollbars",
                    format!("--blink-settings=preferredColorScheme={}", scheme - 1),
                ],
                "prefs": { "profile.managed_default_content_settings.javascript": scripts },
            },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is written as an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromedriver starts a browser: is Debian's `chromium` installed?");
        let browser = Self { client, _driver: driver };
        browser.resize(look.size).await;
        browser
    }

    /// Gives the page a size of its own, below the least width of a window too.
    pub(crate) async fn resize(&self, (width, height): (u32, u32)) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// A command of the browser's developer tools.
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Extra("goog/cdp/execute", body)).await.unwrap()
    }

    /// Goes to a page.
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The element, when it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no `{css}`: {error}\n{}", self.page().await),
        }
    }

    /// Whether there is such an element now.
    pub(crate) async fn has(&self, css: &str) -> bool {
        !self.client.find_all(Locator::Css(css)).await.unwrap().is_empty()
    }

    /// The text that a user sees in an element.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Waits until the text of an element is as it should be. The page may replace the element meanwhile.
    pub(crate) async fn wait(&self, css: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut seen = String::new();
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                // Replaced between being found and being read: then it is there again.
                if let Ok(text) = self.text_now(css).await {
                    seen = text;
                    if wanted(&seen) {
                        return;
                    }
                }
                pns_simulator::clock::pause(Duration::from_millis(50)).await;
            }
        });
        if waited.await.is_err() {
            panic!("`{css}` stays `{seen}`\n{}", self.page().await);
        }
        seen
    }

    async fn text_now(&self, css: &str) -> Result<String, CmdError> {
        self.client.find(Locator::Css(css)).await?.text().await
    }

    /// Does something to an element; once more where the page was replaced between finding and doing.
    async fn on(&self, css: &str, mut act: impl AsyncFnMut(Element) -> Result<(), CmdError>) {
        loop {
            match act(self.find(css).await).await {
                Err(error) if error.is_stale_element_reference() => {}
                done => return done.unwrap(),
            }
        }
    }

    /// Types into a field, in place of what is there.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.on(css, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    /// Chooses an option of a list by its value.
    pub(crate) async fn choose(&self, css: &str, value: &str) {
        self.on(css, async |list| list.select_by_value(value).await).await;
    }

    /// Clicks.
    pub(crate) async fn click(&self, css: &str) {
        self.on(css, async |element| element.click().await).await;
    }

    /// What a script says: for measures that a user sees and WebDriver does not tell.
    pub(crate) async fn measure(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// What the browser complained about since it was last asked: errors of scripts, refusals by the page's security
    /// policy, files that were not found.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Extra("se/log", json!({ "type": "browser" }))).await.unwrap();
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().filter_map(|entry| entry["message"].as_str().map(str::to_owned)).collect()
    }

    /// All that is to be read on the page, for a failed test's message.
    async fn page(&self) -> String {
        let url = self.client.current_url().await.map(|url| url.to_string()).unwrap_or_default();
        format!("at {url}:\n{}", self.text_now("body").await.unwrap_or_default())
    }

    /// Ends the browser in good order.
    pub(crate) async fn end(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Driver {
    /// The driver, and the port that it took. It takes one that is free for both versions of IP, and gives up where another
    /// process was quicker for one of them: then it is started again.
    fn start() -> (Self, u16) {
        let started = (0..STARTS).find_map(|_| Self::start_once());
        started.expect("`chromedriver` listens, and tells its port")
    }

    fn start_once() -> Option<(Self, u16)> {
        let started = Command::new("chromedriver")
            .args(["--port=0", "--log-level=WARNING"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => panic!("cannot start `chromedriver`: {error}\n`tests/browser.sh` installs it"),
        };
        let output = child.stdout.take().expect("it is piped");
        let driver = Self(child);
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        port.map(|port| (driver, port))
    }
}

/// A command that is Chromium's own: its path below the session, and its body.
#[derive(Debug)]
struct Extra(&'static str, Value);

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.1.to_string()))
    }
}
