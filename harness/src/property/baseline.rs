//! What must be known before anything is judged: whether the receiver is up, wants the key, accepts one plain valid
//! notification. And afterwards, between properties: whether it still does.

use std::time::Duration;

use pns_simulator::clock::{Stopwatch, pause};
use serde_json::{Value, json};

use super::case::Case;
use super::kinds::Property;
use super::setting::Setting;
use crate::event::{CheckVerdict, ScenarioFinished, ScenarioVerdict, WireExchange};
use crate::runner::Player;

/// How long a receiver that stopped accepting is waited for: long enough for a supervisor to start it again.
const RECOVERY_TIME: Duration = Duration::from_secs(15);
/// Between two looks at a receiver that stopped accepting.
const RECOVERY_POLL: Duration = Duration::from_millis(200);

/// Whether the receiver accepts a plain valid notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It does.
    Accepts,
    /// It asks to be sent less (429, 503 with `Retry-After`), as it may.
    Pressed,
    /// It does not: what came instead.
    Refuses(String),
}

/// How a receiver that had stopped accepting went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// It accepts again, after this time.
    After(Duration),
    /// It does not, within the time given.
    Never,
}

/// Learns what properties depend on, into `setting`.
///
/// # Errors
/// When the receiver does not accept one plain valid notification: why, and what to do. Nothing is judged then.
pub(super) async fn learn(player: &Player, setting: &mut Setting) -> Result<(), String> {
    accepts(player, setting).await?;
    if setting.api_key.is_some() {
        let without = play(player, setting, json!({ "auth": "none" }), &["4xx", "closed"]).await?;
        setting.key_is_checked = Some(without.verdict == ScenarioVerdict::Passed);
    }
    setting.offers_http2 = player.offers_http2().await;
    Ok(())
}

/// Sees to it that the receiver accepts one plain valid notification.
///
/// # Errors
/// When it does not: why, and what to do.
pub(super) async fn accepts(player: &Player, setting: &Setting) -> Result<(), String> {
    let plain = play(player, setting, on_kept(), &["2xx"]).await?;
    if plain.verdict == ScenarioVerdict::Passed { Ok(()) } else { Err(refusal(setting, &plain)) }
}

/// Whether the receiver accepts a plain valid notification now.
pub(super) async fn health(player: &Player, setting: &Setting) -> Health {
    match play(player, setting, on_kept(), &["2xx"]).await {
        Err(reason) => Health::Refuses(reason),
        Ok(finished) => match finished.verdict {
            ScenarioVerdict::Failed => Health::Refuses(what_came(&finished)),
            ScenarioVerdict::Inconclusive(_) => Health::Pressed,
            ScenarioVerdict::Error(reason) => Health::Refuses(reason),
            _ => Health::Accepts,
        },
    }
}

/// Waits for a receiver that stopped accepting.
pub(super) async fn recovery(player: &Player, setting: &Setting) -> Recovery {
    let watch = Stopwatch::start();
    loop {
        if health(player, setting).await == Health::Accepts {
            return Recovery::After(watch.elapsed());
        }
        if watch.elapsed() >= RECOVERY_TIME {
            return Recovery::Never;
        }
        pause(RECOVERY_POLL).await;
    }
}

/// On a connection that is kept, what follows an answer is not listened for: a property of its own tells of that.
fn on_kept() -> Value {
    json!({ "on": "baseline" })
}

/// The step by which a case shows that the receiver accepts afterwards.
pub(super) fn afterwards() -> Value {
    json!({ "request": {}, "title": "afterwards, a plain valid notification is accepted" })
}

async fn play(
    player: &Player,
    setting: &Setting,
    request: Value,
    answer: &[&str],
) -> Result<ScenarioFinished, String> {
    let case = Case::request("", request, json!(answer));
    let scenario = super::trial::parse(&case, &PLAIN)?;
    // Not from the seed: the same receiver may have seen the same run before, and remember its ids.
    let seed = pns_engine::rng::draw(pns_simulator::clock::real_now().as_nanos(), setting.seed, 0);
    Ok(player.play(&scenario, seed).await)
}

/// What the baseline is told as; never tried by itself.
const PLAIN: Property = Property {
    id: "accepts/baseline",
    title: "a plain valid notification is acknowledged",
    clause: crate::clause::Clause::EndpointSchema,
    strength: crate::event::Strength::Must,
    tags: &[],
    needs: &[],
    does: "",
    why: "Nothing can be judged of a receiver that accepts nothing.",
    mend: "",
    cases: super::kinds::Cases::Fixed(|_| Vec::new()),
};

fn broken(finished: &ScenarioFinished) -> Option<(&str, Option<&WireExchange>)> {
    let check = finished.checks.iter().find(|check| check.verdict == CheckVerdict::Failed)?;
    let failure = check.failure.as_deref()?;
    Some((&failure.found, failure.exchanges.last()))
}

fn what_came(finished: &ScenarioFinished) -> String {
    broken(finished).map_or_else(|| "no acknowledgement".to_owned(), |(found, _)| found.to_owned())
}

/// Why nothing is judged, and what to do.
fn refusal(setting: &Setting, finished: &ScenarioFinished) -> String {
    if let ScenarioVerdict::Inconclusive(reason) | ScenarioVerdict::Error(reason) = &finished.verdict {
        return format!("a plain valid notification could not be judged: {reason}");
    }
    let found = what_came(finished);
    let exchange = broken(finished).and_then(|(_, exchange)| exchange);
    let status = status_of(exchange);
    let advice = match (status, setting.api_key.is_some()) {
        (Some(401 | 403), false) => {
            "the receiver wants a key: give it by `--api-key-file FILE` or PNS_API_KEY".to_owned()
        }
        (Some(code), _) => pns_simulator::advice::meaning(
            pns_engine::FailureReason::Status(code),
            pns_simulator::advice::Voice::CommandLine,
        ),
        (None, _) => "try the same request by hand: `pns send RFP_SEND --curl`".to_owned(),
    };
    // The advice on a status begins with it.
    let said = if advice.starts_with(&found) { advice } else { format!("{found}; {advice}") };
    let answered = exchange.and_then(answer).map(|text| format!("; it answered: {text}")).unwrap_or_default();
    format!(
        "the receiver does not accept one plain valid notification, so nothing was judged: {said}{answered}"
    )
}

/// The beginning of what the receiver said, on one line: often it names what it misses.
fn answer(exchange: &WireExchange) -> Option<String> {
    const LENGTH_MAX: usize = 200;
    let (_, body) = exchange.response.as_deref()?.split_once("\n\n")?;
    let text = body.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| crate::report::text::cut(&text, LENGTH_MAX).into_owned())
}

/// The status of the answer, from its first line.
fn status_of(exchange: Option<&WireExchange>) -> Option<u16> {
    exchange?.response.as_deref()?.split_whitespace().nth(1)?.parse().ok()
}
