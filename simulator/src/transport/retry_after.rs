//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// A longer wait is taken as this one, so that no receiver can park a delivery for good: 30 days.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The wait that `headers` ask for. A date counts from the response's own `Date`, which makes the receiver's
/// clock irrelevant, and from `now` where there is none.
pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds ask for more than the bound.
        return Some(text.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs).min(RETRY_AFTER_MAX));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = headers.get(DATE).and_then(|value| value.to_str().ok());
    let from = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(from).unwrap_or_default().min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        read(&headers, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "120")]), Some(Duration::from_secs(120)));
        assert_eq!(wait(&[("retry-after", "99999999999999999999999")]), Some(RETRY_AFTER_MAX));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", "-1")]), None);
        let date = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
        assert_eq!(
            wait(&[date, ("retry-after", "Tue, 15 Nov 1994 08:13:31 GMT")]),
            Some(Duration::from_secs(60))
        );
        assert_eq!(wait(&[date, ("retry-after", "Tue, 15 Nov 1994 08:11:31 GMT")]), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "Thu, 01 Jan 1970 00:00:07 GMT")]), Some(Duration::from_secs(7)));
    }
}
