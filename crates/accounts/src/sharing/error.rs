//! What is wrong with an import, in the words of nats-server.

use thiserror::Error;
use vagus_routing::TransformError;

/// Why an import is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// There is no exporting account of that name.
    #[error("account missing")]
    AccountMissing,
    /// A subject is none.
    #[error("invalid subject")]
    InvalidSubject,
    /// The account does not export that, or not to this one.
    #[error("stream import not authorized")]
    StreamNotAuthorized,
    /// The account does not export that, or not to this one.
    #[error("service import not authorized")]
    ServiceNotAuthorized,
    /// A prefix has wildcards.
    #[error("stream import prefix can not contain wildcard tokens")]
    PrefixWithWildcards,
    /// The account imports that stream already.
    #[error("stream import already exists")]
    StreamTwice,
    /// The account calls another service of the same account so.
    #[error(
        "duplicate service import subject {local:?}, previously used in import for account {account:?}, subject {subject:?}"
    )]
    ServiceTwice {
        /// How it is called.
        local: String,
        /// The exporting account.
        account: String,
        /// What is called so already.
        subject: String,
    },
    /// The import is of something that is imported from the importing account.
    #[error("import forms a cycle")]
    Cycle,
    /// So many accounts import of each other that it is not known whether there is a cycle.
    #[error("search cycle depth exhausted")]
    CycleSearchDepth,
    /// A stream cannot be called so.
    #[error(
        "failed to create mapping transform for stream import subject from {subject:?} to {local:?}: {error}"
    )]
    StreamTransform {
        /// The subject in the exporting account.
        subject: String,
        /// What it is to be called.
        local: String,
        /// Why not.
        error: TransformError,
    },
    /// A service cannot be called so.
    #[error(
        "failed to create mapping transform for service import subject from {local:?} to {subject:?}: {error}"
    )]
    ServiceTransform {
        /// What it is to be called.
        local: String,
        /// The subject in the exporting account.
        subject: String,
        /// Why not.
        error: TransformError,
    },
}
