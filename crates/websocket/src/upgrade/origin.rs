//! Where a page is from that connects (RFC 6454), and whether it may.

use std::net::Ipv6Addr;
use thiserror::Error;

/// The origin of a page: `scheme://host:port`, of which the port may be that of the scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// Which pages may connect; any, unless something else is said. What is no page always may: it could say anything of
/// itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// They have to be from where they connect to.
    pub same: bool,
    /// They have to be from one of these, if there are any.
    pub allowed: Vec<Origin>,
}

/// Why a page may not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OriginError {
    /// It does not say where it is from, in a way that could be.
    #[error("invalid origin")]
    Invalid,
    /// It is from elsewhere.
    #[error("not same origin")]
    NotSame,
    /// It is from somewhere else than is allowed.
    #[error("not in the allowed list")]
    NotAllowed,
}

impl Origin {
    /// Of `scheme://host:port`; anything may follow behind a slash.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = host_and_port(authority, scheme == "https")?;
        let is_scheme = scheme
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
        (is_scheme && !scheme.is_empty()).then_some(Self { scheme, host, port })
    }

    /// Whether it is of the web.
    pub fn is_of_http(&self) -> bool {
        matches!(&*self.scheme, "http" | "https")
    }
}

impl Origins {
    /// Whether a page from `origin` may connect to `host`, as the `Host` of the request says it.
    pub(super) fn check(&self, origin: &str, host: &str, is_secure: bool) -> Result<(), OriginError> {
        if !self.same && self.allowed.is_empty() {
            return Ok(());
        }
        let origin = Origin::parse(origin).ok_or(OriginError::Invalid)?;
        if self.same {
            let (host, port) = host_and_port(host, is_secure).ok_or(OriginError::NotSame)?;
            let scheme = if is_secure { "https" } else { "http" };
            if (&*origin.scheme, &origin.host, origin.port) != (scheme, &host, port) {
                return Err(OriginError::NotSame);
            }
        }
        match self.allowed.is_empty() || self.allowed.contains(&origin) {
            true => Ok(()),
            false => Err(OriginError::NotAllowed),
        }
    }
}

/// The host in lower case and without brackets, and the port.
fn host_and_port(authority: &str, is_secure: bool) -> Option<(String, u16)> {
    let usual = if is_secure { 443 } else { 80 };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            authority.split_at(end)
        }
    };
    let port = match port {
        "" => usual,
        port => port.strip_prefix(':')?.parse().ok()?,
    };
    let is_host = !host.is_empty() && !host.contains(['@', ' ', '\\']);
    is_host.then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::{Origin, OriginError, Origins};

    #[test]
    fn is_read_as_browsers_say_it() {
        for (text, same_as) in [
            ("http://a.example", Some("http://a.example:80")),
            ("https://A.Example", Some("https://a.example:443/")),
            ("HTTPS://a.example:8443", Some("https://a.example:8443")),
            ("http://[::1]", Some("http://[::1]:80")),
            ("null", None),
            ("::", None),
            ("", None),
            ("http://", None),
            ("http://a:b", None),
            ("http://a:99999", None),
            ("http://a:80:80", None),
            ("http://user@a", None),
            ("http://[::1", None),
            ("http://[x]", None),
            ("ht tp://a", None),
        ] {
            let expected = same_as.map(|text| Origin::parse(text).unwrap());
            assert_eq!(Origin::parse(text), expected, "{text}");
        }
    }

    #[track_caller]
    fn check(
        origins: &Origins,
        (origin, host, is_secure): (&str, &str, bool),
        expected: Result<(), OriginError>,
    ) {
        assert_eq!(
            origins.check(origin, host, is_secure),
            expected,
            "{origin} to {host}"
        );
    }

    #[test]
    fn a_page_has_to_be_from_where_it_connects_to() {
        let origins = Origins {
            same: true,
            allowed: Vec::new(),
        };
        check(&origins, ("http://a", "a", false), Ok(()));
        check(&origins, ("http://a:80", "A", false), Ok(()));
        check(&origins, ("https://a", "a:443", true), Ok(()));
        check(&origins, ("http://[::1]:9", "[::1]:9", false), Ok(()));
        check(&origins, ("http://a:9", "a", false), Err(OriginError::NotSame));
        check(&origins, ("https://a", "a", false), Err(OriginError::NotSame));
        check(&origins, ("http://b", "a", false), Err(OriginError::NotSame));
        check(&origins, ("null", "a", false), Err(OriginError::Invalid));
    }

    #[test]
    fn a_page_has_to_be_from_one_of_those_allowed() {
        let allowed = ["http://good", "https://also:8443"].map(|text| Origin::parse(text).unwrap());
        let mut origins = Origins {
            same: false,
            allowed: allowed.to_vec(),
        };
        check(&origins, ("http://good:80", "x", true), Ok(()));
        check(&origins, ("https://also:8443", "x", true), Ok(()));
        check(
            &origins,
            ("https://also", "x", true),
            Err(OriginError::NotAllowed),
        );
        check(
            &origins,
            ("https://good", "x", true),
            Err(OriginError::NotAllowed),
        );
        origins.same = true;
        check(&origins, ("http://good", "x", true), Err(OriginError::NotSame));
        check(&origins, ("http://good", "good", false), Ok(()));
    }

    #[test]
    fn any_page_may_where_nothing_is_said() {
        check(&Origins::default(), ("::", "x", false), Ok(()));
    }
}
