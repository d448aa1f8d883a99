use crate::acceptor::unix_seconds;
use crate::context::store;
use openssl::asn1::{Asn1GeneralizedTimeRef, Asn1Time};
use openssl::base64::encode_block;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::ocsp::{OcspCertId, OcspCertStatus, OcspFlag, OcspRequest, OcspResponse, OcspResponseStatus};
use openssl::stack::Stack;
use openssl::x509::{X509, X509Ref};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// The most bytes of an answer that are looked at. Usual ones have 500 to 3000.
pub const MAX_ANSWER: usize = 64 << 10;

/// What an authority says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// Nothing is wrong with it.
    Good,
    /// It is no longer to be trusted.
    Revoked,
    /// The authority does not know it.
    Unknown,
}

/// In the words of nats-server.
impl fmt::Display for CertificateStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        })
    }
}

/// The question whether a certificate is good.
#[derive(Clone)]
pub struct Question {
    certificate: X509,
    issuer: X509,
    /// The certificate of the peer in whose chain it is, if there is another.
    peer: Option<X509>,
}

/// A certificate as events show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Whose it is, such as `CN=derek,O=acme`.
    pub subject: String,
    /// Who has signed it, in the same way.
    pub issuer: String,
    /// Its SHA-256, as base64.
    pub fingerprint: String,
    /// All of it (DER), as base64.
    pub raw: String,
}

impl ShownCertificate {
    fn of(certificate: &X509Ref) -> Self {
        let name = |name| crate::subject::Subject::of(name).to_full_text();
        // One that was parsed can be encoded.
        let raw = certificate.to_der().unwrap_or_default();
        Self {
            subject: name(certificate.subject_name()),
            issuer: name(certificate.issuer_name()),
            fingerprint: encode_block(&openssl::sha::sha256(&raw)),
            raw: encode_block(&raw),
        }
    }
}

/// What was said of a certificate, by somebody who may, and for how long it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was said.
    pub status: CertificateStatus,
    /// Since when it holds, in seconds from 1970.
    pub this_update: i64,
    /// Until when, if that was said.
    pub next_update: Option<i64>,
    /// The answer as it was given.
    pub bytes: Arc<[u8]>,
}

/// Bytes that are no answer.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// More than [`MAX_ANSWER`].
    #[error("it is longer than {} KiB", MAX_ANSWER >> 10)]
    TooLong,
    /// Not encoded as an answer is.
    #[error("it is damaged: {0}")]
    Damaged(#[from] ErrorStack),
    /// The responder does not want to say.
    #[error("the responder says {0}")]
    NoAnswer(&'static str),
    /// Signed by somebody who may not say it.
    #[error("it is not signed by the authority, or by one who may sign for it: {0}")]
    Signature(ErrorStack),
    /// About other certificates.
    #[error("it is not about the certificate in question")]
    OtherCertificate,
    /// A time that is none.
    #[error("it does not say for how long it holds")]
    Time,
}

impl Question {
    /// Whether `certificate` is good, which `issuer` has signed.
    pub fn new(certificate: &X509Ref, issuer: &X509Ref) -> Self {
        Self {
            certificate: certificate.to_owned(),
            issuer: issuer.to_owned(),
            peer: None,
        }
    }

    /// The same, of a certificate in the chain of this peer.
    pub(crate) fn of_peer(peer: &X509Ref, certificate: &X509Ref, issuer: &X509Ref) -> Self {
        Self {
            peer: Some(peer.to_owned()),
            ..Self::new(certificate, issuer)
        }
    }

    /// The certificate that it is about.
    pub fn shown(&self) -> ShownCertificate {
        ShownCertificate::of(&self.certificate)
    }

    /// The peer's certificate.
    pub fn shown_peer(&self) -> ShownCertificate {
        ShownCertificate::of(self.peer.as_ref().unwrap_or(&self.certificate))
    }

    /// As bytes.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ErrorStack> {
        let mut request = OcspRequest::new()?;
        request.add_id(self.id()?)?;
        request.to_der()
    }

    /// Who can be asked, in order, as the certificate says.
    pub fn responders(&self) -> Vec<String> {
        let responders = self.certificate.ocsp_responders();
        let responders = responders.iter().flatten();
        responders.map(|url| url.to_string()).collect()
    }

    /// The SHA-256 of the certificate.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn fingerprint(&self) -> Result<[u8; 32], ErrorStack> {
        Ok(openssl::sha::sha256(&self.certificate.to_der()?))
    }

    /// Whose certificate it is, such as `CN=derek,O=acme`.
    pub fn subject(&self) -> String {
        crate::subject::Subject::of(self.certificate.subject_name()).to_full_text()
    }

    /// Reads what came back. Whether it holds at this time is for [`Answer`] to say.
    ///
    /// # Errors
    /// When it is no answer to the question, or of nobody who may give one.
    pub fn read(&self, bytes: &[u8]) -> Result<Answer, AnswerError> {
        if bytes.len() > MAX_ANSWER {
            return Err(AnswerError::TooLong);
        }
        let response = OcspResponse::from_der(bytes)?;
        let status = response.status();
        if status != OcspResponseStatus::SUCCESSFUL {
            return Err(AnswerError::NoAnswer(refusal(status)));
        }
        let basic = response.basic()?;
        let mut signers = Stack::new()?;
        signers.push(self.issuer.clone())?;
        let trusted = store(std::slice::from_ref(&self.issuer))?;
        basic
            .verify(&signers, &trusted, OcspFlag::empty())
            .map_err(AnswerError::Signature)?;
        let id = self.id()?;
        let found = basic.find_status(&id).ok_or(AnswerError::OtherCertificate)?;
        let status = match found.status {
            OcspCertStatus::GOOD => CertificateStatus::Good,
            OcspCertStatus::REVOKED => CertificateStatus::Revoked,
            _ => CertificateStatus::Unknown,
        };
        Ok(Answer {
            status,
            this_update: seconds(found.this_update).ok_or(AnswerError::Time)?,
            next_update: match found.next_update() {
                Some(time) => Some(seconds(time).ok_or(AnswerError::Time)?),
                None => None,
            },
            bytes: bytes.into(),
        })
    }

    fn id(&self) -> Result<OcspCertId, ErrorStack> {
        // The hash that every responder knows; it only names the certificate.
        OcspCertId::from_cert(MessageDigest::sha1(), &self.certificate, &self.issuer)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Question").field(&self.subject()).finish()
    }
}

fn refusal(status: OcspResponseStatus) -> &'static str {
    match status {
        OcspResponseStatus::MALFORMED_REQUEST => "that it does not understand the question",
        OcspResponseStatus::INTERNAL_ERROR => "that something is wrong with it",
        OcspResponseStatus::TRY_LATER => "to try later",
        OcspResponseStatus::SIG_REQUIRED => "that it wants to know who asks",
        OcspResponseStatus::UNAUTHORIZED => "that it may not answer",
        _ => "what nobody understands",
    }
}

impl Answer {
    /// Whether it holds at a time, in seconds from 1970, if clocks may be apart by `skew` seconds; without an end of its
    /// own, for `ttl` seconds.
    pub fn is_current(&self, now: i64, skew: i64, ttl: i64) -> bool {
        let end = self.next_update.unwrap_or(self.this_update.saturating_add(ttl));
        self.this_update <= now.saturating_add(skew) && end >= now.saturating_sub(skew)
    }
}

/// The library only shows such times, as `Nov 20 21:32:59 2026 GMT`.
fn seconds(time: &Asn1GeneralizedTimeRef) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let shown = time.to_string();
    let mut words = shown.split_whitespace();
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = words.next()?.parse().ok()?;
    let clock: String = words.next()?.split('.').next()?.split(':').collect();
    let year: u16 = words.next()?.parse().ok()?;
    let time = Asn1Time::from_str(&format!("{year:04}{month:02}{day:02}{clock}Z")).ok()?;
    Some(unix_seconds(&time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Authority, request};
    use openssl::asn1::Asn1GeneralizedTime;

    #[test]
    fn times() {
        for (text, expected) in [
            ("19700101000000Z", 0),
            ("20261120213259Z", 1_795_210_379),
            ("20261120213259.75Z", 1_795_210_379),
            ("20000229120000Z", 951_825_600),
        ] {
            let time = Asn1GeneralizedTime::from_str(text).unwrap();
            assert_eq!(seconds(&time), Some(expected), "{text}");
        }
    }

    #[test]
    fn for_how_long_an_answer_holds() {
        let answer = |next_update| Answer {
            status: CertificateStatus::Good,
            this_update: 1000,
            next_update,
            bytes: [].into(),
        };
        for (next_update, now, expected) in [
            (Some(2000), 969, false),
            (Some(2000), 970, true),
            (Some(2000), 2030, true),
            (Some(2000), 2031, false),
            (None, 1130, true),
            (None, 1131, false),
        ] {
            assert_eq!(answer(next_update).is_current(now, 30, 100), expected, "{now}");
        }
    }

    #[test]
    fn what_is_no_answer() {
        let authority = Authority::new("ca");
        let issued = authority.issue(&request("a").responder("http://localhost:1/ocsp"));
        let question = Question::new(&issued.certificate, authority.certificate());
        assert_eq!(question.responders(), ["http://localhost:1/ocsp"]);
        assert_eq!(question.subject(), "CN=a");
        assert!(question.to_bytes().unwrap().len() > 50);
        let told = |bytes: &[u8]| question.read(bytes).unwrap_err().to_string();
        assert!(told(b"<html>").starts_with("it is damaged: "));
        assert_eq!(told(&vec![0; MAX_ANSWER + 1]), "it is longer than 64 KiB");
        // An answer that is only "try later".
        assert_eq!(told(b"\x30\x03\x0a\x01\x03"), "the responder says to try later");
    }
}
