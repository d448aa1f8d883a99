use crate::commands::address::Address;
use std::io;
use thiserror::Error;

/// Why nothing was measured.
#[derive(Debug, Error)]
pub(in crate::commands) enum BenchError {
    #[error("cannot connect to {address}: {source}")]
    Connect { address: Address, source: io::Error },
    #[error("{0} asks for TLS, which this tool does not speak")]
    Tls(Address),
    #[error("{0} does not greet like a NATS server")]
    Greeting(Address),
    #[error("messages of {size} bytes are more than the {max} the server takes")]
    TooLarge { size: usize, max: u64 },
    #[error("the server says: {0}")]
    Server(String),
    #[error("the server sent what is no message: {0:?}")]
    Garbled(String),
    #[error("{role} {number} was cut off by the server")]
    CutOff { role: &'static str, number: usize },
    #[error("{role} {number}: nothing came for {seconds} s, after {done} of {expected} messages")]
    Stalled {
        role: &'static str,
        number: usize,
        seconds: u64,
        done: u64,
        expected: u64,
    },
    #[error("nobody answers requests on {0}; give responders with --sub, or start some")]
    NoResponders(String),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    #[error("{role} {number}: {source}")]
    Socket {
        role: &'static str,
        number: usize,
        source: io::Error,
    },
    #[error("a thread ended without a result")]
    Vanished,
}
