//! Request lines: targets, versions, methods, and what may come before them.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::accepted;
use super::{step, steps, times, variants};
use crate::clause::Clause;
use crate::event::Strength;

/// Request lines: targets, versions, methods, and what may come before them.
pub(super) const ALL: &[Property] = &[
    QUERY_KEPT,
    ABSOLUTE_TARGET,
    HTTP_1_0,
    LEADING_EMPTY_LINE,
    OTHER_PATH_NOT_ACKNOWLEDGED,
    OTHER_METHODS_NOT_ACKNOWLEDGED,
];

/// The endpoint's request target with this query behind it.
fn queried(setting: &Setting, query: &str) -> String {
    let sign = if setting.target.contains('?') { '&' } else { '?' };
    format!("{}{sign}{query}", setting.target)
}

const QUERY_KEPT: Property = Property {
    id: "http/query-kept",
    title: "a query behind the path makes no difference",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["target", "proxy"],
    needs: &[],
    does: "Sends notifications to the endpoint's path with a query that nobody knows, short and of 1 KiB.",
    why: "A query tells apart resources (RFC 9110, section 4.2.2), so that a receiver may refuse it; but gateways and tracing \
          add parameters, and teams put the tenant there. `url === '/pns'` answers 404 then.",
    mend: "Compare the path alone, as routers do: parse the target before it is compared.",
    cases: Cases::Fixed(|setting| {
        let long = format!("trace={}", "a1b2c3d4".repeat(128));
        let forms = [
            ("short", json!({ "target": queried(setting, "added=1") })),
            ("1 KiB", json!({ "target": queried(setting, &long) })),
        ];
        variants(setting, &accepted(), &forms)
    }),
};

const ABSOLUTE_TARGET: Property = Property {
    id: "http/absolute-target",
    title: "the whole address in the request line makes no difference",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["target", "proxy"],
    needs: &[],
    does: "Sends a notification with the whole address, scheme and host included, as its request target.",
    why: "A server must accept it (RFC 9112, section 3.2.2), although only requests to proxies look like that: a client whose \
          setting names the receiver as its proxy, or a chain of proxies, sends it. A route that is compared with the whole \
          target finds nothing.",
    mend: "Take the path out of the target with a URL parser before it is compared; routers of frameworks do.",
    cases: Cases::Fixed(|setting| variants(setting, &accepted(), &[("", json!({ "target": "absolute" }))])),
};

const HTTP_1_0: Property = Property {
    id: "http/http-1-0",
    title: "a request in HTTP/1.0 is acknowledged, and its answer is not chunked",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["version", "proxy"],
    needs: &[],
    does: "Sends a notification in HTTP/1.0, and two on one connection that HTTP/1.0 asks to keep.",
    why: "nginx speaks HTTP/1.0 to what stands behind it unless it is told otherwise. The answer must not be chunked then (RFC \
          9112, section 6.1), and the version is of the same major number, which 505 is not for (RFC 9110, section \
          15.6.6). Some servers refuse it with 426 unless they are set to take it; Cvent's sender will hardly use it.",
    mend: "Let the proxy speak HTTP/1.1 (`proxy_http_version 1.1`), or let the server take HTTP/1.0 \
           (`accept_http_10` in Envoy); leave the framing of answers to the server.",
    cases: Cases::Fixed(|setting| {
        let mut cases = variants(setting, &accepted(), &[("", json!({ "http": "1.0" }))]);
        let kept = json!({ "http": "1.0", "headers": ["Connection: keep-alive"], "on": "a" });
        let twice = times(step(setting, "both are acknowledged", kept), 2);
        cases.extend(steps("kept", [twice]));
        cases
    }),
};

const LEADING_EMPTY_LINE: Property = Property {
    id: "http/leading-empty-line",
    title: "an empty line before the request line is ignored",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["connections"],
    needs: &[],
    does: "Sends a notification behind an empty line on a new connection; and on a kept one, a notification with an empty \
           line behind its body, and another one.",
    why: "A server should ignore at least one (RFC 9112, section 2.2): old clients end a body with a line feed that its \
          length does not count.",
    mend: "Skip empty lines before the request line, or use a server that does.",
    cases: Cases::Fixed(|setting| {
        let mut cases = variants(setting, &accepted(), &[("at the beginning", json!({ "prefix": "\r\n" }))]);
        let title = "the notification with the empty line behind it is acknowledged";
        let first = step(setting, title, json!({ "suffix": "\r\n", "on": "a" }));
        let second = step(setting, "so is the next one", json!({ "on": "a" }));
        cases.extend(steps("between two requests", [first, second]));
        cases
    }),
};

const OTHER_PATH_NOT_ACKNOWLEDGED: Property = Property {
    id: "http/other-path-not-acknowledged",
    title: "a notification to another path is not acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Advice,
    tags: &["target"],
    needs: &[],
    does: "Sends a notification to a path beside the endpoint's that is not likely to exist.",
    why: "An acknowledgement ends the delivery. A server that answers 200 to every path, as those of single-page applications \
          do, acknowledges all notifications when the address at Cvent has a slip of the pen, and they are gone.",
    mend: "Answer 404 to paths that are none; serve the fall-back page to GET alone.",
    cases: Cases::Fixed(|setting| {
        let path = setting.target.split('?').next().unwrap_or_default().trim_end_matches('/');
        let target = format!("{path}-no-such-endpoint");
        let case = |answer| variants(setting, &answer, &[("", json!({ "target": target }))]);
        case(json!({ "not": ["2xx", "malformed", "refused"] }))
    }),
};

const OTHER_METHODS_NOT_ACKNOWLEDGED: Property = Property {
    id: "http/other-methods-not-acknowledged",
    title: "a notification sent by another method than POST is not acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Advice,
    tags: &["method"],
    needs: &[],
    does: "Sends notifications by PUT, PATCH and DELETE.",
    why: "Notifications come by POST. A handler for every method (`app.use`, `@RequestMapping` without a method, a servlet's \
          `service`) takes them all, or acknowledges without a look; 405 (RFC 9110, section 15.5.6) tells a mistake where it \
          is made.",
    mend: "Route POST alone to the handler, and let the framework answer 405.",
    cases: Cases::Fixed(other_methods),
};

fn other_methods(setting: &Setting) -> Vec<Case> {
    let forms = ["PUT", "PATCH", "DELETE"].map(|method| (method, json!({ "method": method })));
    variants(setting, &json!({ "not": ["2xx", "malformed", "refused"] }), &forms)
}
