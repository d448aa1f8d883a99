use crate::{Config, Listen};
use std::time::Duration;
use vagus_auth::credentials::Credentials;
use vagus_websocket::upgrade::UpgradeRules;

/// Where and how clients connect that speak WebSocket.
#[derive(Debug, Clone, PartialEq)]
pub struct WebSocket {
    /// Where it accepts connections.
    pub listen: Listen,
    /// The address, `host` or `host:port`, that others are told instead.
    pub advertise: Option<String>,
    /// How TLS is spoken, if it is.
    pub tls: Option<vagus_tls::Settings>,
    /// Whether it was said that none need be spoken.
    pub no_tls: bool,
    /// Which requests are granted, and what they are answered.
    pub upgrade: UpgradeRules,
    /// The origins of pages that may connect, as they were written.
    pub allowed_origins: Vec<String>,
    /// How long a client may take for TLS and the request; a usual time when not set.
    pub handshake_timeout: Option<Duration>,
    /// How often a silent client is asked whether it is still there; as often as other clients when not set.
    pub ping_interval: Option<Duration>,
    /// Who may connect, if not those who may as other clients.
    pub login: WebSocketLogin,
    /// How long a client may take to log in; as long as other clients when not set.
    pub auth_timeout: Option<Duration>,
}

/// Who may connect that speaks WebSocket.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum WebSocketLogin {
    /// Who may as another client.
    #[default]
    AsOthers,
    /// Who presents this token.
    Token(String),
    /// Who logs in as this user.
    User {
        /// Its name.
        name: String,
        /// Its password.
        password: String,
    },
    /// One of the users there are; who presents nothing is this one.
    NoAuthUser(String),
}

/// Without secrets.
impl std::fmt::Debug for WebSocketLogin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AsOthers => out.write_str("AsOthers"),
            Self::Token(_) => out.debug_tuple("Token").finish_non_exhaustive(),
            Self::User { name, .. } => out
                .debug_struct("User")
                .field("name", name)
                .finish_non_exhaustive(),
            Self::NoAuthUser(name) => out.debug_tuple("NoAuthUser").field(name).finish(),
        }
    }
}

/// How long a client may take for TLS and its request if nothing else is said. nats-server would wait for ever.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

impl WebSocket {
    /// A listener at this address, for everybody who may connect otherwise.
    pub fn at(listen: Listen) -> Self {
        Self {
            listen,
            advertise: None,
            tls: None,
            no_tls: false,
            upgrade: UpgradeRules::default(),
            allowed_origins: Vec::new(),
            handshake_timeout: None,
            ping_interval: None,
            login: WebSocketLogin::AsOthers,
            auth_timeout: None,
        }
    }

    /// How long a client may take for TLS and its request.
    pub fn time_to_upgrade(&self) -> Duration {
        self.handshake_timeout.unwrap_or(HANDSHAKE_TIMEOUT)
    }

    /// What a client has to present, in a server that is set like this.
    pub fn credentials(&self, config: &Config) -> Credentials {
        let clients = &config.clients.credentials;
        match (&self.login, clients) {
            // It takes a token of an account, whatever else is said.
            (WebSocketLogin::AsOthers, _) | (_, Credentials::Claims) => clients.clone(),
            (WebSocketLogin::Token(token), _) => Credentials::Token(token.clone()),
            (WebSocketLogin::User { name, password }, _) => Credentials::User {
                name: name.clone(),
                password: password.clone(),
            },
            (
                WebSocketLogin::NoAuthUser(name),
                Credentials::Users {
                    users,
                    default_permissions,
                    ..
                },
            ) => Credentials::Users {
                users: users.clone(),
                no_auth_user: Some(name.clone()),
                default_permissions: default_permissions.clone(),
            },
            // A server does not start with it.
            (WebSocketLogin::NoAuthUser(_), other) => other.clone(),
        }
    }
}
