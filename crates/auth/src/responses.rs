//! The answers a connection owes: reply subjects on which it may publish because a request was delivered to it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::permission::ResponsePermission;

/// How many requests without their last answer a connection may have by default.
pub const DEFAULT_LIMIT: usize = 65_536;

/// How much the requests of a connection that it may answer take at most, in bytes.
pub const BYTES_AT_MOST: usize = 16 * 1024 * 1024;

/// What one takes beside its reply subject: its places in the table and in the order, and what allocations cost.
const ENTRY: usize = 192;

/// The reply subjects of a connection whose user has [`ResponsePermission`].
///
/// Never more than its limit and [`BYTES_AT_MOST`]: past either the oldest request is forgotten. All times are since one moment, of the caller's choice.
#[derive(Debug)]
pub struct Responses {
    permission: ResponsePermission,
    limit: usize,
    replies: HashMap<Arc<[u8]>, Reply, RandomState>,
    /// The replies in the order of their requests, among entries that no longer count.
    order: VecDeque<(Arc<[u8]>, u64)>,
    requests: u64,
    /// What all that is in the order takes.
    bytes: usize,
    bytes_at_most: usize,
}

#[derive(Debug)]
struct Reply {
    delivered: Duration,
    answers: u64,
    /// Number of the request: an entry of `order` with another is outdated.
    request: u64,
}

impl Responses {
    /// Without requests yet. `limit` is in requests, at least one.
    #[must_use]
    pub fn new(permission: ResponsePermission, limit: usize) -> Self {
        Self {
            permission,
            limit: limit.max(1),
            replies: HashMap::default(),
            order: VecDeque::new(),
            requests: 0,
            bytes: 0,
            bytes_at_most: BYTES_AT_MOST,
        }
    }

    /// A request was delivered to the connection: it may answer on `reply`. If it already might, it may anew.
    ///
    /// To be called for replies that the connection [may not publish](crate::permission::Matcher::may_publish) on
    /// anyway: what is recorded for nothing takes room.
    pub fn record(&mut self, reply: &[u8], now: Duration) {
        self.forget_expired(now);
        let request = self.requests;
        self.requests += 1;
        let state = Reply {
            delivered: now,
            answers: 0,
            request,
        };
        let key = match self.replies.get_key_value(reply) {
            Some((key, _)) => Arc::clone(key),
            None => {
                if self.replies.len() >= self.limit {
                    self.forget_oldest();
                }
                Arc::from(reply)
            }
        };
        self.replies.insert(Arc::clone(&key), state);
        self.bytes += cost(&key);
        self.order.push_back((key, request));
        while self.bytes > self.bytes_at_most && self.forget_first() {}
        self.tidy();
    }

    /// Whether the connection may publish on `subject` as an answer; counts it if so.
    pub fn answer(&mut self, subject: &[u8], now: Duration) -> bool {
        let ResponsePermission { max, expires } = self.permission;
        let Some(reply) = self.replies.get_mut(subject) else {
            return false;
        };
        if expires.is_some_and(|expires| now.saturating_sub(reply.delivered) > expires) {
            self.replies.remove(subject);
            return false;
        }
        reply.answers += 1;
        if max.is_some_and(|max| reply.answers >= max) {
            let last = max != Some(0);
            self.replies.remove(subject);
            return last;
        }
        true
    }

    /// How many requests it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.replies.len()
    }

    /// Whether it remembers no request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    fn forget_expired(&mut self, now: Duration) {
        while let Some((key, request)) = self.order.front() {
            let current = self.replies.get(key).filter(|reply| reply.request == *request);
            let expired = |reply: &Reply| {
                let expires = self.permission.expires;
                expires.is_some_and(|expires| now.saturating_sub(reply.delivered) > expires)
            };
            if current.is_some_and(|reply| !expired(reply)) {
                return;
            }
            self.forget_first();
        }
    }

    fn forget_oldest(&mut self) {
        let before = self.replies.len();
        while self.replies.len() == before && self.forget_first() {}
    }

    /// Forgets the first of the order, which may be outdated; false if there is none.
    fn forget_first(&mut self) -> bool {
        let Some((key, request)) = self.order.pop_front() else {
            return false;
        };
        self.bytes -= cost(&key);
        if self
            .replies
            .get(&key)
            .is_some_and(|reply| reply.request == request)
        {
            self.replies.remove(&key);
        }
        true
    }

    /// Keeps outdated entries fewer than the others, at a cost that the calls which left them have paid for.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.replies.len() + 64 {
            let (replies, bytes) = (&self.replies, &mut self.bytes);
            self.order.retain(|(key, request)| {
                let stays = replies.get(key).is_some_and(|reply| reply.request == *request);
                if !stays {
                    *bytes -= cost(key);
                }
                stays
            });
        }
    }
}

fn cost(reply: &[u8]) -> usize {
    reply.len() + ENTRY
}

#[cfg(test)]
mod tests;
