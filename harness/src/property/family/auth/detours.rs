//! Ways around the header: the key in another place, two headers, other names of the same path.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::in_order;
use super::{CHECKED, refused};
use crate::clause::Clause;
use crate::event::Strength;

/// Ways around the header.
pub(super) const ALL: &[Property] =
    &[KEY_IN_QUERY, KEY_IN_OTHER_HEADER, TWO_HEADERS, CLAIMED_ORIGIN, PATH_SPELLINGS];

const KEY_IN_QUERY: Property = Property {
    id: "auth/key-in-query-refused",
    title: "the key in the address is not taken for a key",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key in the query, as `api_key`, `apikey`, `key` and `access_token`, and none in a header.",
    why: "PNS sends the key in a header only. Addresses stand in access logs, in those of proxies and in monitoring (RFC \
          9110, section 17.9), and a second way in invites somebody to use it.",
    mend: "Read the key from `Authorization` alone; in frameworks that merge query, form and headers, name the source.",
    cases: Cases::Fixed(|setting| {
        let join = if setting.target.contains('?') { '&' } else { '?' };
        let case = |name: &str| {
            let target = format!("{}{join}{name}={{{{api_key}}}}", setting.target);
            Case::request(name, json!({ "auth": "none", "target": target }), refused())
        };
        ["api_key", "apikey", "key", "access_token"].map(case).to_vec()
    }),
};

const KEY_IN_OTHER_HEADER: Property = Property {
    id: "auth/key-in-other-header-refused",
    title: "the key in another header is not taken for a key",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key in `X-Api-Key`, `api_key`, `Proxy-Authorization` and a cookie, and none in `Authorization`.",
    why: "PNS sends the key in `Authorization` only, which logs and caches know to be secret. Other headers are logged and \
          passed on, and browsers send a cookie by themselves, on behalf of any page.",
    mend: "Read the key from `Authorization` alone.",
    cases: Cases::Fixed(|_| {
        let lines = [
            ("X-Api-Key", "X-Api-Key: {{api_key}}"),
            ("api_key", "api_key: {{api_key}}"),
            ("Proxy-Authorization", "Proxy-Authorization: api_key {{api_key}}"),
            ("a cookie", "Cookie: api_key={{api_key}}"),
        ];
        let case =
            |(label, line)| Case::request(label, json!({ "auth": "none", "headers": [line] }), refused());
        lines.map(case).to_vec()
    }),
};

const TWO_HEADERS: Property = Property {
    id: "auth/two-headers",
    title: "two Authorization headers are answered in order",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends the key in two `Authorization` lines, and the key beside a wrong one in either order; accepting and \
           refusing are both in order. Then two wrong ones, which must be refused.",
    why: "HTTP allows the header once, so that a receiver may refuse two or take one of them. Frameworks hand out a list, or \
          one text with a comma, where the code expects a text: it answers 500.",
    mend: "Refuse a request that has the header twice, with 400 or 401.",
    cases: Cases::Fixed(|_| {
        const RIGHT: &str = "Authorization: api_key {{api_key}}";
        const WRONG: &str = "Authorization: api_key {{api_key}}-not";
        let case = |label, lines: [&str; 2], answer| {
            Case::request(label, json!({ "auth": "none", "headers": lines }), answer)
        };
        vec![
            case("the key twice", [RIGHT, RIGHT], in_order()),
            case("the key, then a wrong one", [RIGHT, WRONG], in_order()),
            case("a wrong one, then the key", [WRONG, RIGHT], in_order()),
            case("two wrong ones", [WRONG, WRONG], refused()),
        ]
    }),
};

const CLAIMED_ORIGIN: Property = Property {
    id: "auth/claimed-origin-is-no-key",
    title: "a request that claims to come from inside needs the key, too",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security", "proxy"],
    needs: CHECKED,
    does: "Sends no key, but headers by which proxies tell where a request comes from or who was authenticated: \
           `X-Forwarded-For: 127.0.0.1`, `Forwarded`, `X-Real-IP`, `X-Remote-User` and the like.",
    why: "Anybody can write these headers. A receiver that trusts them is open unless each proxy in front of it removes \
          what strangers sent; tried without that proxy, this check may be red on a receiver that is safe behind it.",
    mend: "Demand the key from everybody; let a proxy overwrite such headers, and believe them from its address alone.",
    cases: Cases::Fixed(|_| {
        let lines = [
            "X-Forwarded-For: 127.0.0.1",
            "X-Real-IP: 127.0.0.1",
            "Forwarded: for=127.0.0.1;proto=https",
            "X-Forwarded-User: cvent",
            "X-Remote-User: cvent",
            "X-SSL-Client-Verify: SUCCESS",
        ];
        let case = |line: &str| Case::request(line, json!({ "auth": "none", "headers": [line] }), refused());
        lines.map(case).to_vec()
    }),
};

const PATH_SPELLINGS: Property = Property {
    id: "auth/path-spellings-need-the-key",
    title: "no other spelling of the path gets by without the key",
    clause: Clause::Authentication,
    strength: Strength::Advice,
    tags: &["security"],
    needs: CHECKED,
    does: "Sends no key to spellings that some servers take for the same path: a slash more at either end, `/./`, `;x`, \
           another case, a letter in percent-encoding; anything but a 2xx is in order.",
    why: "Filters match paths as texts, and what dispatches the request behind them reads them more generously: then the \
          filter is passed by. If the answer comes from a page that is shown for every unknown path, it does no harm but to \
          a sender with a typing error, whose notifications it acknowledges and throws away.",
    mend: "Demand the key for all paths and make exceptions, rather than the reverse; answer 404 to unknown paths.",
    cases: Cases::Fixed(|setting| {
        let case = |(label, target): (&str, String)| {
            Case::request(label, json!({ "auth": "none", "target": target }), json!({ "not": ["2xx"] }))
        };
        spellings(setting).into_iter().map(case).collect()
    }),
};

/// Other spellings of the endpoint's path, with its query.
fn spellings(setting: &Setting) -> Vec<(&'static str, String)> {
    let (path, query) = match setting.target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (&*setting.target, String::new()),
    };
    let mut spelt = vec![
        ("two slashes before it", format!("/{path}{query}")),
        ("`/.` before it", format!("/.{path}{query}")),
        ("`/x/..` before it", format!("/x/..{path}{query}")),
    ];
    if path.ends_with('/') {
        return spelt;
    }
    spelt.extend([
        ("a slash behind it", format!("{path}/{query}")),
        ("`;x` behind it", format!("{path};x{query}")),
    ]);
    if query.is_empty() {
        spelt.push(("an empty query", format!("{path}?")));
    }
    if path != path.to_ascii_uppercase() {
        spelt.push(("in capital letters", format!("{}{query}", path.to_ascii_uppercase())));
    }
    if let Some((before, last)) = path.split_at_checked(path.len() - 1)
        && let [byte] = last.as_bytes()
        && byte.is_ascii_alphanumeric()
        && !before.ends_with('%')
        && !before.get(..before.len() - 1).is_some_and(|before| before.ends_with('%'))
    {
        spelt.push(("the last letter encoded", format!("{before}%{byte:02x}{query}")));
    }
    spelt
}

#[cfg(test)]
mod tests {
    use super::super::super::super::setting::tests::everything;
    use super::*;

    fn spelt(target: &str) -> Vec<String> {
        let mut setting = everything();
        target.clone_into(&mut setting.target);
        spellings(&setting).into_iter().map(|(_, target)| target).collect()
    }

    #[test]
    fn a_path_is_spelt_in_other_ways_with_its_query() {
        assert!(spelt("/pns").contains(&"/pn%73".to_owned()));
        assert!(spelt("/a/b?c=d").contains(&"/a/b/?c=d".to_owned()));
        assert!(!spelt("/a/b").contains(&"/a/b".to_owned()));
        assert_eq!(spelt("/"), ["//", "/./", "/x/../"]);
        assert!(spelt("/a%2f").iter().all(|target| !target.contains("%2%")), "{:?}", spelt("/a%2f"));
    }
}
