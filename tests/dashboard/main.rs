//! The dashboard of `pns serve` in a real browser, as its users see it. `tests/browser.sh` installs the browser and
//! runs these.

mod browser;

use browser::{Browser, Look};

#[tokio::test]
async fn a_page_opens() {
    let browser = Browser::start(Look { size: Look::PHONE, dark: true, script: true }).await;
    browser.open("data:text/html,<body><p id=a>hello</p>").await;
    assert_eq!(browser.text("#a").await, "hello");
    let dark =
        browser.measure("return matchMedia('(prefers-color-scheme: dark)').matches + ' ' + innerWidth").await;
    assert_eq!(dark, "true 360");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
}
mod site;
