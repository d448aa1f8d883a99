//! An authority, and what it has issued for the tests of one promise.

use vagus_test_support::{Client, Connector};
use vagus_tls::Settings;
use vagus_tls::testing::{Authority, Issued, Request, request};

pub(crate) const CONNECT: &str = r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;

pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) settings: Settings,
}

impl World {
    /// With settings for a server that asks nothing of its clients.
    pub(crate) fn new() -> Self {
        let authority = Authority::new("Test CA");
        let server = authority.issue(&request("server").host("localhost").ip("127.0.0.1"));
        let settings = Settings {
            certificates: vec![server.pair()],
            ca: Some(authority.ca()),
            ..Settings::default()
        };
        Self { authority, settings }
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::trusting(&self.authority)
    }

    pub(crate) fn issue(&self, request: &Request) -> Issued {
        self.authority.issue(request)
    }

    /// The settings, changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Settings)) -> Settings {
        let mut settings = self.settings.clone();
        change(&mut settings);
        settings
    }
}

/// The server has something against a client. With TLS 1.3 the client learns that only after its own last word.
#[track_caller]
pub(crate) fn expect_sent_away(handshake: Result<Client, String>) {
    if let Ok(mut client) = handshake {
        client.try_send_bytes(b"PING\r\n");
        assert_eq!(client.closed(), "");
    }
}
