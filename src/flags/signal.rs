//! `--signal <signal>[=<process>]`.

use thiserror::Error;

/// A signal to send, and to whom.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) signal: Signal,
    /// A process id, the start of one and `*`, or the path of a file that holds one of these.
    /// Without it: the one server that runs.
    pub(crate) process: Option<String>,
}

/// What a running server can be told by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// End without ado.
    Stop,
    /// End as on Ctrl-C.
    Quit,
    /// End orderly.
    Term,
    /// Open the log file anew.
    Reopen,
    /// Read the configuration anew.
    Reload,
    /// Take leave of the clients, then end.
    LameDuck,
}

/// A signal that cannot be sent.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum SignalError {
    #[error("signal {0:?} is unknown: the signals are term, quit, stop, reopen, reload and ldm")]
    Unknown(String),
    #[error("a signal is given as <signal> or <signal>=<process>, not {0:?}")]
    Malformed(String),
}

impl Order {
    pub(super) fn read(text: &str) -> Result<Self, SignalError> {
        let (word, process) = match text.split_once('=') {
            Some((_, process)) if process.contains('=') => {
                return Err(SignalError::Malformed(text.to_owned()));
            }
            Some((word, process)) => (word, Some(process.to_owned()).filter(|text| !text.is_empty())),
            None => (text, None),
        };
        let signal = match word {
            "stop" => Signal::Stop,
            "quit" => Signal::Quit,
            "term" => Signal::Term,
            "reopen" => Signal::Reopen,
            "reload" => Signal::Reload,
            "ldm" => Signal::LameDuck,
            _ => return Err(SignalError::Unknown(word.to_owned())),
        };
        Ok(Self { signal, process })
    }
}
