use super::OriginError;
use thiserror::Error;

/// Why a request is not granted: shown as nats-server logs it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is no request of HTTP/1.
    #[error("malformed HTTP request")]
    NotHttp,
    /// It has no `Host`, which HTTP/1.1 requires.
    #[error("missing required Host header")]
    HostRequired,
    /// It is longer than it may be.
    #[error("request header too large")]
    TooLong,
    /// There is no MQTT here.
    #[error("mqtt websocket endpoint not enabled")]
    NoMqtt,
    /// It is not `GET`.
    #[error("request method must be GET")]
    Method,
    /// It has no `Host`.
    #[error("'Host' missing in request")]
    NoHost,
    /// It asks for no WebSocket.
    #[error("invalid value for header 'Upgrade'")]
    Upgrade,
    /// It does not ask for an upgrade.
    #[error("invalid value for header 'Connection'")]
    Connection,
    /// It has no key.
    #[error("key missing")]
    NoKey,
    /// Its key is none.
    #[error("invalid websocket key")]
    Key,
    /// It asks for another version.
    #[error("invalid version")]
    Version,
    /// It is from a page that may not connect.
    #[error("origin not allowed: {0}")]
    Origin(#[from] OriginError),
}

impl Refusal {
    /// What the peer is answered. The connection ends with it.
    pub fn answer(&self) -> Vec<u8> {
        let (status, text, is_ours) = match self {
            Self::NotHttp => ("400 Bad Request", "400 Bad Request", false),
            Self::HostRequired => {
                let status = "400 Bad Request: missing required Host header";
                (status, status, false)
            }
            Self::TooLong => {
                let status = "431 Request Header Fields Too Large";
                (status, status, false)
            }
            Self::NoMqtt => ("404 Not Found", "Not Found\n", true),
            Self::Method => ("405 Method Not Allowed", "Method Not Allowed\n", true),
            Self::Origin(_) => ("403 Forbidden", "Forbidden\n", true),
            _ => ("400 Bad Request", "Bad Request\n", true),
        };
        let mut answer = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n");
        match is_ours {
            true => {
                let headers = "Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\n";
                answer.push_str(headers);
                answer.push_str(&format!("Content-Length: {}\r\n", text.len()));
            }
            false => answer.push_str("Connection: close\r\n"),
        }
        answer.push_str("\r\n");
        answer.push_str(text);
        answer.into_bytes()
    }

    /// Whether the log of nats-server tells of it.
    pub fn is_logged(&self) -> bool {
        !matches!(self, Self::NotHttp | Self::HostRequired | Self::TooLong)
    }
}
