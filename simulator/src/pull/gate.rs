//! Who is answered: keys and tokens that callers show, and tokens that clients ask for.
//!
//! *Documented*: `Authorization: api_key KEY`, or OAuth 2.0 client credentials. What Cvent's page leaves open is as
//! RFC 6749 (tokens) and RFC 6750 (bearers) have it.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::access::{Access, Api, PullClient, PullKey, is_scope};
use super::answer::Answer;
use super::settings::PullSettings;
use super::tokens::Tokens;
use crate::world::CallKind;

/// Admits callers by what the settings say.
#[derive(Debug)]
pub(super) struct Gate {
    keys: Vec<(PullKey, Arc<Access>)>,
    clients: Vec<(PullClient, Arc<Access>)>,
    tokens: Tokens,
    /// Who everybody is, where neither keys nor clients are known.
    anyone: Option<Arc<Access>>,
}

impl Gate {
    /// The name of who shows nothing, where nothing is asked for.
    const ANYONE: &str = "anyone";

    pub(super) fn new(settings: &PullSettings) -> Self {
        let keys = settings.keys.iter().map(|key| (key.clone(), Arc::new(key.access.clone())));
        let clients = settings.clients.iter().map(|client| (client.clone(), Arc::new(client.access.clone())));
        Self {
            keys: keys.collect(),
            clients: clients.collect(),
            tokens: Tokens::new(settings.token_lifetime, settings.limits.tokens),
            anyone: settings.is_open().then(|| Arc::new(Access::full(Self::ANYONE))),
        }
    }

    /// Whose key or token the request shows.
    pub(super) fn who(&self, headers: &HeaderMap) -> Result<Arc<Access>, Answer> {
        if let Some(anyone) = &self.anyone {
            return Ok(Arc::clone(anyone));
        }
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let (Some(shown), None) = (all.next(), all.next()) else {
            return Err(match headers.contains_key(AUTHORIZATION) {
                true => Answer::refused(StatusCode::BAD_REQUEST, "there is more than one `Authorization`"),
                false => self.unknown("there is no `Authorization`", ""),
            });
        };
        match credentials(shown.as_bytes()) {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case(b"api_key") => {
                // Each is compared, so that time tells nothing of which fits.
                let known = self.keys.iter().filter(|(known, _)| known.secret.is(key));
                let known = known.fold(None, |_, (_, access)| Some(access));
                known.cloned().ok_or_else(|| self.unknown("no such API key", ""))
            }
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer") => {
                let known = self.tokens.holder(token);
                known.ok_or_else(|| self.unknown("no such token, or its life is over", "invalid_token"))
            }
            _ => Err(self.unknown("`Authorization` shows neither an API key nor a bearer token", "")),
        }
    }

    /// Whether `who` may make this call.
    pub(super) fn permit(&self, who: &Access, kind: CallKind, headers: &HeaderMap) -> Result<(), Answer> {
        let Some(api) = Api::of(kind).filter(|api| !who.apis.contains(api)) else { return Ok(()) };
        let message = format!("an application without the permission for the `{api}` API");
        let answer = Answer::refused(StatusCode::FORBIDDEN, &message);
        let shown = headers.get(AUTHORIZATION).and_then(|shown| credentials(shown.as_bytes()));
        Err(match shown {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case(b"Bearer") => {
                let challenge =
                    HeaderValue::from_static("Bearer realm=\"pns\", error=\"insufficient_scope\"");
                answer.with(WWW_AUTHENTICATE, challenge)
            }
            _ => answer,
        })
    }

    /// 401 with a challenge for each way that is open (RFC 9110, section 11.6.1), and the `error` of RFC 6750.
    pub(super) fn unknown(&self, message: &str, error: &str) -> Answer {
        let mut answer = Answer::refused(StatusCode::UNAUTHORIZED, message);
        if !self.clients.is_empty() {
            let error = if error.is_empty() { String::new() } else { format!(", error=\"{error}\"") };
            let challenge = format!("Bearer realm=\"pns\"{error}");
            answer = answer.with(WWW_AUTHENTICATE, HeaderValue::try_from(challenge).expect("it is ASCII"));
        }
        if !self.keys.is_empty() || self.clients.is_empty() {
            answer = answer.with(WWW_AUTHENTICATE, HeaderValue::from_static("api_key realm=\"pns\""));
        }
        answer
    }

    /// Answers a request for a token, and tells whose it was.
    pub(super) fn token(&self, headers: &HeaderMap, body: &[u8]) -> (Option<Arc<Access>>, Answer) {
        match self.grant(headers, body) {
            Ok((who, answer)) => (Some(who), answer),
            Err(answer) => (None, answer),
        }
    }

    fn grant(&self, headers: &HeaderMap, body: &[u8]) -> Result<(Arc<Access>, Answer), Answer> {
        let form = Form::read(headers, body)?;
        let (who, scopes) = self.client(headers, &form)?;
        match form.grant_type.as_deref() {
            Some("client_credentials") => {}
            None => return Err(invalid("there is no `grant_type`")),
            Some(_) => {
                let description = "the only `grant_type` is `client_credentials`";
                return Err(Answer::oauth(StatusCode::BAD_REQUEST, "unsupported_grant_type", description));
            }
        }
        if let Some(asked) = &form.scope {
            let known = |scope: &str| is_scope(scope) && scopes.is_none_or(|scopes| scopes.contains(scope));
            if asked.is_empty() || !asked.split(' ').all(known) {
                return Err(Answer::oauth(
                    StatusCode::BAD_REQUEST,
                    "invalid_scope",
                    "no scope of this client",
                ));
            }
        }
        let Some(token) = self.tokens.issue(&who) else {
            let message = "the system gives no random numbers";
            return Err(Answer::refused(StatusCode::INTERNAL_SERVER_ERROR, message));
        };
        let mut body = json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.tokens.lifetime().as_secs(),
        });
        // What was not asked for and is granted must be told (RFC 6749, section 5.1).
        let granted =
            form.scope.or_else(|| scopes.map(|all| all.iter().cloned().collect::<Vec<_>>().join(" ")));
        if let Some(granted) = granted {
            body["scope"] = granted.into();
        }
        Ok((who, Answer::json(StatusCode::OK, &body).of_tokens()))
    }

    /// The client that asks, by HTTP Basic or by the form, and its scopes.
    fn client(
        &self,
        headers: &HeaderMap,
        form: &Form,
    ) -> Result<(Arc<Access>, Option<&BTreeSet<String>>), Answer> {
        if let Some(anyone) = &self.anyone {
            return Ok((Arc::clone(anyone), None));
        }
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let shown: Vec<(String, String)> = match (all.next(), all.next()) {
            (Some(_), Some(_)) => return Err(invalid("there is more than one `Authorization`")),
            (Some(basic), None) => {
                if form.client_secret.is_some() {
                    return Err(invalid("the client shows its secret in two ways"));
                }
                basic_pairs(basic).ok_or_else(|| unknown_client("`Authorization` is not HTTP Basic"))?
            }
            (None, _) => match (&form.client_id, &form.client_secret) {
                (Some(id), Some(secret)) => vec![(id.clone(), secret.clone())],
                _ => return Err(unknown_client("the client shows no id and secret")),
            },
        };
        let fits = |client: &PullClient| {
            shown.iter().any(|(id, secret)| client.secret.is(secret.as_bytes()) & (client.id == *id))
        };
        let known = self.clients.iter().find(|(client, _)| fits(client));
        let (client, access) = known.ok_or_else(|| unknown_client("no such client, or not its secret"))?;
        if form.client_id.as_ref().is_some_and(|id| *id != client.id) {
            return Err(invalid("`client_id` is another client's"));
        }
        Ok((Arc::clone(access), client.scopes.as_ref()))
    }
}

/// The form of a request for a token: each parameter once, without a value as though it were not there (RFC 6749,
/// section 3.2).
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl Form {
    fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Answer> {
        let said = headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
        let essence = said.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(invalid("the body is not said to be `application/x-www-form-urlencoded`"));
        }
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let place = match &*name {
                "grant_type" => &mut form.grant_type,
                "scope" => &mut form.scope,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                // Others are ignored, as the RFC demands.
                _ => continue,
            };
            if !value.is_empty() && place.replace(value.into_owned()).is_some() {
                return Err(invalid("a parameter stands twice"));
            }
        }
        Ok(form)
    }
}

fn invalid(description: &str) -> Answer {
    Answer::oauth(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn unknown_client(description: &str) -> Answer {
    let answer = Answer::oauth(StatusCode::UNAUTHORIZED, "invalid_client", description);
    answer.with(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"pns\""))
}

/// Scheme and credentials.
fn credentials(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    Some((&value[..space], value[space..].trim_ascii()))
}

/// What HTTP Basic shows as id and secret. RFC 6749, section 2.3.1, encodes both as forms do before; many clients do
/// not, so it is read in both ways.
fn basic_pairs(value: &HeaderValue) -> Option<Vec<(String, String)>> {
    let (scheme, encoded) = credentials(value.as_bytes())?;
    if !scheme.eq_ignore_ascii_case(b"Basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    Some(vec![(id.to_owned(), secret.to_owned()), (decode(id), decode(secret))])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pull::Secret;

    fn gate() -> Gate {
        let client = |id: &str, secret: &str| PullClient {
            id: id.to_owned(),
            secret: Secret::new(secret).unwrap(),
            scopes: None,
            access: Access::full(id),
        };
        let key = PullKey { secret: Secret::new("k3y").unwrap(), access: Access::full("key") };
        let clients = vec![client("ci", "s3cret"), client("odd", "a:b%41+")];
        Gate::new(&PullSettings { keys: vec![key], clients, ..PullSettings::default() })
    }

    fn headers(pairs: &[(http::HeaderName, &[u8])]) -> HeaderMap {
        let value = |value: &[u8]| HeaderValue::from_bytes(value).ok();
        pairs.iter().filter_map(|(name, text)| Some((name.clone(), value(text)?))).collect()
    }

    #[test]
    fn a_secret_with_a_colon_is_read_whole() {
        let basic = format!("Basic {}", BASE64_STANDARD.encode("odd:a:b%41+"));
        let form: &[u8] = b"application/x-www-form-urlencoded";
        let headers = headers(&[(AUTHORIZATION, basic.as_bytes()), (CONTENT_TYPE, form)]);
        let (who, answer) = gate().token(&headers, b"grant_type=client_credentials");
        assert_eq!((answer.status, who.unwrap().name.to_string()), (StatusCode::OK, "odd".to_owned()));
    }

    proptest! {
        #[test]
        fn whatever_is_shown_is_nobodys_key(
            scheme in "(Basic|Bearer|api_key|[a-zA-Z_]{0,8})",
            space in " {0,3}",
            shown in proptest::collection::vec(prop_oneof![b' '..=b'~', 0x80..=0xff_u8], 0..60),
        ) {
            let value = [scheme.as_bytes(), space.as_bytes(), &shown].concat();
            let headers = headers(&[(AUTHORIZATION, &value)]);
            prop_assume!(!headers.is_empty() && shown.trim_ascii() != b"k3y");
            let refused = gate().who(&headers).unwrap_err();
            prop_assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        }

        #[test]
        fn whatever_is_asked_for_is_no_token(
            pair in "\\PC{0,20}",
            shows_basic in any::<bool>(),
            form in "((grant_type|scope|client_id|client_secret|x)=[ -~]{0,12}&?){0,6}",
        ) {
            let basic = format!("Basic {}", BASE64_STANDARD.encode(&pair));
            let said: &[u8] = b"application/x-www-form-urlencoded";
            let basic = (AUTHORIZATION, basic.as_bytes());
            let all = [(CONTENT_TYPE, said), basic];
            let headers = headers(if shows_basic { &all } else { &all[..1] });
            prop_assume!(!pair.contains("s3cret") && !form.contains("s3cret"));
            let (who, answer) = gate().token(&headers, form.as_bytes());
            let refused = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].contains(&answer.status);
            prop_assert!(who.is_none() && refused, "{:?}", answer);
        }
    }
}
