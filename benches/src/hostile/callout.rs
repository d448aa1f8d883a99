//! A service that says who may come in: it lets newcomers in at once, and says nothing of others.

use std::io;
use std::thread;

use vagus_auth::nkey::{KeyPair, Kind};
use vagus_jwt::{AuthorizationRequest, AuthorizationResponse, Claims, User, UserLimits};

use super::client::Client;
use super::stage::as_user;
use super::tokens::now;
use crate::error::{BenchError, Doing};

/// What newcomers are called; nothing is said of anybody else.
pub const NEWCOMER: &str = "newcomer";

/// The service, before there is a server that asks it.
#[derive(Debug)]
pub struct Service {
    issuer: KeyPair,
}

impl Service {
    /// With a key of its own.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> Result<Self, BenchError> {
        let issuer = KeyPair::generate(Kind::Account)
            .map_err(io::Error::other)
            .doing(|| "making a key".to_owned())?;
        Ok(Self { issuer })
    }

    /// The configuration of a server that asks it.
    pub fn configuration(&self) -> String {
        format!(
            "accounts {{\n    AUTH {{ users: [{{user: service, password: service}}, {{user: usual, password: usual}}] }}\n    \
             APP {{}}\n}}\nauthorization {{\n    timeout: 20\n    auth_callout {{ issuer: {}, account: AUTH, auth_users: \
             [service, usual] }}\n}}\n",
            self.issuer.public()
        )
    }

    /// Has it answer a server for as long as that runs.
    ///
    /// # Errors
    /// When it is not let in.
    pub fn begin(self, port: u16) -> Result<(), BenchError> {
        let doing = || "connecting the service".to_owned();
        let mut client = Client::open(port, &as_user("service", "service")).doing(doing)?;
        client.settle("SUB $SYS.REQ.USER.AUTH 1\r\n").doing(doing)?;
        thread::spawn(move || while client.answer(|_, asked| self.said(asked)).is_ok() {});
        Ok(())
    }

    fn said(&self, asked: &[u8]) -> Option<Vec<u8>> {
        let request = Claims::<AuthorizationRequest>::decode(str::from_utf8(asked).ok()?).ok()?;
        if request.nats.connect_opts.user != NEWCOMER {
            return None;
        }
        let mut user = Claims::<User>::about(&request.nats.user_nkey);
        user.nats.limits = UserLimits::unlimited();
        "APP".clone_into(&mut user.audience);
        let mut response = Claims::<AuthorizationResponse>::about(&request.nats.user_nkey);
        response.audience = request.issuer;
        response.nats.jwt = user.encode(&self.issuer, now()).ok()?;
        Some(response.encode(&self.issuer, now()).ok()?.into_bytes())
    }
}
