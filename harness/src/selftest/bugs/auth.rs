//! Bugs of authentication. All need a key: without one there is nothing to get wrong.

use crate::selftest::message::{Answer, Reply, Request, internal_error, refuse};
use crate::selftest::plan::Plan;
use crate::selftest::service::{self, credentials};
use crate::selftest::{Need, Specimen};

pub(super) const ALL: &[Specimen] = &[
    keyed(
        "missing-key-accepted",
        &["auth/missing-key-refused"],
        "`if (header != null && !header.equals(expected))`",
        |plan| {
            plan.authorize = |request, key| {
                if given(request).is_none() { Ok(()) } else { service::authorize(request, key) }
            };
        },
    ),
    keyed(
        "any-key-accepted",
        &[
            "auth/wrong-key-refused",
            "auth/placeholders-refused",
            "auth/special-characters-refused",
            "auth/wrong-key-whatever-the-body",
        ],
        "authentication is configured, and the filter is never put into the chain",
        |plan| plan.authorize = |request, _| verdict(given(request).is_some()),
    ),
    keyed(
        "empty-key-accepted",
        &["auth/empty-key-refused"],
        "`expected.startsWith(given)`, or a key that is looked up and defaults to empty",
        |plan| {
            plan.authorize = |request, key| {
                let empty = given(request).is_some_and(|value| value.trim() == "api_key");
                if empty { Ok(()) } else { service::authorize(request, key) }
            };
        },
    ),
    keyed(
        "key-prefix-accepted",
        &["auth/key-prefix-refused"],
        "`strncmp(given, expected, strlen(given))`",
        |plan| {
            plan.authorize =
                |request, key| compared(request, |given| !given.is_empty() && key.starts_with(given));
        },
    ),
    keyed(
        "key-with-suffix-accepted",
        &["auth/key-with-suffix-refused"],
        "`given.startsWith(expected)`, or bcrypt, which ignores what follows 72 bytes",
        |plan| plan.authorize = |request, key| compared(request, |given| given.starts_with(key)),
    ),
    keyed(
        "key-found-anywhere",
        &["auth/key-with-suffix-refused"],
        "`header.includes(key)`: anything around it goes",
        |plan| {
            plan.authorize = |request, key| verdict(given(request).is_some_and(|value| value.contains(key)));
        },
    ),
    keyed(
        "key-in-any-case-accepted",
        &["auth/key-in-other-case-refused"],
        "a key stored in MySQL, whose usual collation has no case, or `equalsIgnoreCase`",
        |plan| plan.authorize = |request, key| compared(request, |given| given.eq_ignore_ascii_case(key)),
    ),
    keyed(
        "key-compared-by-start",
        &["auth/key-prefix-refused"],
        "classic `crypt()`: only the first eight characters count",
        |plan| {
            plan.authorize = |request, key| {
                let start = &key.as_bytes()[..key.len().min(8)];
                compared(request, |given| given.as_bytes().starts_with(start))
            };
        },
    ),
    keyed(
        "other-scheme-accepted",
        &["auth/other-scheme-refused"],
        "`header.split(\" \")[1]`: the scheme is never looked at",
        |plan| {
            plan.authorize = |request, key| {
                let value = given(request).unwrap_or_default();
                verdict(value.split_once(' ').is_some_and(|(_, given)| given.trim_start() == key))
            };
        },
    ),
    keyed(
        "key-without-scheme-accepted",
        &["auth/key-without-scheme-refused"],
        "`header.replace(\"api_key \", \"\")`",
        |plan| {
            plan.authorize = |request, key| {
                if given(request) == Some(key) { Ok(()) } else { service::authorize(request, key) }
            };
        },
    ),
    keyed(
        "key-in-query-accepted",
        &["auth/key-in-query-refused"],
        "a second way in, left over from the first tries: such keys end up in every access log",
        |plan| {
            plan.authorize = |request, key| {
                let query = request.head.target.split_once('?').map_or("", |(_, query)| query);
                let there =
                    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(_, value)| value == key);
                if there { Ok(()) } else { service::authorize(request, key) }
            };
        },
    ),
    keyed(
        "key-checked-once-per-connection",
        &["auth/every-request-of-a-connection"],
        "a session bound to the connection, as with NTLM: the second request needs no key",
        |plan| {
            plan.authorize =
                |request, key| if request.nth > 1 { Ok(()) } else { service::authorize(request, key) };
        },
    ),
    keyed(
        "authorization-name-case-sensitive",
        &["auth/header-name-in-any-case"],
        "`headers[\"Authorization\"]` on a plain map: lost behind every proxy that writes names in lower case",
        |plan| {
            plan.reread = |head| {
                head.fields.retain(|field| !field.is("authorization") || field.name == "Authorization");
            };
        },
    ),
    keyed(
        "scheme-case-sensitive",
        &["auth/scheme-in-any-case"],
        "`header.startsWith(\"api_key \")`: schemes have no case (RFC 9110, 11.1)",
        |plan| {
            plan.authorize = |request, key| {
                verdict(given(request).is_some_and(|value| value.starts_with("api_key ")))?;
                service::authorize(request, key)
            };
        },
    ),
    keyed(
        "one-space-demanded",
        &["auth/several-spaces"],
        "`header.split(\" \").length == 2`: HTTP allows several (RFC 9110, 11.4)",
        |plan| {
            plan.authorize = |request, key| {
                verdict(given(request).is_some_and(|value| value.split(' ').count() == 2))?;
                service::authorize(request, key)
            };
        },
    ),
    keyed(
        "authorization-not-trimmed",
        &["auth/space-around-value", "auth/tab-around-value"],
        "the white space around a value taken for a part of it",
        |plan| {
            plan.authorize = |request, key| {
                let line = request.head.all("authorization").next();
                verdict(line.is_some_and(|line| line.raw.strip_prefix(b" ") == Some(line.value.as_slice())))?;
                service::authorize(request, key)
            };
        },
    ),
    keyed(
        "two-authorizations-500",
        &["auth/two-headers"],
        "`headers.authorization.split` where two lines have become an array",
        |plan| {
            plan.authorize = |request, key| {
                if request.head.all("authorization").count() > 1 {
                    return Err(internal_error());
                }
                service::authorize(request, key)
            };
        },
    ),
    keyed(
        "missing-key-500",
        &["auth/missing-key-refused"],
        "`request.getHeader(\"Authorization\").substring(8)`: NullPointerException",
        |plan| {
            plan.authorize = |request, key| match given(request) {
                Some(_) => service::authorize(request, key),
                None => Err(internal_error()),
            };
        },
    ),
    keyed(
        "empty-key-500",
        &["auth/empty-key-refused"],
        "`header.split(\" \")[1]` of a value that has no second part",
        |plan| {
            plan.authorize = |request, key| {
                if given(request).is_some_and(|value| value.split_once(' ').is_none()) {
                    return Err(internal_error());
                }
                service::authorize(request, key)
            };
        },
    ),
    keyed(
        "long-key-500",
        &["auth/long-key"],
        "the given key is looked up in a column of 255 characters, or logged into one",
        |plan| {
            plan.authorize = |request, key| {
                if given(request).is_some_and(|value| value.len() > 255) {
                    return Err(internal_error());
                }
                service::authorize(request, key)
            };
        },
    ),
    keyed(
        "key-bytes-500",
        &["auth/bytes-beyond-ascii"],
        "`compare_digest` of Python: TypeError for text beyond ASCII",
        |plan| {
            plan.authorize = |request, key| {
                let line = request.head.all("authorization").next();
                if line.is_some_and(|line| !line.value.is_ascii()) {
                    return Err(internal_error());
                }
                service::authorize(request, key)
            };
        },
    ),
    keyed(
        "key-echoed",
        &["auth/key-not-echoed"],
        "an error text with the headers received, \"for support\"",
        |plan| {
            plan.dress = |answer, request| match (answer.status, given(request)) {
                (400.., Some(value)) => {
                    Answer { body: format!("cannot accept: authorization={value}").into_bytes(), ..answer }
                }
                _ => answer,
            };
        },
    ),
    keyed(
        "login-page-200",
        &["auth/missing-key-refused", "auth/wrong-key-refused"],
        "a security framework that shows its login page, with 200: PNS takes the notification for delivered",
        |plan| plan.authorize = |request, key| service::authorize(request, key).map_err(|_| login_page()),
    ),
    keyed(
        "login-redirect",
        &["auth/missing-key-refused"],
        "Spring Security's or ASP.NET's default: 302 to a login page that no sender can use",
        |plan| {
            plan.authorize = |request, key| {
                service::authorize(request, key).map_err(|_| {
                    Reply::Answer(Answer::empty(302).with("Location", "/login?returnUrl=%2Fpns"))
                })
            };
        },
    ),
    keyed(
        "wrong-key-500",
        &["auth/wrong-key-refused"],
        "an AuthenticationException that the catch-all handler takes for a failure of its own",
        |plan| plan.authorize = |request, key| wrong_is(request, key, internal_error),
    ),
    keyed(
        "wrong-key-unanswered",
        &["auth/wrong-key-refused"],
        "a tarpit against guessing, without end",
        |plan| plan.authorize = |request, key| wrong_is(request, key, || Reply::Hang),
    ),
    keyed(
        "wrong-keys-lock-everybody-out",
        &["auth/right-after-wrong", "delivery/right-key-after-wrong"],
        "an account locked after three wrong keys: anybody can stop the notifications",
        |plan| {
            plan.enter = |shared| {
                let locked = shared.state().unauthorized >= 3;
                Box::pin(std::future::ready(if locked { Err(refuse(403, "locked")) } else { Ok(()) }))
            };
        },
    ),
];

const fn keyed(
    name: &'static str,
    caught_by: &'static [&'static str],
    story: &'static str,
    change: fn(&mut Plan),
) -> Specimen {
    Specimen::bug(name, caught_by, story, change).needing(&[Need::Key])
}

/// The value of the first `Authorization` line.
fn given(request: &Request) -> Option<&str> {
    request.head.text("authorization")
}

fn verdict(right: bool) -> Result<(), Reply> {
    if right { Ok(()) } else { Err(refuse(401, "not with this key")) }
}

/// Whether the key given passes a comparison.
fn compared(request: &Request, right: impl Fn(&str) -> bool) -> Result<(), Reply> {
    verdict(given(request).and_then(credentials).is_some_and(right))
}

/// Refuses as it should where there is no key, and in another way where there is a wrong one.
fn wrong_is(request: &Request, key: &str, reply: fn() -> Reply) -> Result<(), Reply> {
    service::authorize(request, key).map_err(|right| if given(request).is_some() { reply() } else { right })
}

fn login_page() -> Reply {
    Reply::Answer(Answer::of(200, "text/html", "<html><title>Sign in</title><form>…</form></html>"))
}
