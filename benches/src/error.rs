//! What can go wrong in a run. Nothing is retried: a number from a broken run would be worse than none.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a scenario, or the whole comparison, could not be carried out.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A system call failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The server answered `-ERR`.
    #[error("{connection}: the server said {text}")]
    Refused {
        /// Which connection of the generator.
        connection: String,
        /// The server's line.
        text: String,
    },
    /// The server closed a connection that was in use.
    #[error("{connection}: closed by the server")]
    Disconnected {
        /// Which connection of the generator.
        connection: String,
    },
    /// The server sent bytes that do not belong there.
    #[error("{connection}: unexpected bytes {found:?}")]
    Unexpected {
        /// Which connection of the generator.
        connection: String,
        /// The start of what arrived.
        found: String,
    },
    /// Not every message arrived, or some arrived twice.
    #[error("{what}: {expected} expected, {found} arrived")]
    Count {
        /// What was counted.
        what: String,
        /// How many there should be.
        expected: u64,
        /// How many there were.
        found: u64,
    },
    /// Something did not happen in time.
    #[error("{waiting_for} did not come within {seconds} s")]
    Overdue {
        /// What did not happen.
        waiting_for: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The server under test ended or did not start; its output is in the file named.
    #[error("server {name} {how}; its output is in {}", .output.display())]
    Server {
        /// The server's name in the table.
        name: String,
        /// What it did.
        how: String,
        /// File with its output.
        output: PathBuf,
    },
    /// A file of `/proc` did not look as expected.
    #[error("cannot understand {what}: {text:?}")]
    Proc {
        /// Which file.
        what: String,
        /// What it said.
        text: String,
    },
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// A thread of the generator panicked.
    #[error("a thread of the load generator panicked")]
    Panicked,
}

/// Names what was being done when a system call failed.
pub trait Doing<T> {
    /// Turns the error into [`BenchError::Io`].
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, BenchError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Io {
            doing: what(),
            source: source.into(),
        })
    }
}
