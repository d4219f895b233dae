//! What callers and the service say to each other: the types of the control API, of the library, and of the
//! subscriptions in `pns.toml`.
//!
//! Keys are snake_case, words kebab-case, ids integers, instants RFC 3339 with milliseconds, spans and rates texts
//! as in scenario files (`30s`, `10/s`). Unknown keys are errors. A text is read once, here: what these types hold is
//! well-formed, and a wrong one is refused with the field that is wrong. Defaults are the engine's own.
//!
//! Nothing here shows a secret: an API key leaves as its [`Fingerprint`], an endpoint's query as `?…`.

mod clock;
mod delivery;
mod fault;
mod fault_form;
mod headers;
mod invalid;
mod metrics;
mod notification;
mod object;
mod pace;
mod page;
mod patch;
mod pull;
mod record;
mod replay;
mod scalar;
mod standing;
mod status;
mod subscription;
mod subscription_view;
mod window;

#[cfg(test)]
mod tests;

pub use clock::{AdvanceSpec, AdvanceTo, ClockView, GearSpec, GearText};
pub use delivery::{
    AttemptOutcome, AttemptView, ConnectionUse, Deferral, DeliveryDetail, DeliveryFilter, DeliveryState,
    DeliveryView, HeaderText, OriginWord, RequestView, ResponseView, TimingsView,
};
pub(super) use fault::injection_text;
pub use fault::{
    AnswerFault, ExtraHeadersFault, FaultForm, FaultMap, FaultSpec, FaultView, FaultWord, ResetFault,
};
pub use fault::{ResetForm, ResetWhen, SlowBodyFault, Times};
pub use invalid::InvalidField;
pub use metrics::{AttemptCount, LatencyHistogram, MetricsSnapshot, PullCount};
pub use notification::{
    BatchSpec, Course, DurabilityWord, Idempotency, LifecycleSpec, LifecycleView, NotificationSpec,
    NotificationView, PublishOptions, Published, PublishedNotification,
};
pub(crate) use object::Object;
pub use pace::{RateLimitSpec, RetrySpec};
pub use page::{Order, Page, PageRequest};
pub use patch::Patch;
pub(crate) use patch::given;
pub use pull::{FollowedView, PullFilter, PullView};
pub use record::{RecordEvent, RecordView};
pub use replay::{ReplaySpec, Replayed, ReplayedDelivery};
pub(crate) use scalar::text;
pub use scalar::{
    EventName, EventsText, Instant, JitterText, OneOrMany, RateText, Span, StatusText, SupplierText,
    SuppliersText,
};
pub use standing::{LastFailure, Standing};
pub use status::{BacklogView, HealthView, StatusView};
pub use subscription::{
    FailingDeliveryWord, KeyText, ResolvedSubscription, RetryAfterWord, SubscriptionPatch, SubscriptionSpec,
    SupplierlessWord,
};
pub use subscription_view::{Fingerprint, KeyView, SubscriptionView};
pub use window::{WindowChange, WindowKind, WindowSpec, WindowState, WindowView};
