//! Correct receivers that are unlike the usual ones: nothing may turn red on them.

use std::sync::Arc;
use std::time::Duration;

use pns_engine::EventType;
use pns_simulator::clock;
use pns_simulator::world::Call;
use serde_json::Value;

use super::message::{After, Answer, Head, Reply, refuse};
use super::plan::{Alpn, Chunked, Early, Ending, Followed, Plan, Resumption, Reuse, Shape};
use super::state::{Client, Note, Shared};
use super::{Need, Specimen, service};
use crate::receiver::TlsVersions;

pub(super) const ALL: &[Specimen] = &[
    Specimen::unusual("plain", "the correct receiver itself, to begin with", |_| {}),
    Specimen::unusual("answers-201", "a notification creates a resource: 201 with its place", |plan| {
        plan.acknowledge = |note| {
            Answer::json(201, &serde_json::json!({ "id": note.event_id }))
                .with("Location", "/notifications/1")
        };
    }),
    Specimen::unusual("answers-202", "accepted, to be processed later: 202 with an empty body", |plan| {
        plan.acknowledge = |_| Answer::empty(202);
    }),
    Specimen::unusual("answers-204", "nothing to say: 204", |plan| plan.acknowledge = |_| Answer::empty(204)),
    Specimen::unusual(
        "answers-299",
        "a 2xx that nobody has registered, which counts as 200 (RFC 9110, 15)",
        |plan| {
            plan.acknowledge = |_| Answer::of(299, "text/plain", "yes");
        },
    ),
    Specimen::unusual("answers-html", "a page in HTML for a machine, with cookies", |plan| {
        plan.acknowledge = |_| {
            Answer::of(200, "text/html; charset=iso-8859-1", b"<h1>Merci, re\xe7u</h1>".as_slice())
                .with("Set-Cookie", "SESSION=1; Path=/; HttpOnly")
                .with("Set-Cookie", "lb=a")
        };
    }),
    Specimen::unusual("answers-without-content-type", "a body that says nothing of its type", |plan| {
        plan.acknowledge = |_| Answer { body: b"OK".to_vec(), ..Answer::empty(200) };
    }),
    Specimen::unusual("answers-at-length", "64 kB of acknowledgement, and 4 kB of headers", |plan| {
        plan.acknowledge = |_| {
            Answer::of(200, "text/plain", vec![b'.'; 65_536]).with("X-Trace", "0123456789abcdef".repeat(256))
        };
    }),
    Specimen::unusual("answers-chunked", "chunks, as every framework streams", |plan| {
        plan.shape = Shape::Chunked;
    }),
    Specimen::unusual("answers-until-close", "the end of the connection is the end of the answer", |plan| {
        plan.shape = Shape::UntilClose;
    }),
    Specimen::unusual("answers-byte-by-byte", "a byte for each TLS record", |plan| {
        plan.shape = Shape::ByteByByte;
    }),
    Specimen::unusual("answers-1xx-first", "102 and 103 before the answer", |plan| {
        plan.shape = Shape::InterimFirst;
    }),
    Specimen::unusual(
        "answers-in-lower-case",
        "header names in lower case, no space after the colon",
        |plan| {
            plan.shape = Shape::LowerCaseNames;
        },
    ),
    Specimen::unusual("closes-announced", "one request per connection, and the answer says so", |plan| {
        plan.connection.reuse = Reuse::CloseAnnounced;
    }),
    Specimen::unusual("closes-silently", "the same without saying so, as HTTP allows at any time", |plan| {
        plan.connection.reuse = Reuse::CloseSilently;
    }),
    Specimen::unusual(
        "closes-after-refusals",
        "a strict server trusts no connection after an error",
        |plan| {
            plan.dress = |answer, _| if answer.status >= 400 { answer.closing() } else { answer };
        },
    ),
    Specimen::unusual(
        "closes-without-close-notify",
        "TCP ends without the end of TLS, as many servers do",
        |plan| {
            plan.connection.ending = Ending::NoCloseNotify;
        },
    ),
    Specimen::unusual(
        "slow-at-first",
        "two seconds for the first three answers, as after a cold start",
        |plan| {
            plan.enter = |shared| Box::pin(slow_while(shared, |request| request <= 3));
        },
    ),
    Specimen::unusual(
        "slow-now-and-then",
        "two seconds for every hundredth answer: a collector of garbage",
        |plan| {
            plan.enter = |shared| Box::pin(slow_while(shared, |request| request.is_multiple_of(100)));
        },
    ),
    Specimen::unusual("limited-to-fifty-a-second", "429 with Retry-After to what comes faster", |plan| {
        plan.enter = |shared| Box::pin(std::future::ready(within_rate(&shared)));
    }),
    Specimen::unusual("limited-to-eight-at-once", "503 with Retry-After to what does not fit", |plan| {
        plan.enter = |shared| Box::pin(within_eight(shared));
    }),
    Specimen::unusual("http2", "HTTP/2 and HTTP/1.1, as ALPN decides", |plan| plan.tls.alpn = Alpn::Both),
    Specimen::unusual("tls-1-2-only", "an appliance without TLS 1.3", |plan| {
        plan.tls.versions = TlsVersions::Tls12Only;
    }),
    Specimen::unusual("tls-1-3-only", "nothing older", |plan| plan.tls.versions = TlsVersions::Tls13Only),
    Specimen::unusual("no-resumption", "no tickets, no sessions: every handshake is a whole one", |plan| {
        plan.tls.resumption = Resumption::NotOffered;
    }),
    Specimen::unusual("forbids-with-403", "403 for a wrong key, without a challenge", |plan| {
        plan.dress = |answer, _| match answer.status {
            401 => Answer { status: 403, fields: Vec::new(), ..answer },
            _ => answer,
        };
    })
    .needing(&[Need::Key]),
    Specimen::unusual(
        "refuses-before-the-body",
        "a wrong key is refused by the head alone, and that is the end",
        |plan| {
            plan.early = Early::RefuseAndClose;
        },
    )
    .needing(&[Need::Key]),
    Specimen::unusual("strict-on-event-types", "unknown event types are refused with 400", |plan| {
        plan.validate = |value, body| service::validate(value, body).map_err(|_| refuse(400, "unknown"));
    }),
    Specimen::unusual(
        "lenient-on-event-types",
        "unknown event types are acknowledged: Cvent may add some",
        |plan| {
            plan.validate = |value, _| Note::of(value).ok_or_else(|| refuse(400, "no notification"));
        },
    ),
    Specimen::unusual(
        "queues-first",
        "everything with the right key is acknowledged with 202 and judged later",
        |plan| {
            plan.content = |_| Ok(());
            plan.parse = |body| Ok(service::parse(body).unwrap_or(Value::Null));
            plan.validate = |value, _| Ok(Note::of(value).unwrap_or_else(|| unreadable(value)));
            plan.apply = |shared, note| {
                if note.event_type.parse::<EventType>().is_ok() {
                    service::apply(shared, note)
                } else {
                    Box::pin(std::future::ready(Ok(())))
                }
            };
            plan.acknowledge = |_| Answer::empty(202);
        },
    ),
    Specimen::unusual("demands-a-length", "411 for chunks (RFC 9110, 15.5.12)", |plan| {
        plan.framing.chunked = Chunked::LengthDemanded;
    }),
    Specimen::unusual("hundred-kilobytes-at-most", "body-parser's own limit: 413", |plan| {
        plan.framing.body_max = 100 * 1024;
    }),
    Specimen::unusual("strict-on-heads", "400 and the end for every header given twice", |plan| {
        plan.gate = no_repeats;
    }),
    Specimen::unusual(
        "closes-on-bad-json",
        "400 and the end of the connection for what is not JSON",
        |plan| {
            plan.parse = |body| match service::parse(body) {
                Err(Reply::Answer(answer)) => Err(Reply::Answer(Answer { after: After::Close, ..answer })),
                other => other,
            };
        },
    ),
    Specimen::unusual("effects-two-seconds-late", "an asynchronous worker that needs its time", effects_late),
    Specimen::unusual("pulls", "what each notification is about is pulled, once, by a worker", |_| {})
        .needing(&[Need::Pull]),
    Specimen::unusual(
        "pulls-all-responses",
        "all responses instead of one, or of a part of one: fewer kinds of calls to write",
        |plan| {
            plan.follow = |shared, client, note| {
                let call = match (note.call, note.rfp) {
                    (Some(Call::Response(..) | Call::DataType(..)), Some(rfp)) => Some(Call::Responses(rfp)),
                    (call, _) => call,
                };
                service::follow(shared, client, &Note { call, ..note.clone() })
            };
        },
    )
    .needing(&[Need::Pull]),
    Specimen::unusual("pulls-two-seconds-late", "a worker that comes round every two seconds", |plan| {
        plan.follow = |shared, client, note| {
            service::once_beside(shared, note, |call| {
                Box::pin(async move {
                    clock::pause(Duration::from_secs(2)).await;
                    client.pull(&call).await;
                })
            })
        };
    })
    .needing(&[Need::Pull]),
    Specimen::unusual(
        "pulls-once-for-several",
        "what is asked for already, and not yet answered, is not asked for again: a pull returns the latest state",
        |plan| plan.follow = gathered,
    )
    .needing(&[Need::Pull]),
    Specimen::unusual(
        "remembers-answers",
        "a duplicate gets the very answer of the first, a 201 with its number",
        |plan| {
            plan.acknowledge = |note| {
                Answer::json(201, &serde_json::json!({ "receipt": note.event_id })).with("ETag", "\"1\"")
            };
        },
    ),
];

async fn slow_while(shared: Arc<Shared>, slow: fn(u64) -> bool) -> Result<(), Reply> {
    let requests = shared.state().requests;
    if slow(requests) {
        clock::pause(Duration::from_secs(2)).await;
    }
    Ok(())
}

/// Fifty requests in each second of the server's life.
fn within_rate(shared: &Shared) -> Result<(), Reply> {
    let second = shared.uptime.elapsed().as_secs();
    let mut state = shared.state();
    if state.second.0 != second {
        state.second = (second, 0);
    }
    state.second.1 += 1;
    if state.second.1 <= 50 { Ok(()) } else { Err(later(429)) }
}

async fn within_eight(shared: Arc<Shared>) -> Result<(), Reply> {
    if shared.state().in_flight > 8 {
        return Err(later(503));
    }
    // Long enough for requests to meet.
    clock::pause(Duration::from_millis(10)).await;
    Ok(())
}

fn later(status: u16) -> Reply {
    match refuse(status, "later, please") {
        Reply::Answer(answer) => Reply::Answer(answer.with("Retry-After", "1")),
        other => other,
    }
}

fn unreadable(value: &Value) -> Note {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Note { event_id: text("eventId"), ..Note::default() }
}

fn no_repeats(head: &Head) -> Result<(), Reply> {
    let mut names: Vec<_> = head.fields.iter().map(|field| field.name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) { Err(refuse(400, "a header twice")) } else { Ok(()) }
}

/// Half a second after the first of several that lead to one call, that call is made for all of them.
fn gathered(shared: &Arc<Shared>, client: Client, note: &Note) -> Followed {
    let waiting = shared;
    service::once_beside(shared, note, |call| {
        let key = format!("waits {call:?}");
        if !waiting.state().seen.insert(key.clone()) {
            return Box::pin(std::future::ready(()));
        }
        let waiting = Arc::downgrade(waiting);
        Box::pin(async move {
            clock::pause(Duration::from_millis(500)).await;
            if let Some(shared) = waiting.upgrade() {
                shared.state().seen.remove(&key);
            }
            client.pull(&call).await;
        })
    })
}

fn effects_late(plan: &mut Plan) {
    plan.apply = |shared, note| {
        Box::pin(async move {
            let shows = shared.uptime.elapsed() + Duration::from_secs(2);
            let mut state = shared.state();
            if !state.has_processed(&note.event_id) {
                state.process(&note, shows);
            }
            Ok(())
        })
    };
}
