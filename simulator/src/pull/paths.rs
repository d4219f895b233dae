//! Which path means which call.
//!
//! The paths of most calls are *documented*; that of the RFP is *inferred* from its neighbours. Those of messages, venues,
//! attachments, of creating a proposal and of the token are not published, so they are *settings* with defaults of this
//! project. Segments are compared after percent-decoding, as RFC 3986 means them; letter case counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::world::CallKind;

/// Characters of a template. No path of Cvent's comes near.
const CHARS_MAX: usize = 512;

/// Where a path is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Cvent's page says it: it cannot be set.
    Documented,
    /// It follows from what Cvent's pages say.
    Inferred,
    /// Cvent does not publish it.
    Setting,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Documented => "documented",
            Self::Inferred => "inferred",
            Self::Setting => "setting",
        })
    }
}

/// What a call is by default.
struct Facts {
    mark: Mark,
    methods: &'static [Method],
    template: &'static str,
    needs: &'static [&'static str],
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const PUT: &[Method] = &[Method::PUT];

const RFP: &str = "rfpId";
const SUPPLIER: &str = "supplierId";
const DATA_TYPE: &str = "responseDataType";
const MESSAGE: &str = "messageId";
const VENUE: &str = "venueId";
const ATTACHMENT: &str = "attachmentId";

#[rustfmt::skip]
fn facts(kind: CallKind) -> Facts {
    use Mark::{Documented, Inferred, Setting};

    let (mark, methods, template, needs): (_, _, _, &'static [&'static str]) = match kind {
        CallKind::Rfp => (Inferred, GET, "/rfp/v1/supplier/rfp/{rfpId}", &[RFP]),
        CallKind::Responses => (Documented, GET, "/rfp-response/v1/rfp/{rfpId}", &[RFP]),
        CallKind::DataType => (Documented, GET, "/rfp-response/v1/rfp/{rfpId}/{responseDataType}", &[RFP, DATA_TYPE]),
        CallKind::Response => (Documented, GET, "/rfp-response/v1/rfp/{rfpId}/supplier/{supplierId}", &[RFP, SUPPLIER]),
        CallKind::RepresentedVenues => (Documented, GET, "/rfp/v1/supplier/rfp/{rfpId}/cvb", &[RFP]),
        CallKind::TurnDown => (
            Documented,
            &[Method::POST, Method::PUT],
            "/rfp-response/v1/rfp/{rfpId}/supplier/{supplierId}/turndown",
            &[RFP, SUPPLIER],
        ),
        CallKind::ProposalDetails => (
            Documented,
            PUT,
            "/rfp-response/v1/rfp/{rfpId}/supplier/{supplierId}/proposalDetails",
            &[RFP, SUPPLIER],
        ),
        CallKind::Forward => (Documented, POST, "/rfp/v1/supplier/rfp/{rfpId}/rfpForward", &[RFP]),
        CallKind::ProposalCreate => (
            Setting,
            POST,
            "/rfp-response/v1/rfp/{rfpId}/supplier/{supplierId}/proposal",
            &[RFP, SUPPLIER],
        ),
        CallKind::Message => (Setting, GET, "/message/v1/message/{messageId}", &[MESSAGE]),
        CallKind::Messages => (Setting, GET, "/message/v1/rfp/{rfpId}", &[RFP]),
        CallKind::Venue => (Setting, GET, "/venue/v1/venue/{venueId}", &[VENUE]),
        CallKind::Attachment => (Setting, GET, "/rfp-response/v1/attachment/{attachmentId}", &[ATTACHMENT]),
        CallKind::Token => (Setting, POST, "/oauth2/token", &[]),
    };
    Facts { mark, methods, template, needs }
}

/// Where the path of a call is known from.
#[must_use]
pub fn mark(kind: CallKind) -> Mark {
    facts(kind).mark
}

/// The methods of a call. Where GET is one, HEAD is another.
#[must_use]
pub fn methods(kind: CallKind) -> &'static [Method] {
    facts(kind).methods
}

/// Why a path cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path is Cvent's.
    #[error("the path of `{0}` is documented by Cvent, not a setting")]
    Documented(CallKind),
    /// It is no path.
    #[error("`{template}` is no path: {why}")]
    Malformed {
        /// What was given.
        template: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The call would not know what it is about.
    #[error("the path `{template}` of `{kind}` lacks `{{{missing}}}`")]
    Missing {
        /// The call.
        kind: CallKind,
        /// What was given.
        template: String,
        /// The placeholder.
        missing: &'static str,
    },
    /// Two calls would answer the same request.
    #[error("the path `{template}` of `{kind}` is that of `{other}`, too")]
    Taken {
        /// The call.
        kind: CallKind,
        /// What was given.
        template: String,
        /// The call that has it.
        other: CallKind,
    },
}

/// The path of each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths(BTreeMap<CallKind, Template>);

impl Default for Paths {
    fn default() -> Self {
        let default =
            |kind: CallKind| (kind, Template::parse(facts(kind).template).expect("it is well-formed"));
        Self(CallKind::ALL.into_iter().map(default).collect())
    }
}

impl Paths {
    /// Gives a call another path: segments are texts or placeholders, such as `/message/v2/{messageId}`. A placeholder
    /// that the call does not need stands for any segment.
    ///
    /// # Errors
    /// When the path is documented, is none, or lacks a placeholder. That it is another call's is told by
    /// [`Paths::check`], when all are set.
    pub fn set(&mut self, kind: CallKind, template: &str) -> Result<(), PathError> {
        let facts = facts(kind);
        if facts.mark == Mark::Documented {
            return Err(PathError::Documented(kind));
        }
        let parsed = Template::parse(template)?;
        for missing in facts.needs {
            if !parsed.segments.iter().any(|segment| segment.is_placeholder(missing)) {
                return Err(PathError::Missing { kind, template: template.to_owned(), missing });
            }
        }
        self.0.insert(kind, parsed);
        Ok(())
    }

    /// Whether each request means one call.
    ///
    /// # Errors
    /// When two calls have a method and the form of their paths in common.
    pub fn check(&self) -> Result<(), PathError> {
        for (kind, template) in &self.0 {
            for (other, taken) in self.0.range(..kind) {
                let shared = methods(*kind).iter().any(|method| methods(*other).contains(method));
                if shared && template.shape() == taken.shape() {
                    // Told of the one that can be changed.
                    let (kind, other) =
                        if mark(*kind) == Mark::Documented { (other, kind) } else { (kind, other) };
                    let template = self.template(*kind).to_owned();
                    return Err(PathError::Taken { kind: *kind, template, other: *other });
                }
            }
        }
        Ok(())
    }

    /// The path of a call, with its placeholders.
    #[must_use]
    pub fn template(&self, kind: CallKind) -> &str {
        &self.0[&kind].text
    }

    /// The call that `method` and `path` mean. Where several templates fit, the one whose first difference is a text
    /// and no placeholder.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Some(segments) = decoded(path) else { return Found::Nothing };
        let mut allowed: Vec<Method> = Vec::new();
        let mut best: Option<(CallKind, &Template)> = None;
        for (kind, template) in self.0.iter().filter(|(_, template)| template.fits(&segments)) {
            let methods = methods(*kind);
            allowed.extend(methods.iter().cloned());
            let read = if *method == Method::HEAD { &Method::GET } else { method };
            if methods.contains(read) && best.is_none_or(|(_, best)| template.precedes(best)) {
                best = Some((*kind, template));
            }
        }
        match best {
            Some((kind, template)) => Found::Call { kind, named: Named { template, segments } },
            None if allowed.is_empty() => Found::Nothing,
            None => Found::OtherMethods(allowed),
        }
    }
}

/// What a path means.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A call, and what it names.
    Call { kind: CallKind, named: Named<'a> },
    /// Calls of other methods.
    OtherMethods(Vec<Method>),
    /// No call.
    Nothing,
}

/// What a path names: its segments by their placeholders.
#[derive(Debug)]
pub(super) struct Named<'a> {
    template: &'a Template,
    segments: Vec<String>,
}

impl Named<'_> {
    fn of(&self, placeholder: &str) -> &str {
        let pairs = self.template.segments.iter().zip(&self.segments);
        let mut named = pairs.filter(|(segment, _)| segment.is_placeholder(placeholder));
        named.next().map_or("", |(_, text)| text)
    }

    pub(super) fn rfp(&self) -> &str {
        self.of(RFP)
    }

    pub(super) fn supplier(&self) -> &str {
        self.of(SUPPLIER)
    }

    pub(super) fn data_type(&self) -> &str {
        self.of(DATA_TYPE)
    }

    pub(super) fn message(&self) -> &str {
        self.of(MESSAGE)
    }

    pub(super) fn venue(&self) -> &str {
        self.of(VENUE)
    }

    pub(super) fn attachment(&self) -> &str {
        self.of(ATTACHMENT)
    }
}

/// The segments of a path, decoded; `None`: it does not begin with `/`, or is not UTF-8.
fn decoded(path: &str) -> Option<Vec<String>> {
    let segment = |text: &str| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
    path.strip_prefix('/')?.split('/').map(segment).collect()
}

/// A path with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Placeholder(String),
}

impl Segment {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Placeholder(_) => None,
        }
    }

    fn is_placeholder(&self, wanted: &str) -> bool {
        matches!(self, Self::Placeholder(name) if name == wanted)
    }
}

impl Template {
    fn parse(text: &str) -> Result<Self, PathError> {
        let malformed = |why| PathError::Malformed { template: text.chars().take(CHARS_MAX).collect(), why };
        if text.len() > CHARS_MAX {
            return Err(malformed("it is longer than 512 characters"));
        }
        let Some(rest) = text.strip_prefix('/') else { return Err(malformed("it does not begin with `/`")) };
        let mut segments = Vec::new();
        for segment in rest.split('/') {
            let segment = Segment::parse(segment).map_err(malformed)?;
            if matches!(&segment, Segment::Placeholder(_)) && segments.contains(&segment) {
                return Err(malformed("a placeholder stands in it twice"));
            }
            segments.push(segment);
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// What tells it from others: how placeholders are called does not.
    fn shape(&self) -> Vec<Option<&str>> {
        self.segments.iter().map(Segment::text).collect()
    }

    fn fits(&self, path: &[String]) -> bool {
        let fits = |(segment, text): (&Segment, &String)| match segment {
            Segment::Text(own) => own == text,
            Segment::Placeholder(_) => !text.is_empty(),
        };
        self.segments.len() == path.len() && self.segments.iter().zip(path).all(fits)
    }

    /// Whether it says more than `other`, where both fit.
    fn precedes(&self, other: &Self) -> bool {
        let order = |template: &Self| template.shape().iter().map(Option::is_none).collect::<Vec<_>>();
        order(self) < order(other)
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let sound = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return if sound {
                Ok(Self::Placeholder(name.to_owned()))
            } else {
                Err("the name of a placeholder is letters and digits")
            };
        }
        match text {
            "" => Err("it has an empty segment"),
            "." | ".." => Err("`.` and `..` mean other paths"),
            _ if text.contains(['{', '}']) => Err("a placeholder stands for a whole segment"),
            _ if text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)) =>
            {
                Ok(Self::Text(text.to_owned()))
            }
            _ => Err("it has a character that paths do not have as it is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &Paths, method: &str, path: &str) -> String {
        match paths.find(&method.parse().unwrap(), path) {
            Found::Call { kind, named } => {
                format!("{kind} {} {}", named.rfp(), named.supplier()).trim().to_owned()
            }
            Found::OtherMethods(methods) => format!("{methods:?}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn each_call_is_found_by_its_method_and_path() {
        let paths = Paths::default();
        for (request, expected) in [
            ("GET /rfp/v1/supplier/rfp/r", "rfp r"),
            ("HEAD /rfp/v1/supplier/rfp/r", "rfp r"),
            ("GET /rfp-response/v1/rfp/r", "responses r"),
            ("GET /rfp-response/v1/rfp/r/PACKAGES", "data-type r"),
            ("GET /rfp-response/v1/rfp/r/supplier/s", "response r s"),
            ("POST /rfp-response/v1/rfp/r/supplier/s/turndown", "turn-down r s"),
            ("PUT /rfp-response/v1/rfp/r/supplier/s/turndown", "turn-down r s"),
            ("GET /rfp-response/v1/rfp/r/supplier/s/turndown", "[POST, PUT]"),
            ("PUT /rfp-response/v1/rfp/r/supplier/s/proposalDetails", "proposal-details r s"),
            ("POST /rfp/v1/supplier/rfp/r/rfpForward", "forward r"),
            ("GET /rfp/v1/supplier/rfp/r/cvb", "represented-venues r"),
            ("POST /oauth2/token", "token"),
            ("DELETE /oauth2/token", "[POST]"),
            ("GET /rfp%2Dresponse/v1/rfp/%61%2Fb", "responses a/b"),
            ("GET /RFP-response/v1/rfp/r", "nothing"),
            ("GET /rfp-response/v1/rfp/", "nothing"),
            ("GET /rfp-response/v1/rfp/r/", "nothing"),
            ("GET /rfp-response//v1/rfp/r", "nothing"),
            ("GET /rfp-response/v1/rfp/%ff", "nothing"),
            ("GET *", "nothing"),
        ] {
            let (method, path) = request.split_once(' ').unwrap();
            assert_eq!(found(&paths, method, path), expected, "{request}");
        }
    }

    #[test]
    fn defaults_are_sound() {
        let paths = Paths::default();
        paths.check().unwrap();
        for kind in CallKind::ALL {
            for name in facts(kind).needs {
                assert!(paths.template(kind).contains(&format!("{{{name}}}")), "{kind}");
            }
        }
    }

    #[test]
    fn a_path_can_be_set_where_none_is_published() {
        let mut paths = Paths::default();
        paths.set(CallKind::Messages, "/rfp-response/v1/rfp/{rfpId}/messages").unwrap();
        paths.set(CallKind::ProposalCreate, "/rfp-response/v1/rfp/{rfpId}/supplier/{supplierId}").unwrap();
        paths.check().unwrap();
        // The text before the placeholder, and each method its own call.
        assert_eq!(found(&paths, "GET", "/rfp-response/v1/rfp/r/messages"), "messages r");
        assert_eq!(found(&paths, "GET", "/rfp-response/v1/rfp/r/PACKAGES"), "data-type r");
        assert_eq!(found(&paths, "POST", "/rfp-response/v1/rfp/r/supplier/s"), "proposal-create r s");
        assert_eq!(found(&paths, "GET", "/rfp-response/v1/rfp/r/supplier/s"), "response r s");
        assert_eq!(found(&paths, "PUT", "/rfp-response/v1/rfp/r/supplier/s"), "[GET, POST]");
    }

    #[test]
    fn a_wrong_path_is_told() {
        let told = |kind, template: &str| Paths::default().set(kind, template).unwrap_err().to_string();
        for (template, why) in [
            ("venue/{venueId}", "does not begin with `/`"),
            ("/venue//{venueId}", "empty segment"),
            ("/venue/{venueId}/", "empty segment"),
            ("/venue/../{venueId}", "`.` and `..`"),
            ("/venue/{venueId}.json", "a whole segment"),
            ("/venue/{}", "letters and digits"),
            ("/venue/{venueId}/{venueId}", "twice"),
            ("/venue/{venueId}?x=1", "a whole segment"),
            ("/ven ue/{venueId}", "a character"),
            ("/venue/{venue}", "the path `/venue/{venue}` of `venue` lacks `{venueId}`"),
        ] {
            assert!(
                told(CallKind::Venue, template).contains(why),
                "{template}: {}",
                told(CallKind::Venue, template)
            );
        }
        assert!(told(CallKind::Forward, "/x/{rfpId}").contains("documented by Cvent"));
        assert!(told(CallKind::Venue, &format!("/{}", "x".repeat(600))).contains("longer than 512"));
    }

    #[test]
    fn two_calls_do_not_share_a_path() {
        let mut paths = Paths::default();
        paths.set(CallKind::Rfp, "/rfp-response/v1/rfp/{rfpId}").unwrap();
        let told = paths.check().unwrap_err().to_string();
        assert_eq!(told, "the path `/rfp-response/v1/rfp/{rfpId}` of `rfp` is that of `responses`, too");
        let mut paths = Paths::default();
        paths.set(CallKind::Message, "/x/{messageId}").unwrap();
        paths.set(CallKind::Venue, "/x/{venueId}").unwrap();
        assert!(matches!(paths.check(), Err(PathError::Taken { .. })));
    }

    proptest::proptest! {
        #[test]
        fn any_path_and_any_template_is_borne(path in "(/|%|[0-9a-f]{2}|\\PC|rfp|v1|supplier){0,20}", template in "(/|\\{|\\}|rfpId|\\PC){0,12}") {
            let mut paths = Paths::default();
            let _ = paths.find(&Method::GET, &path);
            if paths.set(CallKind::Token, &template).is_ok() {
                let filled = template.replace(['{', '}'], "");
                proptest::prop_assert!(matches!(paths.find(&Method::POST, &filled), Found::Call { .. }), "{}", template);
            }
        }
    }
}
