use super::{AnswerError, CertificateStatus, Question};
use crate::OcspPeer;
use openssl::ssl::SslRef;
use thiserror::Error;

/// Why a server that has to show that its certificate is good, as its authority says, has not done so. The words are those
/// of nats-server.
#[derive(Debug, Error)]
pub enum NotShown {
    /// It has shown nothing.
    #[error("peer missing OCSP Staple")]
    Nothing,
    /// Its certificate was not verified, or is its own authority.
    #[error("peer missing TLS verified chains")]
    Unverified,
    /// What it has shown is no answer, or of nobody who may give one.
    #[error("failed to parse OCSP response from peer: {0}")]
    NoAnswer(#[from] AnswerError),
    /// It no longer holds, or not yet.
    #[error("OCSP staple from peer not current")]
    NotCurrent,
    /// It says that the certificate is not good.
    #[error("bad status for OCSP Staple from peer: {0}")]
    NotGood(CertificateStatus),
}

impl Question {
    /// That about the certificate of a peer with whom the handshake is over, whoever can be asked; None if it has not shown
    /// one, or it is its own authority.
    pub fn about_peer(ssl: &SslRef) -> Option<Self> {
        let chain = ssl.verified_chain()?;
        Some(Self::new(chain.get(0)?, chain.get(1)?))
    }
}

/// Whether the server that was connected to has shown in the handshake that its certificate is good at this time, in
/// seconds from 1970.
///
/// # Errors
/// When it has not.
pub fn has_shown(ssl: &SslRef, now: i64) -> Result<(), NotShown> {
    let shown = ssl.ocsp_status().filter(|shown| !shown.is_empty());
    let shown = shown.ok_or(NotShown::Nothing)?;
    let question = Question::about_peer(ssl).ok_or(NotShown::Unverified)?;
    let answer = question.read(shown)?;
    if !OcspPeer::default().is_current(&answer, now) {
        return Err(NotShown::NotCurrent);
    }
    match answer.status {
        CertificateStatus::Good => Ok(()),
        status => Err(NotShown::NotGood(status)),
    }
}
