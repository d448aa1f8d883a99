use super::{Answer, AnswerError, CertificateStatus, Question};
use crate::OcspPeer;
use openssl::stack::StackRef;
use openssl::x509::{X509, X509Ref};
use std::time::Duration;
use thiserror::Error;

/// What follows for a peer from what was said, or not said, of one of its certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerVerdict {
    /// Nothing speaks against it.
    Good,
    /// Something does, but the settings let it pass; the operator should know.
    Tolerated(String),
    /// It is not let in.
    Refused {
        /// Why, for the log.
        reason: String,
        /// The same, as nats-server tells it in events.
        told: String,
    },
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Silence {
    /// Nobody could be reached, or what came back was none.
    #[error("no responder could be asked: {0}")]
    Unreachable(String),
    /// Something came back that is no answer.
    #[error("the answer cannot be used: {0}")]
    Unusable(#[from] AnswerError),
    /// It no longer holds, or not yet.
    #[error("the answer does not hold at this time")]
    NotCurrent,
}

/// The certificates of a chain that was verified, up to the root, that say whom to ask about them. None have to be asked
/// about if the peer is its own authority.
pub(crate) fn links_to_check(chain: &StackRef<X509>) -> Vec<Question> {
    let chain: Vec<&X509Ref> = chain.iter().collect();
    let pairs = chain
        .windows(2)
        .map(|pair| Question::of_peer(chain[0], pair[0], pair[1]));
    let is_asked_about = |question: &Question| {
        let mut responders = question.responders().into_iter();
        responders.any(|url| url.starts_with("http://") || url.starts_with("https://"))
    };
    pairs.filter(is_asked_about).collect()
}

impl Silence {
    /// As nats-server tells it in events.
    fn told(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "Failed OCSP response fetch",
            Self::Unusable(_) => "Failed OCSP response parse",
            Self::NotCurrent => "OCSP response not in effectivity window",
        }
    }
}

impl OcspPeer {
    /// Whether an answer holds at a time, in seconds from 1970.
    pub fn is_current(&self, answer: &Answer, now: i64) -> bool {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        answer.is_current(
            now,
            seconds(self.allowed_clockskew),
            seconds(self.cache_ttl_when_next_update_unset),
        )
    }

    /// What follows from what was said of a certificate; `was_revoked` if the last that was said before was that.
    pub fn judge(&self, said: Result<CertificateStatus, &Silence>, was_revoked: bool) -> PeerVerdict {
        let (reason, told) = match said {
            Ok(CertificateStatus::Good) => return PeerVerdict::Good,
            Ok(CertificateStatus::Unknown) if self.unknown_is_good => return PeerVerdict::Good,
            Ok(status) => (
                format!("its authority says that it is {status}"),
                format!("Invalid OCSP response status: {status}"),
            ),
            Err(silence @ Silence::Unreachable(_)) if self.allow_when_ca_unreachable && !was_revoked => {
                return PeerVerdict::Tolerated(silence.to_string());
            }
            Err(silence) => (silence.to_string(), silence.told().to_owned()),
        };
        if self.warn_only {
            PeerVerdict::Tolerated(reason)
        } else {
            PeerVerdict::Refused { reason, told }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(verdict: PeerVerdict) -> char {
        match verdict {
            PeerVerdict::Good => 'g',
            PeerVerdict::Tolerated(_) => 't',
            PeerVerdict::Refused { .. } => 'r',
        }
    }

    /// For each way of being set: good, revoked, unknown; unreachable, the same once revoked, not current.
    #[test]
    fn verdicts() {
        let usual = OcspPeer {
            verify: true,
            ..OcspPeer::default()
        };
        let unreachable = Silence::Unreachable("timeout".to_owned());
        let verdicts = |peer: &OcspPeer| -> String {
            [
                peer.judge(Ok(CertificateStatus::Good), true),
                peer.judge(Ok(CertificateStatus::Revoked), false),
                peer.judge(Ok(CertificateStatus::Unknown), false),
                peer.judge(Err(&unreachable), false),
                peer.judge(Err(&unreachable), true),
                peer.judge(Err(&Silence::NotCurrent), false),
            ]
            .map(letter)
            .iter()
            .collect()
        };
        assert_eq!(verdicts(&usual), "grrrrr");
        let warning = OcspPeer {
            warn_only: true,
            ..usual.clone()
        };
        assert_eq!(verdicts(&warning), "gttttt");
        let trusting = OcspPeer {
            unknown_is_good: true,
            ..usual.clone()
        };
        assert_eq!(verdicts(&trusting), "grgrrr");
        let patient = OcspPeer {
            allow_when_ca_unreachable: true,
            ..usual
        };
        assert_eq!(verdicts(&patient), "grrtrr");
    }
}
