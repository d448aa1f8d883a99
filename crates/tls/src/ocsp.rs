//! What authorities say of certificates (OCSP, RFC 6960): questions and answers as bytes, and what follows from them.
//!
//! Others have sockets and a clock and carry the bytes: of our own certificates to peers ([`Staple`]), and of theirs
//! to us ([`Verifier`](crate::Verifier), [`AnswerCache`], [`OcspPeer::judge`](crate::OcspPeer::judge), [`has_shown`]).

mod answer;
mod cache;
mod peer;
mod shown;
mod staple;

pub use answer::{Answer, AnswerError, CertificateStatus, MAX_ANSWER, Question, ShownCertificate};
pub use cache::{AnswerCache, CacheStatistics, Known};
pub(crate) use peer::links_to_check;
pub use peer::{PeerVerdict, Silence};
pub use shown::{NotShown, has_shown};
pub use staple::{Staple, StapleError};
