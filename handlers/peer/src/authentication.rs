//! Whether a server that connects may.

use crate::tls::{Evidence, RouteTls};
use vagus_auth::credentials::{BcryptTask, Certificate, ConnectionType, Decision, Gate, Identity, Login};
use vagus_protocol::route::RouteConnect;

/// What the CONNECT of a server comes to.
#[derive(Debug)]
pub(crate) enum Verdict {
    Admitted,
    Refused,
    /// A password hash has to be checked, which takes long.
    Verify(BcryptTask),
}

/// A CONNECT whose password has to be checked, and the check, until it is under way.
#[derive(Debug)]
pub(crate) struct Checking<C> {
    task: Option<BcryptTask>,
    connect: Box<C>,
}

impl<C> Checking<C> {
    pub(crate) fn new(task: BcryptTask, connect: C) -> Self {
        Self {
            task: Some(task),
            connect: Box::new(connect),
        }
    }

    /// The check, for once.
    pub(crate) fn take_task(&mut self) -> Option<BcryptTask> {
        self.task.take()
    }

    /// What was said.
    pub(crate) fn into_connect(self) -> C {
        *self.connect
    }
}

/// What a server has to present: a user and a password, or a certificate that is for that user where certificates decide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) user: &'a str,
    pub(crate) tls: Option<&'a RouteTls>,
}

/// Whether it presents what is asked for: in CONNECT, or in its handshake where certificates decide.
pub(crate) fn judge(wanted: Wanted<'_>, connect: &RouteConnect, evidence: Option<&Evidence>) -> Verdict {
    if let Some(tls) = wanted.tls.filter(|tls| tls.decides()) {
        return match tls.vouches_for(evidence, wanted.user) {
            true => Verdict::Admitted,
            false => Verdict::Refused,
        };
    }
    let login = Login {
        user: &connect.user,
        password: &connect.pass,
        token: "",
        nkey: "",
        signature: "",
        certificate: Certificate::NotAsked,
        connection: ConnectionType::Standard,
    };
    decide(wanted.gate, &login, b"").0
}

/// What a login comes to, where the other server has been asked to sign this; and who it is, if it is let in.
pub(crate) fn decide(gate: &Gate, login: &Login<'_>, nonce: &[u8]) -> (Verdict, Option<Identity>) {
    match gate.begin(login, nonce) {
        Decision::Admitted(identity) => (Verdict::Admitted, Some(identity)),
        Decision::Refused => (Verdict::Refused, None),
        Decision::Verify(task) => (Verdict::Verify(task), None),
    }
}

/// What the check of a hash has come to.
pub(crate) fn judged(answer: Option<Identity>) -> Verdict {
    answer.map_or(Verdict::Refused, |_| Verdict::Admitted)
}
