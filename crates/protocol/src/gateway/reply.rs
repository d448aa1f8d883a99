//! Replies that lead back through gateways: `_GR_.<cluster>.<server>.<reply>`.
//!
//! Who asks may have subscribed to the reply a moment ago, and the other cluster may not know of that. So the reply says
//! where it comes from, and what is published on it goes there, whatever interest is known.

/// What such replies begin with.
pub const MAPPED_PREFIX: &[u8] = b"_GR_.";

/// How many letters and digits stand for a cluster, and for a server.
const HASH: usize = 6;

/// The length of all that stands before the reply.
const PREFIX: usize = MAPPED_PREFIX.len() + 2 * (HASH + 1);

/// What stands for a cluster by its name, or for a server by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplyHash([u8; HASH]);

/// What this server puts before replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyPrefix([u8; PREFIX]);

/// A reply that leads back to a server of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutedReply<'a> {
    /// The cluster.
    pub cluster: ReplyHash,
    /// The server of it at which was asked.
    pub server: ReplyHash,
    /// The reply as it is called there; not empty.
    pub reply: &'a [u8],
}

impl ReplyHash {
    /// Of the SHA-256 of a cluster's name, or of a server's id.
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut hash = [0; HASH];
        for (letter, byte) in hash.iter_mut().zip(digest) {
            *letter = DIGITS[usize::from(*byte) % DIGITS.len()];
        }
        Self(hash)
    }

    /// The letters and digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What is subscribed to for all replies that lead back to the cluster of this hash.
    pub fn subject(&self) -> Vec<u8> {
        [MAPPED_PREFIX, &self.0, b".>"].concat()
    }
}

impl ReplyPrefix {
    /// Of a server of a cluster.
    pub fn new(cluster: ReplyHash, server: ReplyHash) -> Self {
        let mut prefix = [b'.'; PREFIX];
        let parts = [MAPPED_PREFIX, &cluster.0, b".", &server.0];
        let bytes = parts.into_iter().flatten();
        prefix
            .iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = *byte);
        Self(prefix)
    }

    /// That of a reply that leads back.
    pub fn of(reply: &[u8]) -> Option<Self> {
        RoutedReply::read(reply)?;
        Some(Self(*reply.first_chunk()?))
    }

    /// With its last point.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<'a> RoutedReply<'a> {
    /// None if it is none.
    pub fn read(subject: &'a [u8]) -> Option<Self> {
        let rest = subject.strip_prefix(MAPPED_PREFIX)?;
        let (cluster, rest) = rest.split_first_chunk::<HASH>()?;
        let (server, rest) = rest.strip_prefix(b".")?.split_first_chunk::<HASH>()?;
        let reply = rest.strip_prefix(b".")?;
        (!reply.is_empty()).then_some(Self {
            cluster: ReplyHash(*cluster),
            server: ReplyHash(*server),
            reply,
        })
    }
}

/// Whether a subject is, or looks as if it were, of a reply that leads back: it concerns servers alone.
#[inline]
pub fn is_mapped(subject: &[u8]) -> bool {
    subject.starts_with(MAPPED_PREFIX)
}

/// A reply as it is called where was asked, if it leads back there.
pub fn unmapped(reply: &[u8]) -> Option<&[u8]> {
    RoutedReply::read(reply).map(|routed| routed.reply)
}

#[cfg(test)]
mod tests {
    use super::{ReplyHash, ReplyPrefix, RoutedReply, is_mapped, unmapped};

    fn hash(first: u8) -> ReplyHash {
        let mut digest = [0; 32];
        digest[0] = first;
        ReplyHash::of_digest(&digest)
    }

    #[test]
    fn hashes_are_letters_and_digits() {
        let mut digest = [0; 32];
        digest[..6].copy_from_slice(&[0, 9, 10, 35, 61, 255]);
        assert_eq!(ReplyHash::of_digest(&digest).as_bytes(), b"09AZz7");
    }

    #[test]
    fn replies_lead_back() {
        let prefix = ReplyPrefix::new(hash(1), hash(2));
        assert_eq!(prefix.as_bytes(), b"_GR_.100000.200000.");
        let reply = [prefix.as_bytes(), b"_INBOX.a"].concat();
        let routed = RoutedReply::read(&reply).unwrap();
        assert_eq!(
            (routed.cluster, routed.server, routed.reply),
            (hash(1), hash(2), &b"_INBOX.a"[..])
        );
        assert_eq!(ReplyPrefix::of(&reply), Some(prefix));
        assert_eq!(unmapped(&reply), Some(&b"_INBOX.a"[..]));
        assert_eq!(hash(1).subject(), b"_GR_.100000.>");
    }

    #[test]
    fn what_only_looks_so_leads_nowhere() {
        for subject in [
            "_GR_.",
            "_GR_.100000.200000.",
            "_GR_.100000.20000.a",
            "_GR_.1000000.20000.a",
            "_GR_.100000.2000000a",
        ] {
            assert!(is_mapped(subject.as_bytes()), "{subject}");
            assert_eq!(RoutedReply::read(subject.as_bytes()), None, "{subject}");
        }
        assert!(!is_mapped(b"_GR.x") && unmapped(b"_INBOX.a").is_none());
    }
}
