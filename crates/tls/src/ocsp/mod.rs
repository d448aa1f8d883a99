//! What authorities say of certificates (OCSP, RFC 6960): questions and answers as bytes, and what follows from them.
//!
//! Whoever has sockets and a clock carries the bytes: of our own certificates to peers ([`Staple`]), and of theirs
//! to us ([`links_to_check`], [`AnswerCache`], [`OcspPeer::judge`](crate::OcspPeer::judge)).

mod answer;
mod cache;
mod peer;
mod staple;

pub use answer::{Answer, AnswerError, CertificateStatus, MAX_ANSWER, Question};
pub use cache::{AnswerCache, Known};
pub use peer::{ChainError, PeerVerdict, Silence, links_to_check};
pub use staple::{Staple, StapleError};
