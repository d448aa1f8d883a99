use super::{Answer, CertificateStatus, Question};
use crate::{OcspCache, OcspPeer, Pin};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// How many certificates are remembered. Each takes about 100 bytes, and its answer where that is kept over a restart.
const MAX_CERTIFICATES: usize = 16_384;

/// How many bytes of answers are kept over a restart. What is beyond that is remembered, and not kept.
const MAX_KEPT: usize = 32 << 20;

/// What authorities said of certificates of peers, by their fingerprints.
#[derive(Debug)]
pub struct AnswerCache {
    settings: OcspCache,
    said: HashMap<[u8; 32], Said>,
    /// Bytes of answers that are held, to be kept.
    held: usize,
    hits: u64,
    misses: u64,
    /// There is something that is not kept yet.
    is_new: bool,
}

/// An answer.
#[derive(Debug, Clone)]
struct Said {
    status: CertificateStatus,
    this_update: i64,
    next_update: Option<i64>,
    /// As it was given, where that is kept.
    bytes: Arc<[u8]>,
    /// It was kept over a restart, and nobody has looked yet who signed it.
    unread: bool,
}

/// What a cache has, and what it was good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStatistics {
    /// How often it knew what was asked.
    pub hits: u64,
    /// How often it did not.
    pub misses: u64,
    /// How many certificates it knows of.
    pub responses: usize,
    /// How many of these are revoked.
    pub revoked: usize,
    /// How many are good.
    pub good: usize,
    /// How many nobody knows.
    pub unknown: usize,
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
            held: 0,
            hits: 0,
            misses: 0,
            is_new: false,
        }
    }

    /// What it has, and what it was good for.
    pub fn statistics(&self) -> CacheStatistics {
        let of = |status| self.said.values().filter(|said| said.status == status).count();
        CacheStatistics {
            hits: self.hits,
            misses: self.misses,
            responses: self.said.len(),
            revoked: of(CertificateStatus::Revoked),
            good: of(CertificateStatus::Good),
            unknown: of(CertificateStatus::Unknown),
        }
    }

    /// What is to be kept over a restart, if anything is new since this was asked last: a line for each certificate.
    pub fn to_keep(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        let mut text = String::new();
        for (fingerprint, said) in self.said.iter().filter(|(_, said)| !said.bytes.is_empty()) {
            for byte in fingerprint {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
            let answer = openssl::base64::encode_block(&said.bytes);
            let _ = writeln!(text, " {} {answer}", said.status);
        }
        Some(text)
    }

    /// Takes what was kept. Lines that say nothing are passed over. What an answer says counts once it was
    /// [`read`](Self::read_kept).
    pub fn take_kept(&mut self, text: &str) {
        for line in text.lines().take(MAX_CERTIFICATES) {
            let mut words = line.split(' ');
            let (Some(pin), Some(status), Some(answer)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let (Ok(pin), Ok(bytes)) = (pin.parse::<Pin>(), openssl::base64::decode_block(answer)) else {
                continue;
            };
            let status = match status {
                "good" => CertificateStatus::Good,
                "revoked" => CertificateStatus::Revoked,
                _ => CertificateStatus::Unknown,
            };
            if self.held + bytes.len() > MAX_KEPT {
                return;
            }
            let said = Said {
                status,
                this_update: 0,
                next_update: None,
                bytes: bytes.into(),
                unread: true,
            };
            self.insert(*pin.bytes(), said);
        }
    }

    /// Reads what was kept of a certificate, if that was not done yet. Whatever is no answer to the question is
    /// forgotten.
    pub fn read_kept(&mut self, fingerprint: &[u8; 32], question: &Question) {
        let Some(bytes) = self.said.get(fingerprint).filter(|said| said.unread) else {
            return;
        };
        let read = question.read(&bytes.bytes.clone());
        let said = read.map(|answer| Said {
            status: answer.status,
            this_update: answer.this_update,
            next_update: answer.next_update,
            bytes: answer.bytes,
            unread: false,
        });
        self.forget(fingerprint);
        if let Ok(said) = said {
            self.insert(*fingerprint, said);
        }
    }

    fn insert(&mut self, fingerprint: [u8; 32], said: Said) {
        self.held += said.bytes.len();
        if let Some(before) = self.said.insert(fingerprint, said) {
            self.held -= before.bytes.len();
        }
    }

    fn forget(&mut self, fingerprint: &[u8; 32]) {
        if let Some(said) = self.said.remove(fingerprint) {
            self.held -= said.bytes.len();
            self.is_new = true;
        }
    }

    /// What is known of a certificate at a time, in seconds from 1970.
    pub fn known(&mut self, fingerprint: &[u8; 32], peer: &OcspPeer, now: i64) -> Known {
        let said = self.said.get(fingerprint);
        if let Some(said) = said.filter(|said| said.is_current(peer, now)) {
            self.hits += 1;
            return Known::Current(said.status);
        }
        self.misses += u64::from(self.settings.enabled);
        let Some(said) = said else {
            return Known::Ask { was_revoked: false };
        };
        let was_revoked = said.status == CertificateStatus::Revoked;
        if !(was_revoked && self.settings.preserve_revoked) {
            self.forget(fingerprint);
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
            bytes: match self.settings.local_store {
                Some(_) if self.held + answer.bytes.len() <= MAX_KEPT => answer.bytes.clone(),
                _ => [].into(),
            },
            unread: false,
        };
        self.insert(fingerprint, said);
        self.is_new = true;
    }

    /// Forgets what no longer holds, and if that is nothing, any one that is not revoked.
    fn make_room(&mut self, peer: &OcspPeer, now: i64) {
        let before = self.said.len();
        let preserve_revoked = self.settings.preserve_revoked;
        self.said.retain(|_, said| {
            said.is_current(peer, now) || (preserve_revoked && said.status == CertificateStatus::Revoked)
        });
        self.held = self.said.values().map(|said| said.bytes.len()).sum();
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
            self.forget(&victim);
        }
    }
}

impl Said {
    fn is_current(&self, peer: &OcspPeer, now: i64) -> bool {
        if self.unread {
            return false;
        }
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
    use crate::testing::{Authority, request};

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
        assert_eq!(
            cache.statistics(),
            CacheStatistics {
                hits: 1,
                misses: 2,
                ..CacheStatistics::default()
            }
        );
        assert_eq!(cache.known(&one, &peer, 0), nothing, "it is forgotten");
        cache.remember(one, &answer(CertificateStatus::Revoked, 1000), &peer, 0);
        cache.remember(fingerprint(2), &answer(CertificateStatus::Good, 1000), &peer, 0);
        let statistics = cache.statistics();
        assert_eq!(
            (statistics.responses, statistics.revoked, statistics.good),
            (2, 1, 1)
        );
    }

    /// Nothing that was kept counts before it was seen who signed it.
    #[test]
    fn what_was_kept_has_to_be_read() {
        let store = |bytes: &[u8]| {
            let mut cache = AnswerCache::new(OcspCache {
                local_store: Some("there".into()),
                ..OcspCache::default()
            });
            let answer = Answer {
                bytes: bytes.into(),
                ..answer(CertificateStatus::Good, 1000)
            };
            cache.remember(fingerprint(1), &answer, &OcspPeer::default(), 0);
            cache
        };
        let mut cache = store(b"answer");
        let text = cache.to_keep().unwrap();
        assert_eq!(text.matches(" good ").count(), 1, "{text}");
        assert_eq!(cache.to_keep(), None, "there is nothing new");

        let mut other = AnswerCache::new(OcspCache::default());
        other.take_kept("nonsense\n\nzz good AA==\n");
        assert_eq!(other.statistics().responses, 0);
        other.take_kept(&text);
        assert_eq!(other.statistics().good, 1);
        let authority = Authority::new("ca");
        let issued = authority.issue(&request("a"));
        let question = Question::new(&issued.certificate, authority.certificate());
        other.read_kept(&fingerprint(1), &question);
        assert_eq!(other.statistics().responses, 0, "it is no answer");
        let known = other.known(&fingerprint(1), &OcspPeer::default(), 0);
        assert_eq!(known, Known::Ask { was_revoked: false });
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
