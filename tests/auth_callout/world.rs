//! A service that is asked, and answers what a test wants it to.

use std::time::{SystemTime, UNIX_EPOCH};
use vagus_auth::nkey::{CurveKey, KeyPair, Kind};
use vagus_jwt::{AuthorizationRequest, AuthorizationResponse, Claims, User, UserLimits};
use vagus_test_support::{Client, Message};

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

pub(crate) fn key(kind: Kind) -> KeyPair {
    KeyPair::generate(kind).unwrap()
}

/// The service: a client of its account, and the key by which it signs.
pub(crate) struct Service {
    pub(crate) client: Client,
    pub(crate) issuer: KeyPair,
    /// Where questions are sealed.
    pub(crate) curve: Option<CurveKey>,
}

/// What the service was asked.
pub(crate) struct Asked {
    pub(crate) request: Claims<AuthorizationRequest>,
    reply: String,
}

impl Service {
    /// A client that is in the account of the service.
    pub(crate) fn new(mut client: Client, issuer: KeyPair) -> Self {
        client.subscribe("$SYS.REQ.USER.AUTH", "1");
        client.sync();
        Self {
            client,
            issuer,
            curve: None,
        }
    }

    /// The next question.
    #[track_caller]
    pub(crate) fn asked(&mut self) -> Asked {
        let message: Message = self.client.message();
        let text = match &self.curve {
            None => message.payload.clone(),
            Some(curve) => {
                let header = message.headers.clone().unwrap();
                let (_, server) = header.split_once("Nats-Server-Xkey: ").unwrap();
                curve.open(&message.payload, server.trim()).unwrap()
            }
        };
        let request = Claims::<AuthorizationRequest>::decode(str::from_utf8(&text).unwrap()).unwrap();
        Asked {
            request,
            reply: message.reply.expect("it wants an answer"),
        }
    }

    /// The token of the user that is asked about, which may do everything in this account but for what is set.
    pub(crate) fn user(&self, asked: &Asked, account: &str, set: impl FnOnce(&mut Claims<User>)) -> String {
        let mut claims = Claims::<User>::about(&asked.request.nats.user_nkey);
        claims.nats.limits = UserLimits::unlimited();
        account.clone_into(&mut claims.audience);
        set(&mut claims);
        claims.encode(&self.issuer, now()).unwrap()
    }

    /// Answers with this token.
    pub(crate) fn grant(&mut self, asked: &Asked, token: &str) {
        self.answer(asked, |answer| token.clone_into(&mut answer.nats.jwt));
    }

    pub(crate) fn answer(&mut self, asked: &Asked, set: impl FnOnce(&mut Claims<AuthorizationResponse>)) {
        let mut claims = Claims::<AuthorizationResponse>::about(&asked.request.nats.user_nkey);
        asked.request.issuer.clone_into(&mut claims.audience);
        set(&mut claims);
        let text = claims.encode(&self.issuer, now()).unwrap().into_bytes();
        let sealed = match &self.curve {
            None => text,
            Some(curve) => curve.seal(&text, &asked.request.nats.server_id.xkey).unwrap(),
        };
        self.say(asked, &sealed);
    }

    /// Answers with whatever this is.
    pub(crate) fn say(&mut self, asked: &Asked, payload: &[u8]) {
        self.client.publish(&asked.reply, payload);
        self.client.sync();
    }
}

/// The client is not let in.
#[track_caller]
pub(crate) fn is_refused(client: &mut Client) {
    client.expect("-ERR 'Authorization Violation'");
    client.closed();
}
