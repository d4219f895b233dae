//! Values as they are written in flags, environment and `pns.toml`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use pns_engine::Timestamp;

use crate::settings::Resolve;

/// A span with its unit: `500ms`, `30s`, `2m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let millis_each = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("expected a number and a unit, such as `500ms`, `30s`, `2m` or `1h`".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "expected a whole number before the unit".to_owned())?;
    number
        .checked_mul(millis_each)
        .map(Duration::from_millis)
        .ok_or_else(|| "the span is too long".to_owned())
}

/// A size in bytes: `500MB`, `4GiB`, or plain bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected a whole number and a unit, such as `500MB` or `4GiB`".to_owned();
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let each = match unit.trim_start() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(expected()),
        };
        let number: u64 = number.parse().map_err(|_| expected())?;
        number.checked_mul(each).map(Self).ok_or_else(|| "the size is too large".to_owned())
    }
}

/// A whole number that is not zero.
pub(super) fn from_one<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number from 1".to_owned())
}

/// A span that is not zero: no answer comes in no time.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("a timeout of zero never lets anything happen".to_owned()),
        span => Ok(span),
    }
}

/// An instant in RFC 3339.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let at: jiff::Timestamp =
        text.parse().map_err(|_| "expected an instant such as `2026-01-31T08:00:00Z`".to_owned())?;
    let nanos =
        u64::try_from(at.as_nanosecond()).map_err(|_| "expected an instant from 1970 to 2554".to_owned())?;
    Ok(Timestamp::from_nanos(nanos))
}

/// One more header, as curl's `-H 'Name: value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header(pub(super) HeaderName, pub(super) HeaderValue);

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("expected `Name: value`")?;
        let name: HeaderName = name.trim().parse().map_err(|_| format!("`{name}` is no header name"))?;
        if name == http::header::AUTHORIZATION {
            return Err("the authorization header is made from `--api-key`".to_owned());
        }
        let framing = [http::header::CONTENT_LENGTH, http::header::TRANSFER_ENCODING, http::header::HOST];
        if framing.contains(&name) {
            return Err(format!("`{name}` is written by the transport"));
        }
        let value = HeaderValue::from_str(value.trim())
            .map_err(|_| format!("the value of `{name}` is no header value"))?;
        Ok(Self(name, value))
    }
}

/// A variable of scenarios: `NAME=VALUE`.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected `NAME=VALUE`".to_owned()),
    }
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("expected `HOST:PORT:ADDRESS`".to_owned());
        };
        let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
        let address = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is no IP address"))?;
        if host.is_empty() {
            return Err("expected `HOST:PORT:ADDRESS`".to_owned());
        }
        Ok(Self { host: host.to_ascii_lowercase(), port, address })
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{}:{}:{address}", self.host, self.port),
            IpAddr::V6(address) => write!(f, "{}:{}:[{address}]", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_carry_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for text in ["", "30", "s", "-1s", "1.5s", "1 s", "99999999999999999999s", "18446744073709551615d"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(timeout("0s").is_err());
    }

    #[test]
    fn instants_are_rfc_3339_from_1970_on() {
        assert_eq!(instant("1970-01-01T00:00:01Z"), Ok(Timestamp::from_millis(1_000)));
        for text in ["", "yesterday", "1969-12-31T23:59:59Z", "2026-01-31"] {
            assert!(instant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_that_belong_to_others_are_refused() {
        let header = "X-Request: a: b".parse::<Header>().unwrap();
        assert_eq!((header.0.as_str(), header.1.as_bytes()), ("x-request", &b"a: b"[..]));
        for text in
            ["Authorization: api_key x", "Host: x", "Content-Length: 3", "no colon", "bad name: x", "X: a\nb"]
        {
            assert!(text.parse::<Header>().is_err(), "{text}");
        }
    }

    #[test]
    fn resolve_is_read_as_curl_does() {
        for text in ["hotel.example:443:127.0.0.1", "hotel.example:8443:[::1]"] {
            assert_eq!(text.parse::<Resolve>().unwrap().to_string(), text);
        }
        assert!("hotel.example:443".parse::<Resolve>().is_err());
        assert!("hotel.example:x:127.0.0.1".parse::<Resolve>().is_err());
    }
}
