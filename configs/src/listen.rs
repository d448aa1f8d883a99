/// Where a listener accepts connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// A host name or an IP address, as the operator wrote it: log lines and INFO show it unchanged.
    pub host: String,
    /// The TCP port.
    pub port: Port,
}

/// A TCP port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// This port and no other.
    Fixed(u16),
    /// Any port that is free (`-p -1`).
    Free,
}

impl Port {
    /// The number to bind to; 0 lets the system choose.
    pub fn to_bind(self) -> u16 {
        match self {
            Self::Fixed(port) => port,
            Self::Free => 0,
        }
    }
}

/// The port where NATS clients expect a server.
const CLIENT_PORT: u16 = 4222;

impl Default for Listen {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: Port::Fixed(CLIENT_PORT),
        }
    }
}
