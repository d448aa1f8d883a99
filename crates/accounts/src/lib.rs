//! What an account is defined to be, whether a configuration says so or a claim that an operator has signed.
//!
//! Definitions name other accounts, and may be wrong about them: who imports does not decide what is exported. What holds
//! between accounts is worked out here, apart from everything that carries it out.

mod definition;
mod export;
mod import;
mod limits;
mod responses;
mod sharing;

pub use definition::{AccountDefinition, MappingDefinition, TraceDefinition};
pub use export::{
    Access, DEFAULT_RESPONSE_THRESHOLD, Latency, ResponseType, Revocations, Sampling, ServiceExport,
    StreamExport,
};
pub use import::{Activation, LocalSubject, ServiceImport, StreamImport};
pub use limits::AccountLimits;
pub use responses::{AWAITED_AT_MOST, Answer, REPLY_BYTES_AT_MOST, RESPONSE_PREFIX, Responses, Terms};
pub use sharing::{ImportError, ImportedService, ImportedStream, ServiceTerms, Sharing};
pub use vagus_routing::MappedDestination;
