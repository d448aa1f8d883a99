//! What somebody says who connects.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use vagus_tls::CertificateNames;

/// The credentials of a CONNECT. Text that was not given is empty.
#[derive(Clone, Copy, Default)]
pub struct Login<'a> {
    /// User name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Token.
    pub token: &'a str,
    /// Public key of the user.
    pub nkey: &'a str,
    /// Signature of the nonce.
    pub signature: &'a str,
    /// Who it is by its certificate, where that is asked.
    pub certificate: Certificate<'a>,
    /// How it is connected.
    pub connection: ConnectionType,
}

/// What a listener asks and knows of certificates: whether they say which user somebody is (`verify_and_map`).
#[derive(Clone, Copy, Debug, Default)]
pub enum Certificate<'a> {
    /// They do not.
    #[default]
    NotAsked,
    /// They do, and there is none.
    Missing,
    /// They do, and this is how it calls the one who connects.
    Shown(&'a CertificateNames),
}

/// Leaves out what must not get into a log.
impl fmt::Debug for Login<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Login")
            .field("user", &self.user)
            .field("nkey", &self.nkey)
            .field("certificate", &self.certificate)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// How somebody is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ConnectionType {
    /// A client of NATS.
    #[default]
    Standard,
    /// A client of NATS over WebSocket.
    WebSocket,
    /// A leaf node.
    LeafNode,
    /// A leaf node over WebSocket.
    LeafNodeWebSocket,
    /// A client of MQTT.
    Mqtt,
    /// A client of MQTT over WebSocket.
    MqttWebSocket,
    /// A client within the server's process.
    InProcess,
}

impl ConnectionType {
    const ALL: [Self; 7] = [
        Self::Standard,
        Self::WebSocket,
        Self::LeafNode,
        Self::LeafNodeWebSocket,
        Self::Mqtt,
        Self::MqttWebSocket,
        Self::InProcess,
    ];

    /// Its name in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::WebSocket => "WEBSOCKET",
            Self::LeafNode => "LEAFNODE",
            Self::LeafNodeWebSocket => "LEAFNODE_WS",
            Self::Mqtt => "MQTT",
            Self::MqttWebSocket => "MQTT_WS",
            Self::InProcess => "IN_PROCESS",
        }
    }
}

/// A configuration names a connection type that there is not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown connection type {0:?}")]
pub struct UnknownConnectionType(pub String);

impl FromStr for ConnectionType {
    type Err = UnknownConnectionType;

    /// Reads a name without regard to case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownConnectionType(text.to_owned()))
    }
}

/// How a user may connect. [`Default`] names no type and so allows each.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionTypes(u8);

impl ConnectionTypes {
    /// Whether a connection of this type is allowed.
    #[must_use]
    pub fn allow(self, connection: ConnectionType) -> bool {
        self.0 == 0 || self.names(connection)
    }

    fn names(self, connection: ConnectionType) -> bool {
        self.0 & (1 << connection as u8) != 0
    }
}

impl FromIterator<ConnectionType> for ConnectionTypes {
    fn from_iter<T: IntoIterator<Item = ConnectionType>>(types: T) -> Self {
        Self(types.into_iter().fold(0, |set, kind| set | (1 << kind as u8)))
    }
}

impl fmt::Debug for ConnectionTypes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = ConnectionType::ALL.into_iter().filter(|kind| self.names(*kind));
        formatter.debug_set().entries(named).finish()
    }
}
