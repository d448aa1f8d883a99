//! Whether a server that connects may.

use crate::RouteSettings;
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

/// Whether it presents what is asked for.
pub(crate) fn judge(settings: &RouteSettings, connect: &RouteConnect) -> Verdict {
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
