use crate::{AuthCallout, Listen};
use std::time::Duration;
use vagus_auth::credentials::Credentials;

/// How one listener is set: where peers connect, how, and what they have to present.
///
/// All kinds of listeners are set like this, whatever is spoken on them.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSettings {
    /// Where it accepts connections.
    pub listen: Listen,
    /// The address, `host` or `host:port`, that others are told instead.
    pub advertise: Option<String>,
    /// How TLS is spoken, if it is.
    pub tls: Option<vagus_tls::Settings>,
    /// What a peer has to present before it may do anything, and what each user may do.
    pub credentials: Credentials,
    /// The service that says who may come in, if there is one.
    pub callout: Option<AuthCallout>,
    /// How long a peer may take to present it.
    pub auth_timeout: Duration,
    /// Whether those who present one token, or log in as one user, have to come by a trusted proxy. Of several users each
    /// says that itself.
    pub requires_proxy: bool,
    /// Whether every connection begins with a PROXY protocol header that says where it is from.
    pub proxy_protocol: bool,
}

/// How long a peer may take to present its credentials if nothing else is said.
const AUTH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long it may take for that after a TLS handshake if nothing else is said.
const AFTER_HANDSHAKE: Duration = Duration::from_secs(1);

impl ListenerSettings {
    /// A listener at this address, for everybody and without TLS.
    pub fn at(listen: Listen) -> Self {
        Self {
            listen,
            advertise: None,
            tls: None,
            credentials: Credentials::default(),
            callout: None,
            auth_timeout: AUTH_TIMEOUT,
            requires_proxy: false,
            proxy_protocol: false,
        }
    }

    /// How long peers may take to present their credentials if nothing is said of it, with this TLS: they have the time
    /// of the handshake, and some more.
    pub fn usual_auth_timeout(tls: Option<&vagus_tls::Settings>) -> Duration {
        tls.map_or(AUTH_TIMEOUT, |tls| tls.timeout + AFTER_HANDSHAKE)
    }
}

/// That of clients.
impl Default for ListenerSettings {
    fn default() -> Self {
        Self::at(Listen::default())
    }
}
