//! What an account offers to others.

use std::collections::HashMap;
use std::time::Duration;

/// For how long an answer to a request is waited for where nothing else is said.
pub const DEFAULT_RESPONSE_THRESHOLD: Duration = Duration::from_secs(120);

/// Subjects that others may get messages of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamExport {
    /// A pattern; an import is for the same or for a part of it.
    pub subject: Box<str>,
    /// Who may import it.
    pub access: Access,
}

/// Subjects that others may send requests to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceExport {
    /// A pattern; an import is for the same or for a part of it.
    pub subject: Box<str>,
    /// Who may import it.
    pub access: Access,
    /// How many messages an answer is.
    pub response_type: ResponseType,
    /// For how long an answer is waited for: for the first message of one, and of one that is several after the last.
    /// [`DEFAULT_RESPONSE_THRESHOLD`] where nothing else is said.
    pub response_threshold: Duration,
    /// Whether and where it is told how long requests take.
    pub latency: Option<Latency>,
    /// Whether a message that is traced in the importing account is also traced beyond it.
    pub allow_trace: bool,
}

/// Who may import an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    #[default]
    Public,
    /// These accounts, by their names.
    Accounts(Vec<Box<str>>),
    /// An account whose name is this token of the subject that it imports; the first is 1.
    AccountToken(usize),
    /// Who shows an [`Activation`](crate::Activation) that is not revoked.
    Activated(Revocations),
}

/// Activations that hold no more: whose, by the key of the importing account or `*` for all, and up to which moment of
/// their issue, in seconds since 1970.
pub type Revocations = HashMap<Box<str>, i64>;

/// How many messages answer a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseType {
    /// One.
    #[default]
    Singleton,
    /// Several, until there are none for a while.
    Stream,
    /// One, in several pieces.
    Chunked,
}

/// That the latency of a service is measured (ADR-3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Of which requests.
    pub sampling: Sampling,
    /// Where the exporting account is told, a subject to publish on.
    pub subject: Box<str>,
}

/// Of which requests something is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// So many of a hundred: 1 to 100.
    Percent(u8),
    /// Those whose headers say that they are sampled by a tracing system.
    Headers,
}
