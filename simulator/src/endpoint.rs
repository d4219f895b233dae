//! The address of a receiver, parsed once.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The longest address taken, in bytes: beyond it common servers refuse the request line.
pub const ENDPOINT_BYTES_MAX: usize = 4_096;

/// Whether the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// TLS, as PNS always uses. *Documented.*
    Https,
    /// Plain HTTP, to which PNS does not send. *Documented.* The transport refuses it unless told otherwise.
    Http,
}

impl Scheme {
    /// `https` or `http`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// Where notifications are sent: scheme, host, port and path, parsed once.
///
/// `Display` and `Debug` show a query as `?…`, because queries carry tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    host: String,
    port: u16,
    authority: String,
    origin: String,
    path_and_query: String,
}

/// A text that is no endpoint. No message repeats user information, and so no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing in it.
    #[error("the address is empty")]
    Empty,
    /// Longer than [`ENDPOINT_BYTES_MAX`].
    #[error("the address is longer than {ENDPOINT_BYTES_MAX} bytes")]
    TooLong,
    /// No scheme before the host.
    #[error("the address has no scheme: did you mean `https://{0}`?")]
    NoScheme(String),
    /// A scheme other than https and http.
    #[error("the scheme `{0}` is neither `https` nor `http`")]
    Scheme(String),
    /// `user:password@` before the host.
    #[error(
        "the address holds a user name or password: PNS authenticates by an API key, so remove all up to `@`"
    )]
    UserInfo,
    /// `#…` at its end.
    #[error("the address has a fragment (`#…`), which is never sent: remove it")]
    Fragment,
    /// No host.
    #[error("the address has no host")]
    NoHost,
    /// A host that is neither a name of ASCII letters, digits, hyphens and dots, nor an IP address.
    #[error("`{0}` is neither a host name nor an IP address")]
    Host(String),
    /// A host name with letters beyond ASCII.
    #[error("the host `{0}` has letters beyond ASCII: write it in its `xn--` form")]
    InternationalHost(String),
    /// A port that is no number from 1 to 65535.
    #[error("`{0}` is no port: expected a number from 1 to 65535")]
    Port(String),
    /// A character in path or query that must be percent-encoded.
    #[error("the path or query has `{}` at position {position}: percent-encode it", .character.escape_default())]
    Path {
        /// The character.
        character: char,
        /// Its byte position in the path and query.
        position: usize,
    },
}

impl Endpoint {
    /// Reads an `https://` or `http://` address.
    ///
    /// # Errors
    /// When it is no such address, or says something that would not be sent as written.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        if text.len() > ENDPOINT_BYTES_MAX {
            return Err(EndpointError::TooLong);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
            return Err(if authority.contains('@') {
                EndpointError::UserInfo
            } else {
                EndpointError::NoScheme(without_query(text).to_owned())
            });
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ if scheme.contains(['@', '/', '?']) => return Err(EndpointError::Scheme("…".into())),
            _ => return Err(EndpointError::Scheme(scheme.to_owned())),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        if path.contains('#') {
            return Err(EndpointError::Fragment);
        }
        let (host, port) = host_and_port(authority, scheme)?;
        let path_and_query = path_and_query(path)?;
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let authority =
            if port == scheme.default_port() { bracketed.clone() } else { format!("{bracketed}:{port}") };
        let origin = format!("{}://{bracketed}:{port}", scheme.as_str());
        Ok(Self { scheme, host, port, authority, origin, path_and_query })
    }

    /// `https` or `http`.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host name in lower case, or the IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; that of the scheme where none was written.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the `Host` header carries them: without the scheme's own port.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Scheme, host and port: what connections are shared by.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The request target. May hold a token: not for reports.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The whole address. May hold a token in its query: for requests and commands, not for reports.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.as_str(), self.authority, self.path_and_query)
    }

    /// Whether it is `https://`.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        matches!(self.scheme, Scheme::Https)
    }

    /// The host as an IP address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

fn without_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

fn host_and_port(authority: &str, scheme: Scheme) -> Result<(String, u16), EndpointError> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else {
            return Err(EndpointError::Host(authority.to_owned()));
        };
        let address: Ipv6Addr = address.parse().map_err(|_| EndpointError::Host(authority.to_owned()))?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port),
            None if rest.is_empty() => None,
            None => return Err(EndpointError::Host(authority.to_owned())),
        };
        (address.to_string(), port)
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host_name(host)?, Some(port)),
            None => (host_name(authority)?, None),
        }
    };
    let port = match port {
        None | Some("") => scheme.default_port(),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => match digits.parse() {
            Ok(0) | Err(_) => return Err(EndpointError::Port(digits.to_owned())),
            Ok(port) => port,
        },
        Some(other) => return Err(EndpointError::Port(other.to_owned())),
    };
    Ok((host, port))
}

fn host_name(host: &str) -> Result<String, EndpointError> {
    if host.is_empty() {
        return Err(EndpointError::NoHost);
    }
    if !host.is_ascii() {
        return Err(EndpointError::InternationalHost(host.to_owned()));
    }
    let labels = host.strip_suffix('.').unwrap_or(host);
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    // What ends in a number is meant as an IPv4 address (RFC 3986 and the WHATWG agree).
    let numeric =
        labels.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    if labels.len() > 253 || !labels.split('.').all(fits) || (numeric && host.parse::<IpAddr>().is_err()) {
        return Err(EndpointError::Host(host.to_owned()));
    }
    Ok(host.to_ascii_lowercase())
}

fn path_and_query(path: &str) -> Result<String, EndpointError> {
    let forbidden =
        |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    if let Some((position, character)) = path.char_indices().find(|(_, c)| forbidden(*c)) {
        return Err(EndpointError::Path { character, position });
    }
    Ok(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = without_query(&self.path_and_query);
        let query = if path.len() < self.path_and_query.len() { "?…" } else { "" };
        write!(f, "{}://{}{path}{query}", self.scheme.as_str(), self.authority)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl std::str::FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let endpoint = Endpoint::parse("HTTPS://Hotel.Example:8443/push?token=s3cret").unwrap();
        assert_eq!(endpoint.host(), "hotel.example");
        assert_eq!(endpoint.port(), 8443);
        assert_eq!(endpoint.authority(), "hotel.example:8443");
        assert_eq!(endpoint.path_and_query(), "/push?token=s3cret");
        assert_eq!(endpoint.to_string(), "https://hotel.example:8443/push?…");
        assert!(!format!("{endpoint:?}").contains("s3cret"));
        let plain = Endpoint::parse("http://[::1]?a").unwrap();
        assert_eq!((plain.host(), plain.authority(), plain.path_and_query()), ("::1", "[::1]", "/?a"));
        assert!(!plain.is_secure());
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        let error = |text: &str| Endpoint::parse(text).unwrap_err();
        assert_eq!(error(" "), EndpointError::Empty);
        assert_eq!(error("hotel.example/p"), EndpointError::NoScheme("hotel.example/p".into()));
        assert_eq!(error("ftp://hotel.example"), EndpointError::Scheme("ftp".into()));
        assert_eq!(error("https://h/#x"), EndpointError::Fragment);
        assert_eq!(error("https:///p"), EndpointError::NoHost);
        for port in ["0", "65536", "x", "-1"] {
            assert_eq!(error(&format!("https://h:{port}")), EndpointError::Port(port.into()));
        }
        for host in ["a..b", "-a", "256.1.1.1", "a b", "[::1", "[::1]x"] {
            assert_eq!(error(&format!("https://{host}")), EndpointError::Host(host.into()));
        }
        assert_eq!(error("https://hôtel.example"), EndpointError::InternationalHost("hôtel.example".into()));
        assert_eq!(error("https://h/a b"), EndpointError::Path { character: ' ', position: 2 });
    }

    #[test]
    fn a_password_is_never_repeated() {
        for text in ["https://me:hunter2@hotel.example/", "me:hunter2@hotel.example", "x@hunter2://h"] {
            assert!(!Endpoint::parse(text).unwrap_err().to_string().contains("hunter2"), "{text}");
        }
    }
}
