//! The HTTP request of a server that connects to another by WebSocket, and what it is answered (RFC 6455, section 4.1).

use crate::response::{Response, ResponseError};
use crate::upgrade::{AGREED, DEFLATE, KEY_LENGTH, NO_MASKING, Terms, acceptance};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is asked for by a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// That messages be compressed, each by itself.
    pub compresses: bool,
    /// That neither side mask: nats-server's own.
    pub without_masks: bool,
}

/// A request that has yet to be answered.
#[derive(Debug)]
pub struct UpgradeRequest {
    key: String,
    asked: Asked,
}

impl UpgradeRequest {
    /// One that nobody has made before. None without randomness.
    pub fn new(asked: Asked) -> Option<Self> {
        let mut key = [0; KEY_LENGTH];
        openssl::rand::rand_bytes(&mut key).ok()?;
        Some(Self {
            key: STANDARD.encode(key),
            asked,
        })
    }

    /// As it is said to `host`, which may have a port, about `path`, which begins with a slash. Neither has spaces or ends of
    /// lines: they are parts of a URL.
    pub fn to_bytes(&self, host: &str, path: &str) -> Vec<u8> {
        let mut request = format!(
            "GET {path} HTTP/1.1\r\n\
             Host: {host}\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Key: {}\r\n\
             Sec-WebSocket-Version: 13\r\n",
            self.key
        );
        if self.asked.compresses {
            request.push_str("Sec-WebSocket-Extensions: ");
            request.push_str(AGREED);
            request.push_str("\r\n");
        }
        if self.asked.without_masks {
            request.push_str(NO_MASKING);
            request.push_str(": true\r\n");
        }
        request.push_str("\r\n");
        request.into_bytes()
    }

    /// What it was answered: the terms, and how long the answer was, in bytes; None if not all of it has come.
    ///
    /// # Errors
    /// When it was not granted as it was asked for.
    pub fn judge(&self, bytes: &[u8]) -> Result<Option<(Terms, usize)>, ResponseError> {
        let Some(response) = Response::parse(bytes)? else {
            return Ok(None);
        };
        let accepts = response
            .all("Sec-WebSocket-Accept")
            .eq([acceptance(&self.key).as_str()]);
        let is_upgraded = response.status == 101
            && response.says("Upgrade", "websocket")
            && response.says("Connection", "upgrade")
            && accepts;
        if !is_upgraded {
            return Err(ResponseError::NotUpgraded);
        }
        let terms = Terms {
            compresses: self.compresses(&response)?,
            without_masks: self.asked.without_masks && response.says(NO_MASKING, "true"),
            ..Terms::default()
        };
        Ok(Some((terms, response.length)))
    }

    /// Whether messages are compressed. Neither side may keep anything from one to the next: nobody has room for that.
    fn compresses(&self, response: &Response) -> Result<bool, ResponseError> {
        let mut extensions = response
            .all("Sec-WebSocket-Extensions")
            .flat_map(|list| list.split(','));
        let deflate = extensions.find_map(|extension| {
            let mut parts = extension.split(';').map(str::trim);
            let name = parts.next()?;
            name.eq_ignore_ascii_case(DEFLATE)
                .then(|| parts.collect::<Vec<_>>())
        });
        match deflate {
            None => Ok(false),
            // It was not asked for.
            Some(_) if !self.asked.compresses => Err(ResponseError::NotUpgraded),
            Some(parameters) => {
                let keeps = |side: &str| !parameters.iter().any(|it| it.eq_ignore_ascii_case(side));
                match keeps("server_no_context_takeover") || keeps("client_no_context_takeover") {
                    true => Err(ResponseError::Compression),
                    false => Ok(true),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, UpgradeRequest};
    use crate::ResponseError;
    use crate::upgrade::{Endpoint, Terms, UpgradeRules};

    const EVERYTHING: Asked = Asked {
        compresses: true,
        without_masks: true,
    };

    /// What our own listener answers is what is understood here.
    #[test]
    fn is_granted_by_a_server() {
        for (asked, compresses) in [(Asked::default(), true), (EVERYTHING, true), (EVERYTHING, false)] {
            let request = UpgradeRequest::new(asked).unwrap();
            let bytes = request.to_bytes("hub:80", "/x/leafnode");
            let rules = UpgradeRules {
                compresses,
                ..UpgradeRules::default()
            };
            let granted = rules.judge(&bytes).unwrap().unwrap();
            assert_eq!(
                (granted.endpoint, granted.length),
                (Endpoint::LeafNodes, bytes.len())
            );
            for cut in 0..granted.answer.len() {
                assert_eq!(request.judge(&granted.answer[..cut]), Ok(None));
            }
            let (terms, length) = request.judge(&granted.answer).unwrap().unwrap();
            assert_eq!((terms, length), (granted.terms, granted.answer.len()));
        }
    }

    fn answered(more: &str) -> Result<Terms, ResponseError> {
        let request = UpgradeRequest {
            key: "dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            asked: EVERYTHING,
        };
        let judged = request.judge(format!("HTTP/1.1 {more}\r\n\r\nx").as_bytes());
        judged.map(|granted| granted.unwrap().0)
    }

    const ACCEPT: &str = "101 X\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    #[test]
    fn is_granted_only_as_it_was_asked_for() {
        assert_eq!(answered(ACCEPT), Ok(Terms::default()));
        let compressed = format!(
            "{ACCEPT}\r\nSec-WebSocket-Extensions: x, permessage-deflate; client_no_context_takeover; server_no_context_takeover"
        );
        assert!(answered(&compressed).unwrap().compresses);
        for (answer, error) in [
            ("404 Not Found".to_owned(), ResponseError::NotUpgraded),
            (ACCEPT.replace("101", "200"), ResponseError::NotUpgraded),
            (ACCEPT.replace("s3p", "t3p"), ResponseError::NotUpgraded),
            (ACCEPT.replace("WebSocket\r", "h2c\r"), ResponseError::NotUpgraded),
            (
                format!("{ACCEPT}\r\nSec-WebSocket-Extensions: permessage-deflate"),
                ResponseError::Compression,
            ),
            ("x".to_owned(), ResponseError::NotHttp),
        ] {
            assert_eq!(answered(&answer), Err(error), "{answer}");
        }
        let request = UpgradeRequest::new(Asked::default()).unwrap();
        let endless = format!("HTTP/1.1 101 X\r\nA: {}", "x".repeat(9000));
        assert_eq!(request.judge(endless.as_bytes()), Err(ResponseError::TooLong));
    }
}
