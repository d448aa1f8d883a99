//! Who may come in: what a CONNECT presents, held against the server's credentials.
//!
//! The decision itself is in `vagus-auth`, the one place that makes it.

use vagus_auth::credentials::{BcryptTask, Certificate, ConnectionType, Decision, Gate, Identity, Login};
use vagus_auth::nkey::Nonce;
use vagus_protocol::connect::{ConnectOptions, Proofs};
use vagus_tls::CertificateNames;

/// What a CONNECT comes to.
#[derive(Debug)]
pub(crate) enum Verdict {
    Admitted(Identity),
    Refused,
    /// A password hash has to be checked, which takes long.
    Verify(BcryptTask),
}

/// Who a client is that has said nothing about itself: somebody only where no login is asked for.
pub(crate) fn without_connect(gate: &Gate) -> Option<Identity> {
    if gate.requires_login() {
        return None;
    }
    match gate.begin(&Login::default(), &[]) {
        Decision::Admitted(identity) => Some(identity),
        Decision::Refused | Decision::Verify(_) => None,
    }
}

/// Whether a CONNECT presents what the server asks for. `certificate` is that of a client that has to have one, with a
/// name that is a user's.
pub(crate) fn judge(
    gate: &Gate,
    options: &ConnectOptions,
    nonce: Option<&Nonce>,
    certificate: Option<Option<&CertificateNames>>,
) -> Verdict {
    let none = Proofs::default();
    let proofs = options.proofs.as_deref().unwrap_or(&none);
    let login = Login {
        user: &options.user,
        password: &proofs.pass,
        token: &proofs.auth_token,
        nkey: &options.nkey,
        signature: &proofs.sig,
        certificate: match certificate {
            None => Certificate::NotAsked,
            Some(None) => Certificate::Missing,
            Some(Some(names)) => Certificate::Shown(names),
        },
        connection: ConnectionType::Standard,
    };
    match gate.begin(&login, nonce.map_or(&[], Nonce::as_bytes)) {
        Decision::Admitted(identity) => Verdict::Admitted(identity),
        Decision::Refused => Verdict::Refused,
        Decision::Verify(task) => Verdict::Verify(task),
    }
}

/// Whether somebody who was let in before, and does not claim to be somebody else now, still is welcome.
pub(crate) fn renew(gate: &Gate, identity: Option<&Identity>) -> Verdict {
    match identity.and_then(|identity| gate.renew(identity)) {
        Some(identity) => Verdict::Admitted(identity),
        None => Verdict::Refused,
    }
}

/// The user that monitoring shows: what the client is admitted as, else what it says it is. A token is a secret.
pub(crate) fn shown_user(options: &ConnectOptions, identity: Option<&Identity>) -> String {
    if !options.nkey.is_empty() {
        return options.nkey.to_string();
    }
    match identity.and_then(Identity::user) {
        Some(user) => user.to_owned(),
        None if options.user.is_empty() && options.has_token => "[REDACTED]".to_owned(),
        None => options.user.to_string(),
    }
}
