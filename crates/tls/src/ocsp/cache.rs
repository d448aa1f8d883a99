use super::{Answer, CertificateStatus};
use crate::{OcspCache, OcspPeer};
use std::collections::HashMap;

/// How many certificates are remembered. Each takes about 100 bytes.
const MAX_CERTIFICATES: usize = 16_384;

/// What authorities said of certificates of peers, by their fingerprints.
#[derive(Debug)]
pub struct AnswerCache {
    settings: OcspCache,
    said: HashMap<[u8; 32], Said>,
}

/// An answer without its bytes.
#[derive(Debug, Clone, Copy)]
struct Said {
    status: CertificateStatus,
    this_update: i64,
    next_update: Option<i64>,
}

/// What is known of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// What was said still holds.
    Current(CertificateStatus),
    /// It has to be asked about. Whether the last that was said was that it is revoked.
    Ask {
        /// See above.
        was_revoked: bool,
    },
}

impl AnswerCache {
    /// An empty one.
    pub fn new(settings: OcspCache) -> Self {
        Self {
            settings,
            said: HashMap::new(),
        }
    }

    /// What is known of a certificate at a time, in seconds from 1970.
    pub fn known(&mut self, fingerprint: &[u8; 32], peer: &OcspPeer, now: i64) -> Known {
        let Some(said) = self.said.get(fingerprint) else {
            return Known::Ask { was_revoked: false };
        };
        if said.is_current(peer, now) {
            return Known::Current(said.status);
        }
        let was_revoked = said.status == CertificateStatus::Revoked;
        if !(was_revoked && self.settings.preserve_revoked) {
            self.said.remove(fingerprint);
        }
        Known::Ask { was_revoked }
    }

    /// Remembers an answer that holds.
    pub fn remember(&mut self, fingerprint: [u8; 32], answer: &Answer, peer: &OcspPeer, now: i64) {
        if !self.settings.enabled {
            return;
        }
        if self.said.len() >= MAX_CERTIFICATES && !self.said.contains_key(&fingerprint) {
            self.make_room(peer, now);
        }
        let said = Said {
            status: answer.status,
            this_update: answer.this_update,
            next_update: answer.next_update,
        };
        self.said.insert(fingerprint, said);
    }

    /// Forgets what no longer holds, and if that is nothing, any one that is not revoked.
    fn make_room(&mut self, peer: &OcspPeer, now: i64) {
        let before = self.said.len();
        let preserve_revoked = self.settings.preserve_revoked;
        self.said.retain(|_, said| {
            said.is_current(peer, now) || (preserve_revoked && said.status == CertificateStatus::Revoked)
        });
        if self.said.len() < before {
            return;
        }
        let is_other = |said: &Said| said.status != CertificateStatus::Revoked;
        let other = self
            .said
            .iter()
            .find(|(_, said)| is_other(said))
            .map(|(one, _)| *one);
        let victim = other.or_else(|| self.said.keys().next().copied());
        if let Some(victim) = victim {
            self.said.remove(&victim);
        }
    }
}

impl Said {
    fn is_current(&self, peer: &OcspPeer, now: i64) -> bool {
        let answer = Answer {
            status: self.status,
            this_update: self.this_update,
            next_update: self.next_update,
            bytes: [].into(),
        };
        peer.is_current(&answer, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: CertificateStatus, next_update: i64) -> Answer {
        Answer {
            status,
            this_update: 0,
            next_update: Some(next_update),
            bytes: [].into(),
        }
    }

    fn fingerprint(number: usize) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&number.to_be_bytes());
        fingerprint
    }

    #[test]
    fn answers_are_remembered_while_they_hold() {
        let (peer, mut cache) = (OcspPeer::default(), AnswerCache::new(OcspCache::default()));
        let one = fingerprint(1);
        let nothing = Known::Ask { was_revoked: false };
        assert_eq!(cache.known(&one, &peer, 0), nothing);
        cache.remember(one, &answer(CertificateStatus::Good, 1000), &peer, 0);
        assert_eq!(
            cache.known(&one, &peer, 1030),
            Known::Current(CertificateStatus::Good)
        );
        assert_eq!(cache.known(&one, &peer, 1031), nothing);
        assert_eq!(cache.known(&one, &peer, 0), nothing, "it is forgotten");
    }

    #[test]
    fn revocations_can_be_preserved() {
        let peer = OcspPeer::default();
        for preserve_revoked in [false, true] {
            let mut cache = AnswerCache::new(OcspCache {
                preserve_revoked,
                ..OcspCache::default()
            });
            let one = fingerprint(1);
            cache.remember(one, &answer(CertificateStatus::Revoked, 1000), &peer, 0);
            let known: Vec<Known> = (0..2).map(|_| cache.known(&one, &peer, 5000)).collect();
            let expected = [true, preserve_revoked].map(|was_revoked| Known::Ask { was_revoked });
            assert_eq!(known, expected);
        }
    }

    #[test]
    fn it_may_be_off() {
        let peer = OcspPeer::default();
        let mut cache = AnswerCache::new(OcspCache {
            enabled: false,
            preserve_revoked: true,
            ..OcspCache::default()
        });
        cache.remember(fingerprint(1), &answer(CertificateStatus::Good, 1000), &peer, 0);
        assert_eq!(
            cache.known(&fingerprint(1), &peer, 0),
            Known::Ask { was_revoked: false }
        );
    }

    #[test]
    fn it_is_bounded() {
        let (peer, mut cache) = (OcspPeer::default(), AnswerCache::new(OcspCache::default()));
        cache.remember(
            fingerprint(0),
            &answer(CertificateStatus::Revoked, 1000),
            &peer,
            0,
        );
        for number in 1..MAX_CERTIFICATES + 10 {
            cache.remember(
                fingerprint(number),
                &answer(CertificateStatus::Good, 1000),
                &peer,
                0,
            );
        }
        assert_eq!(cache.said.len(), MAX_CERTIFICATES);
        let first = cache.known(&fingerprint(0), &peer, 0);
        assert_eq!(first, Known::Current(CertificateStatus::Revoked));
        cache.remember(
            fingerprint(usize::MAX),
            &answer(CertificateStatus::Good, 9000),
            &peer,
            5000,
        );
        assert_eq!(cache.said.len(), 1, "what no longer holds goes first");
    }
}
