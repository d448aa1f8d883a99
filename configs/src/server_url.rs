//! Where another server is, as operators write it.

use std::fmt;

/// The URL of a server, with the user and the password to present there. Shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// What stands before `://`, in lower case.
    pub scheme: String,
    /// A name, or an address without brackets.
    pub host: String,
    /// The port, if one is said; never 0.
    pub port: Option<u16>,
    /// The user; nothing for none.
    pub user: String,
    /// The password, if one is said.
    pub password: Option<String>,
    /// What follows the address, with its first slash; perhaps nothing.
    pub path: String,
}

impl ServerUrl {
    /// Of `scheme://user:password@host:port/path`, of which the scheme may be anything, and all but scheme and host may be
    /// left out.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (login, address) = match authority.rsplit_once('@') {
            Some((login, address)) => (login, address),
            None => ("", authority),
        };
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                (
                    host,
                    if port.is_empty() {
                        None
                    } else {
                        Some(port.strip_prefix(':')?)
                    },
                )
            }
            None => match address.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (address, None),
            },
        };
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
            None => None,
        };
        let is_odd = |letter: char| letter.is_whitespace() || letter.is_control();
        let is_clean = !host.is_empty() && !host.contains(['[', ']']) && !rest.contains(is_odd);
        is_clean.then_some(Self {
            scheme: scheme.to_lowercase(),
            host: host.to_owned(),
            port,
            user: unescaped(user)?,
            password: match password {
                Some(password) => Some(unescaped(password)?),
                None => None,
            },
            path: path.to_owned(),
        })
    }

    /// Whether WebSocket is spoken there.
    pub fn speaks_websocket(&self) -> bool {
        matches!(&*self.scheme, "ws" | "wss")
    }

    /// Where leaf nodes ask for WebSocket: what stands in the path, and a word of nats-server's.
    pub fn leaf_node_path(&self) -> String {
        let end = self.path.find(['?', '#']).unwrap_or(self.path.len());
        let path = self.path.get(..end).unwrap_or_default();
        format!("{}/leafnode", path.trim_end_matches('/'))
    }
}

/// Text of a URL, in which `%` and two digits stand for a byte.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        bytes.push(match byte {
            b'%' => (digit(rest.next())? * 16 + digit(rest.next())?) as u8,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// `host:port`, with brackets around an address of IPv6.
impl fmt::Display for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(formatter, "[{}]", self.host)?,
            false => formatter.write_str(&self.host)?,
        }
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{self}", self.scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    #[test]
    fn leaf_nodes_have_a_path_of_their_own() {
        for (url, path) in [
            ("ws://a", "/leafnode"),
            ("ws://a/", "/leafnode"),
            ("ws://a/b/c?d", "/b/c/leafnode"),
        ] {
            let url = ServerUrl::parse(url).unwrap();
            assert!(url.speaks_websocket());
            assert_eq!(url.leaf_node_path(), path);
        }
        assert!(!ServerUrl::parse("nats://a").unwrap().speaks_websocket());
    }

    #[test]
    fn all_but_scheme_and_host_may_be_left_out() {
        for (url, shown, user, password, path) in [
            (
                "nats-leaf://127.0.0.1:7422",
                "nats-leaf://127.0.0.1:7422",
                "",
                None,
                "",
            ),
            ("NATS://u:p@a.b/", "nats://a.b", "u", Some("p"), "/"),
            ("ws://t@[::1]:80/x?y", "ws://[::1]:80", "t", None, "/x?y"),
            ("tls://u%40x:p%3Aw@[::1]", "tls://[::1]", "u@x", Some("p:w"), ""),
            (" tls://a:1 ", "tls://a:1", "", None, ""),
        ] {
            let parsed = ServerUrl::parse(url).unwrap();
            assert_eq!(format!("{parsed:?}"), shown);
            assert_eq!(
                (&*parsed.user, parsed.password.as_deref(), &*parsed.path),
                (user, password, path)
            );
        }
        for url in [
            "a:1",
            "nats://a:0",
            "nats://a:x",
            "nats://:1",
            "nats://[::1",
            "nats://[::1]x",
            "nats://u%4:p@a",
            "ws://a b",
            "ws://a\r\nb",
            "ws://a/b\r\nc: d",
        ] {
            assert_eq!(ServerUrl::parse(url), None, "{url}");
        }
    }
}
