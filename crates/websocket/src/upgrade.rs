//! The HTTP request that a connection begins with, and what it is answered (RFC 6455, section 4.2).

mod cookies;
mod origin;
mod refusal;
mod request;

pub use cookies::{CookieNames, Cookies};
pub use origin::{Origin, OriginError, Origins};
pub use refusal::Refusal;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::sha::Sha1;
use request::Request;
use std::net::IpAddr;

/// The most, in bytes, that a request may have: room for several cookies as large as browsers keep them.
pub const LONGEST_REQUEST: usize = 32 * 1024;

/// What a peer is answered, whatever it asks for, when there is no room for it.
pub const NO_ROOM: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// What the key of a client is hashed with (section 1.3).
const ACCEPTED: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The length of the key of a client, in bytes.
pub(crate) const KEY_LENGTH: usize = 16;

/// The extension that compresses messages each by itself (RFC 7692), as it is asked for and agreed on.
pub(crate) const DEFLATE: &str = "permessage-deflate";
pub(crate) const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What of nats-server's own: servers that connect may ask that neither side masks.
pub(crate) const NO_MASKING: &str = "Nats-No-Masking";

/// How requests are decided about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpgradeRules {
    /// Whose pages may connect.
    pub origins: Origins,
    /// Whether messages are compressed for those who ask for it.
    pub compresses: bool,
    /// What else is said in the answer: names and values that [`may_be_added`].
    pub headers: Vec<(String, String)>,
    /// The cookies in which browsers say who they are.
    pub cookies: CookieNames,
    /// Whether the connection is secured by TLS.
    pub is_secure: bool,
}

/// What is to be spoken on a connection, by the end of the path that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// NATS, as clients speak it.
    Clients,
    /// NATS, as leaf nodes speak it: `/leafnode`.
    LeafNodes,
}

/// A request that is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// How long the request was, in bytes.
    pub length: usize,
    /// What it is answered.
    pub answer: Vec<u8>,
    /// What is to be spoken.
    pub endpoint: Endpoint,
    /// What was agreed on.
    pub terms: Terms,
    /// Where the client is, by the word of a proxy.
    pub forwarded_for: Option<IpAddr>,
    /// Who the client says it is.
    pub cookies: Cookies,
}

/// How messages are framed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// Whether messages may be compressed.
    pub compresses: bool,
    /// Whether neither side masks.
    pub without_masks: bool,
    /// The client is a browser: they fare better with small frames.
    pub is_browser: bool,
    /// The client takes a compressed message in one frame alone.
    pub compressed_in_one: bool,
}

impl UpgradeRules {
    /// Decides about the request that a connection begins with; None if not all of it has come.
    ///
    /// # Errors
    /// When it is none, or not granted.
    pub fn judge(&self, bytes: &[u8]) -> Result<Option<Upgrade>, Refusal> {
        let Some(request) = Request::parse(bytes)? else {
            return match bytes.len() < LONGEST_REQUEST {
                true => Ok(None),
                false => Err(Refusal::TooLong),
            };
        };
        let key = self.check(&request)?;
        let (path, _) = request.path.split_once('?').unwrap_or((request.path, ""));
        let terms = Terms {
            compresses: self.compresses && asks_for_compression(&request),
            without_masks: request.first(NO_MASKING) == Some("true"),
            is_browser: request
                .first("User-Agent")
                .is_some_and(|agent| agent.starts_with("Mozilla/")),
            // That is Safari: others that name it have no version of their own.
            compressed_in_one: request
                .first("User-Agent")
                .is_some_and(|agent| agent.contains("Version/") && agent.contains("Safari/")),
        };
        Ok(Some(Upgrade {
            length: request.length,
            answer: self.answer(key, terms),
            endpoint: match path.ends_with("/leafnode") {
                true => Endpoint::LeafNodes,
                false => Endpoint::Clients,
            },
            terms,
            forwarded_for: request
                .first("X-Forwarded-For")
                .and_then(|address| address.parse().ok()),
            cookies: self.cookies.find(request.all("Cookie")),
        }))
    }

    /// The key of a request that is granted: in the order in which nats-server looks at what there is to it.
    fn check<'b>(&self, request: &Request<'b>) -> Result<&'b str, Refusal> {
        let (path, _) = request.path.split_once('?').unwrap_or((request.path, ""));
        if path.ends_with("/mqtt") {
            return Err(Refusal::NoMqtt);
        }
        if request.method != "GET" {
            return Err(Refusal::Method);
        }
        let host = request
            .first("Host")
            .filter(|host| !host.is_empty())
            .ok_or(Refusal::NoHost)?;
        if !request.has_token("Upgrade", "websocket") {
            return Err(Refusal::Upgrade);
        }
        if !request.has_token("Connection", "Upgrade") {
            return Err(Refusal::Connection);
        }
        let key = request
            .first("Sec-WebSocket-Key")
            .filter(|key| !key.is_empty())
            .ok_or(Refusal::NoKey)?;
        if STANDARD
            .decode(key)
            .ok()
            .is_none_or(|key| key.len() != KEY_LENGTH)
        {
            return Err(Refusal::Key);
        }
        if !request.has_token("Sec-WebSocket-Version", "13") {
            return Err(Refusal::Version);
        }
        let origin = request
            .first("Origin")
            .or_else(|| request.first("Sec-WebSocket-Origin"));
        if let Some(origin) = origin.filter(|origin| !origin.is_empty()) {
            self.origins.check(origin, host, self.is_secure)?;
        }
        Ok(key)
    }

    fn answer(&self, key: &str, terms: Terms) -> Vec<u8> {
        let accept = acceptance(key);
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n"
        );
        let mut say = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                answer.push_str(part);
            }
        };
        if terms.compresses {
            say("Sec-WebSocket-Extensions", AGREED);
        }
        if terms.without_masks {
            say(NO_MASKING, "true");
        }
        for (name, value) in &self.headers {
            say(name, value);
        }
        answer.push_str("\r\n");
        answer.into_bytes()
    }
}

/// What proves that the key of a request was read.
pub(crate) fn acceptance(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(ACCEPTED);
    STANDARD.encode(hash.finish())
}

/// Whether a header may be said in the answer beside those that are the server's to say, and is one.
pub fn may_be_added(name: &str, value: &str) -> bool {
    const OURS: [&str; 5] = [
        "host",
        "content-length",
        "connection",
        "upgrade",
        "nats-no-masking",
    ];
    let lower = name.to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_header = !name.is_empty() && name.bytes().all(is_token) && !value.contains(['\r', '\n', '\0']);
    is_header && !OURS.contains(&&*lower) && !lower.starts_with("sec-websocket-")
}

/// As in nats-server, whatever parameters are named: it is agreed on that nothing is kept between messages, which every
/// client has to be able to do.
fn asks_for_compression(request: &Request<'_>) -> bool {
    let extensions = request
        .all("Sec-WebSocket-Extensions")
        .flat_map(|list| list.split(','));
    extensions
        .filter_map(|extension| extension.split(';').next())
        .any(|name| name.trim().eq_ignore_ascii_case(DEFLATE))
}

#[cfg(test)]
mod tests;
