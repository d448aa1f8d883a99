//! How a server is set for an attack.

use super::client::CONNECT;
use crate::error::BenchError;
use crate::server::{RunningServer, ServerProgram, free_port};
use crate::setup::Prepared;

/// A hash of "a good password", at nats-server's usual cost.
const HASHED: &str = "$2a$11$UuIRfP/HMWcVSPisysMwseiWN5T5D9c6lHD7faSOIHaacthxsIVMC";

/// How a server is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// As by default.
    Plain,
    /// With monitoring over HTTP.
    Monitored,
    /// Clients may speak TLS, and need not.
    Tls,
    /// Clients have to log in; newcomers do with a password of which the server has a hash.
    Logins,
    /// Clients may publish on one subject and answer requests.
    Responses,
}

/// A server on a stage.
#[derive(Debug)]
pub struct Staged {
    /// The server.
    pub server: RunningServer,
    /// Where it serves monitoring.
    pub monitoring: Option<u16>,
}

impl Stage {
    /// Starts a server that is set so.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(self, program: &ServerProgram) -> Result<Staged, BenchError> {
        let port = free_port()?;
        let mut prepared = Prepared::new(port)?;
        let mut monitoring = None;
        let text = match self {
            Self::Plain => String::new(),
            Self::Monitored => {
                let port = free_port()?;
                monitoring = Some(port);
                format!("http: \"127.0.0.1:{port}\"\n")
            }
            Self::Tls => {
                let (certificate, key) = prepared.certificate()?;
                format!(
                    "tls {{ cert_file: {certificate:?}, key_file: {key:?}, timeout: 10 }}\nallow_non_tls: true\n"
                )
            }
            Self::Logins => format!(
                "authorization {{ timeout: 20, users: [ {{ user: usual, password: usual }}, {{ user: newcomer, \
                 password: {HASHED:?} }} ] }}\n"
            ),
            Self::Responses => "authorization { users: [ { user: usual, password: usual, permissions: { publish: [requests, \
                                \"probe.>\"], subscribe: \">\", allow_responses: { max: 10, expires: \"10m\" } } } ] }\n"
                .to_owned(),
        };
        let path = prepared.file("server.conf", text.as_bytes())?;
        prepared.arguments = vec!["-c".to_owned(), path];
        let server = program.start_prepared(port, Some(prepared))?;
        Ok(Staged { server, monitoring })
    }

    /// What the usual clients say to connect.
    pub fn connect(self) -> String {
        match self {
            Self::Logins | Self::Responses => as_user("usual", "usual"),
            Self::Plain | Self::Monitored | Self::Tls => CONNECT.to_owned(),
        }
    }

    /// What newcomers say to connect.
    pub fn connect_anew(self) -> String {
        match self {
            Self::Logins => as_user("newcomer", "a good password"),
            other => other.connect(),
        }
    }
}

/// CONNECT with a name and a password.
pub fn as_user(user: &str, password: &str) -> String {
    let start = CONNECT.trim_end_matches('}');
    format!("{start},\"user\":{user:?},\"pass\":{password:?}}}")
}
