//! Subscriptions of the last moment: servers of other clusters may not know of them when a message with such a reply reaches
//! them. So there the reply is mapped, to lead back by itself.

use crate::moment::Moment;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vagus_protocol::gateway::ReplyPrefix;
use vagus_protocol::shown_subject::is_acknowledged_on;
use vagus_routing::{Index, Subscription};

/// By then the other clusters know what is wanted here.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// So many are told apart. While there are more, all replies count as fresh: that costs a longer subject alone.
const KNOWN_AT_MOST: usize = 65_536;

/// The subscriptions of one account that are younger than [`FRESH_FOR`].
#[derive(Debug)]
pub struct FreshReplies {
    prefix: ReplyPrefix,
    /// When the last has come, in nanoseconds since the start; 0 before the first.
    last: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    index: Index<()>,
    in_order: VecDeque<(Moment, Arc<Subscription<()>>)>,
    /// There were too many to be told apart, the last of them then.
    too_many: Option<Moment>,
}

impl FreshReplies {
    pub(super) fn new(prefix: ReplyPrefix) -> Self {
        Self {
            prefix,
            last: AtomicU64::new(0),
            known: Mutex::default(),
        }
    }

    /// What is put before replies that are fresh.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.prefix.as_bytes()
    }

    /// Whether there are any.
    #[inline]
    pub(crate) fn are_there(&self, now: Moment) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last != 0 && is_fresh(Moment::since(Duration::from_nanos(last)), now)
    }

    /// Somebody has subscribed.
    pub fn note(&self, subject: &[u8], now: Moment) {
        let nanoseconds = u64::try_from(now.since_start().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(nanoseconds.max(1), Ordering::Relaxed);
        let mut known = self.known.lock();
        known.forget_old(now);
        if known.in_order.len() >= KNOWN_AT_MOST {
            known.too_many = Some(now);
            return;
        }
        let subscription = Arc::new(Subscription::new(subject, None, b"", ()));
        if known.index.insert(subscription.clone()) {
            known.in_order.push_back((now, subscription));
        }
    }

    /// Whether what is published on a reply may come to one of them. Those that messages of streams are acknowledged on are
    /// waited for long before.
    pub(crate) fn have(&self, reply: &[u8], now: Moment) -> bool {
        if is_acknowledged_on(reply) {
            return false;
        }
        let mut known = self.known.lock();
        known.forget_old(now);
        known.too_many.is_some_and(|last| is_fresh(last, now)) || known.index.has_interest(reply)
    }
}

impl Known {
    fn forget_old(&mut self, now: Moment) {
        while let Some((came, subscription)) = self.in_order.front()
            && !is_fresh(*came, now)
        {
            self.index.remove(subscription);
            self.in_order.pop_front();
        }
        if self.in_order.is_empty() && self.in_order.capacity() > 0 {
            *self = Self {
                too_many: self.too_many,
                ..Self::default()
            };
        }
    }
}

fn is_fresh(came: Moment, now: Moment) -> bool {
    now.after(came) < FRESH_FOR
}

#[cfg(test)]
mod tests {
    use super::{FreshReplies, KNOWN_AT_MOST};
    use crate::Moment;
    use std::time::Duration;
    use vagus_protocol::gateway::{ReplyHash, ReplyPrefix};

    fn at(milliseconds: u64) -> Moment {
        Moment::since(Duration::from_millis(milliseconds))
    }

    fn fresh() -> FreshReplies {
        let hash = ReplyHash::of_digest(&[0; 32]);
        FreshReplies::new(ReplyPrefix::new(hash, hash))
    }

    #[test]
    fn subscriptions_are_fresh_for_a_moment() {
        let fresh = fresh();
        assert!(!fresh.are_there(at(1)) && !fresh.have(b"a", at(1)));
        fresh.note(b"_INBOX.a.*", at(1000));
        fresh.note(b"b", at(2000));
        assert!(fresh.are_there(at(2500)));
        assert!(fresh.have(b"_INBOX.a.1", at(2999)) && !fresh.have(b"_INBOX.b.1", at(2999)));
        assert!(!fresh.have(b"_INBOX.a.1", at(3000)) && fresh.have(b"b", at(3999)));
        assert!(!fresh.have(b"b", at(4000)) && !fresh.are_there(at(4000)));
    }

    #[test]
    fn more_than_can_be_told_apart_are_all_fresh() {
        let fresh = fresh();
        for number in 0..=KNOWN_AT_MOST {
            fresh.note(format!("s.{number}").as_bytes(), at(10));
        }
        assert!(fresh.have(b"whatever", at(2009)) && !fresh.have(b"whatever", at(2010)));
    }
}
