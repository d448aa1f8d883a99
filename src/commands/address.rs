//! Where the server is and who we are: `nats://user:password@host:port`.

use thiserror::Error;

/// The port where a server is expected.
const PORT: u16 = 4222;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or an IP address, the latter without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// What we tell the server to be let in.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    User { user: String, password: String },
    Token(String),
}

/// Addresses that cannot be understood.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum AddressError {
    #[error("{0} is not the address of a server: nats://[user:password@]host[:port]")]
    Malformed(String),
    #[error("{0}:// is not spoken by this tool: use nats://")]
    Scheme(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

/// Reads a list of URLs, separated by commas; the first credentials in it count for all.
pub(super) fn read(urls: &str) -> Result<(Vec<Address>, Option<Credentials>), AddressError> {
    let mut addresses = Vec::new();
    let mut credentials = None;
    for url in urls.split(',') {
        let (address, found) = read_one(url.trim())?;
        addresses.push(address);
        credentials = credentials.or(found);
    }
    Ok((addresses, credentials))
}

fn read_one(url: &str) -> Result<(Address, Option<Credentials>), AddressError> {
    let rest = match url.split_once("://") {
        Some(("nats", rest)) => rest,
        Some((scheme, _)) => return Err(AddressError::Scheme(scheme.to_owned())),
        None => url,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (user_info, place) = match rest.rsplit_once('@') {
        Some((user_info, place)) => (Some(user_info), place),
        None => (None, rest),
    };
    // Never the whole URL: it may hold a password.
    let malformed = || AddressError::Malformed(place.to_owned());
    let (host, port) = match place.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']').ok_or_else(malformed)?;
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':').ok_or_else(malformed)?)
                },
            )
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        None => PORT,
        Some(text) => text.parse().map_err(|_| malformed())?,
    };
    if host.is_empty() || host.contains(['/', ' ']) {
        return Err(malformed());
    }
    let credentials = user_info.map(|user_info| match user_info.split_once(':') {
        Some((user, password)) => Credentials::User {
            user: percent_decoded(user),
            password: percent_decoded(password),
        },
        None => Credentials::Token(percent_decoded(user_info)),
    });
    let host = host.to_owned();
    Ok((Address { host, port }, credentials))
}

/// Replaces `%2F` and the like; what is no such sequence stays.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let byte = match more {
            [high, low, ..] if *first == b'%' => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        match byte {
            Some((high, low)) => {
                decoded.push(high * 16 + low);
                rest = &more[2..];
            }
            None => {
                decoded.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(urls: &str) -> String {
        match read(urls) {
            Ok((addresses, credentials)) => {
                let addresses: Vec<String> = addresses.iter().map(Address::to_string).collect();
                let credentials = match credentials {
                    None => String::new(),
                    Some(Credentials::User { user, password }) => format!(" {user}/{password}"),
                    Some(Credentials::Token(token)) => format!(" {token}"),
                };
                format!("{}{credentials}", addresses.join(" "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn urls() {
        for (url, expected) in [
            ("localhost", "localhost:4222"),
            ("nats://localhost/", "localhost:4222"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("nats://[::1]:5000", "[::1]:5000"),
            ("nats://[::1]", "[::1]:4222"),
            ("nats://u:p@h:1", "h:1 u/p"),
            ("nats://u:p%40%3A@h", "h:4222 u/p@:"),
            ("nats://u:p@q:r@h", "h:4222 u/p@q:r"),
            ("nats://token%zz@h", "h:4222 token%zz"),
            ("nats://a:1, b:2", "a:1 b:2"),
            ("a,u:p@b", "a:4222 b:4222 u/p"),
            ("tls://h", "tls:// is not spoken by this tool: use nats://"),
        ] {
            assert_eq!(show(url), expected, "{url}");
        }
        for bad in [
            "",
            "nats://",
            "h:port",
            "h:99999",
            "[::1",
            "[::1]5",
            "a,,b",
            "a/b",
            "u:secret@h:x",
        ] {
            let shown = show(bad);
            assert!(shown.contains("is not the address of a server"), "{bad}: {shown}");
            assert!(!shown.contains("secret"));
        }
    }
}
