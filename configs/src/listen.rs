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

/// nats-server's number for any free port.
const FREE_PORT: i64 = -1;

impl Port {
    /// The port of a number as operators give it: 0 for the usual one of clients, -1 for any that is free.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Fixed(CLIENT_PORT)),
            FREE_PORT => Some(Self::Free),
            other => u16::try_from(other).ok().map(Self::Fixed),
        }
    }

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

/// Whether clients can be told to connect to `address`: `<host>` or `<host>:<port>`, with brackets around
/// one of IPv6 that has a port.
pub fn is_advertisable(address: &str) -> bool {
    let (host, port) = parts(address);
    !host.trim().is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// The host and, if there is one, the port of an address that is [advertisable](is_advertisable).
pub fn split_advertised(address: &str) -> (&str, Option<u16>) {
    let (host, port) = parts(address);
    (host, port.and_then(|port| port.parse().ok()))
}

fn parts(address: &str) -> (&str, Option<&str>) {
    match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    }
}
