//! Whether a server that connects may.

use crate::RouteSettings;
use crate::tls::Evidence;
use vagus_auth::credentials::{BcryptTask, Certificate, ConnectionType, Decision, Identity, Login};
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
    match settings.gate.begin(&login, &[]) {
        Decision::Admitted(_) => Verdict::Admitted,
        Decision::Refused => Verdict::Refused,
        Decision::Verify(task) => Verdict::Verify(task),
    }
}

/// What the check of a hash has come to.
pub(crate) fn judged(answer: Option<Identity>) -> Verdict {
    answer.map_or(Verdict::Refused, |_| Verdict::Admitted)
}
