//! Whether a server that connects may.

use crate::RouteSettings;
use crate::tls::Evidence;
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

/// Whether it presents what is asked for: in CONNECT, or in its handshake where certificates decide.
pub(crate) fn judge(
    settings: &RouteSettings,
    connect: &RouteConnect,
    evidence: Option<&Evidence>,
) -> Verdict {
    if let Some(tls) = settings.tls.as_ref().filter(|tls| tls.decides()) {
        return match tls.vouches_for(evidence, &settings.login.0) {
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
    decide(&settings.gate, &login, b"").0
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
