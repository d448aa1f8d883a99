//! Servers whose certificates somebody is asked about.

use vagus_test_support::{PATIENCE, Responder};
use vagus_tls::testing::{Authority, Issued, Request, request};
use vagus_tls::{OcspPeer, Settings};

/// An authority of servers, and who says what the state of its certificates is.
pub(crate) struct World {
    name: &'static str,
    pub(crate) authority: Authority,
    pub(crate) responder: Responder,
}

impl World {
    /// Of servers of this name.
    pub(crate) fn new(name: &'static str) -> Self {
        let authority = Authority::new("Servers");
        let responder = Responder::start();
        responder.speak_for(&authority);
        Self {
            name,
            authority,
            responder,
        }
    }

    pub(crate) fn request(&self) -> Request {
        request(self.name).ip("127.0.0.1").responder(self.responder.url())
    }

    pub(crate) fn approved(&self, request: &Request) -> Issued {
        let issued = self.authority.issue(request);
        self.responder.approve(&issued);
        issued
    }

    pub(crate) fn revoked(&self, request: &Request) -> Issued {
        let issued = self.authority.issue(request);
        self.responder.revoke(&issued);
        issued
    }

    /// That shows this certificate.
    pub(crate) fn shows(&self, issued: &Issued) -> Settings {
        Settings {
            certificates: vec![issued.pair()],
            ca: Some(self.authority.ca()),
            verify: true,
            // Making an answer takes a while on a busy machine.
            timeout: PATIENCE,
            ..Settings::default()
        }
    }

    /// That asks the authority about every server.
    pub(crate) fn asks(&self, issued: &Issued) -> Settings {
        Settings {
            ocsp_peer: Some(OcspPeer {
                verify: true,
                ca_timeout: PATIENCE,
                ..OcspPeer::default()
            }),
            ..self.shows(issued)
        }
    }
}
