//! Why a call of the pull API is refused.

/// Why a call is refused, by the status that says so. The texts are ours: Cvent's are boilerplate, and nobody should
/// match on them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 404: what was named is not there. *Documented* for RFPs and suppliers, *inferred* for all else.
    #[error("{0}")]
    NotFound(String),
    /// 403: it is there, and not for this key. *Documented.*
    #[error("{0}")]
    Forbidden(String),
    /// 422 with all causes: *documented* for proposals, *inferred* for other calls whose validations are documented
    /// without a status.
    #[error("{}", .0.join("; "))]
    Unprocessable(Vec<String>),
}

impl Refusal {
    /// One cause.
    pub(super) fn unprocessable(cause: &str) -> Self {
        Self::Unprocessable(vec![cause.to_owned()])
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::Forbidden(_) => 403,
            Self::Unprocessable(_) => 422,
        }
    }
}
