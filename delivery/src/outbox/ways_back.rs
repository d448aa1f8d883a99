//! Where answers of one connection go: requests that came through gateways may have replies that lead back by themselves. The
//! client is shown the reply alone; what it publishes there soon goes the way that the request came.

use crate::moment::Moment;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use vagus_protocol::gateway::ReplyPrefix;

/// By then the servers between know where the reply is wanted.
const KNOWN_FOR: Duration = Duration::from_secs(2);

/// So many are known of one connection, and so much, in bytes. Of more, the oldest are forgotten: their answers go where they
/// are wanted, as all others.
const KNOWN_AT_MOST: usize = 65_536;
const BYTES_AT_MOST: usize = 16 * 1024 * 1024;

/// What one takes beside its reply.
const ENTRY: usize = 160;

/// The replies that lead back, as the client knows them.
#[derive(Debug, Default)]
pub(super) struct WaysBack {
    by_reply: HashMap<Arc<[u8]>, (ReplyPrefix, u64), RandomState>,
    /// By when they came, with their numbers: one that has come again is there with another.
    in_order: VecDeque<(Moment, u64, Arc<[u8]>)>,
    numbered: u64,
    bytes: usize,
}

impl WaysBack {
    /// A request has come with a reply that leads back.
    pub(super) fn record(&mut self, reply: &[u8], prefix: ReplyPrefix, now: Moment) {
        self.forget_old(now);
        while self.in_order.len() >= KNOWN_AT_MOST || self.bytes > BYTES_AT_MOST {
            self.forget_first();
        }
        self.numbered += 1;
        let reply: Arc<[u8]> = reply.into();
        self.bytes += reply.len() + ENTRY;
        self.by_reply.insert(reply.clone(), (prefix, self.numbered));
        self.in_order.push_back((now, self.numbered, reply));
    }

    /// The subject that an answer goes on, if it leads back.
    pub(super) fn find(&mut self, reply: &[u8], now: Moment) -> Option<Vec<u8>> {
        self.forget_old(now);
        let (prefix, _) = self.by_reply.get(reply)?;
        Some([prefix.as_bytes(), reply].concat())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    fn forget_old(&mut self, now: Moment) {
        while self
            .in_order
            .front()
            .is_some_and(|(came, ..)| now.after(*came) >= KNOWN_FOR)
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, number, reply)) = self.in_order.pop_front() {
            self.bytes -= reply.len() + ENTRY;
            if self.by_reply.get(&reply).is_some_and(|(_, last)| *last == number) {
                self.by_reply.remove(&reply);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KNOWN_AT_MOST, WaysBack};
    use crate::Moment;
    use std::time::Duration;
    use vagus_protocol::gateway::{ReplyHash, ReplyPrefix};

    fn at(milliseconds: u64) -> Moment {
        Moment::since(Duration::from_millis(milliseconds))
    }

    fn prefix(byte: u8) -> ReplyPrefix {
        let hash = ReplyHash::of_digest(&[byte; 32]);
        ReplyPrefix::new(hash, hash)
    }

    #[test]
    fn answers_find_their_way_for_a_moment() {
        let mut ways = WaysBack::default();
        ways.record(b"a", prefix(0), at(0));
        ways.record(b"b", prefix(0), at(0));
        ways.record(b"a", prefix(1), at(1500));
        assert_eq!(ways.find(b"a", at(1999)), Some(b"_GR_.111111.111111.a".to_vec()));
        assert_eq!(ways.find(b"b", at(1999)), Some(b"_GR_.000000.000000.b".to_vec()));
        assert_eq!(ways.find(b"b", at(2000)), None);
        assert!(ways.find(b"a", at(3499)).is_some() && !ways.is_empty());
        assert!(ways.find(b"a", at(3500)).is_none() && ways.is_empty());
        assert!(ways.by_reply.is_empty() && ways.bytes == 0);
    }

    #[test]
    fn they_are_bounded() {
        let mut ways = WaysBack::default();
        for number in 0..=KNOWN_AT_MOST {
            ways.record(format!("{number}").as_bytes(), prefix(0), at(0));
        }
        assert_eq!(ways.in_order.len(), KNOWN_AT_MOST);
        assert!(ways.find(b"0", at(0)).is_none() && ways.find(b"1", at(0)).is_some());
        let long = vec![b'x'; 1024 * 1024];
        for _ in 0..100 {
            ways.record(&long, prefix(0), at(0));
        }
        assert!(ways.bytes <= super::BYTES_AT_MOST + long.len() + super::ENTRY);
    }
}
