//! Who may come in: what a CONNECT presents, held against the server's credentials.
//!
//! The decision itself is in `vagus-auth`, the one place that makes it.

use crate::ClientSettings;
use vagus_auth::credentials::{BcryptTask, Certificate, Decision, Gate, Identity, Login};
use vagus_auth::nkey::Nonce;
use vagus_protocol::connect::{ConnectOptions, Proofs};

/// What a CONNECT comes to.
#[derive(Debug)]
pub(crate) enum Verdict {
    Admitted(Identity),
    Refused,
    /// A password hash has to be checked, which takes long.
    Verify(BcryptTask),
}

/// Who a client is before it says anything: somebody only where nothing is asked.
pub(crate) fn anybody(settings: &ClientSettings) -> Option<Identity> {
    let anybody = settings.gate.anybody(settings.connection);
    anybody.filter(|_| settings.callout().is_none())
}

/// Who a client is that begins with something else than CONNECT: what it would be with one that says nothing, where
/// that may be left out.
pub(crate) fn without_connect(settings: &ClientSettings, certificate: Certificate<'_>) -> Verdict {
    // Where a service decides it has to be told of whom.
    if settings.callout().is_none() && settings.gate.may_skip_connect(settings.connection) {
        judge(settings, &ConnectOptions::default(), None, certificate)
    } else {
        Verdict::Refused
    }
}

/// Whether a CONNECT presents what the server asks for.
pub(crate) fn judge(
    settings: &ClientSettings,
    options: &ConnectOptions,
    nonce: Option<&Nonce>,
    certificate: Certificate<'_>,
) -> Verdict {
    let none = Proofs::default();
    let proofs = options.proofs.as_deref().unwrap_or(&none);
    let login = Login {
        user: &options.user,
        password: &proofs.pass,
        token: &proofs.auth_token,
        nkey: &options.nkey,
        signature: &proofs.sig,
        certificate,
        connection: settings.connection,
    };
    match settings.gate.begin(&login, nonce.map_or(&[], Nonce::as_bytes)) {
        Decision::Admitted(identity) => Verdict::Admitted(identity),
        Decision::Refused => Verdict::Refused,
        Decision::Verify(task) => Verdict::Verify(task),
    }
}

/// Whether somebody who was let in before, and does not claim to be somebody else now, still is welcome.
pub(crate) fn renew(gate: &Gate, identity: Option<&Identity>, certificate: Certificate<'_>) -> Verdict {
    match identity.and_then(|identity| gate.renew(identity, certificate)) {
        Some(identity) => Verdict::Admitted(identity),
        None => Verdict::Refused,
    }
}

/// The user that monitoring shows: what the client is admitted as, else what it says it is. A token is a secret.
pub(crate) fn shown_user(options: Option<&ConnectOptions>, identity: Option<&Identity>) -> String {
    let claimed = options.map_or("", |options| &*options.nkey);
    let user = match (claimed, identity.and_then(Identity::user), options) {
        ("", Some(user), _) => user,
        ("", None, Some(options)) if options.user.is_empty() && options.has_token => "[REDACTED]",
        ("", None, Some(options)) => &options.user,
        (key, _, _) => key,
    };
    user.to_owned()
}
