//! What a message published on one subject reaches, worked out once.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::subscription::{Destination, Subscription};

mod build;
mod sharing;

pub(crate) use self::sharing::Candidate;

/// The members of a queue group, as its owner published them.
type Members<D> = Arc<[Arc<Subscription<D>>]>;

const HEADERS_VERB: &[u8] = b"HMSG ";

/// Everything publishers have to know about a subject. It does not change; whether it still holds, its
/// [`Version`](crate::Version) says.
///
/// Each message goes to every target of `singles`, to every subscription of `shared`, and to one member of each of
/// `queues`.
pub struct Fanout<D> {
    /// Plain subscriptions that get bytes of their own. A single one, which most subjects have, is in here: a
    /// publisher that knows many subjects waits for memory more than for anything else.
    pub singles: SmallVec<[Target<D>; 1]>,
    /// Plain subscriptions that get the same bytes.
    pub shared: Box<[SharedTargets<D>]>,
    /// Queue groups.
    pub queues: Box<[QueueTargets<D>]>,
    /// The start of every line: "HMSG subject ", alone or followed by the first target's sid.
    text: Arc<[u8]>,
    subject_length: usize,
    /// The connections of the plain subscriptions, sorted, each once.
    connections: Box<[u64]>,
    has_limited: bool,
    all_accept_headers: bool,
    bytes: usize,
}

/// A piece of text that all targets of a fan-out share: a thousand prefixes in one allocation, in the order in which
/// they are written.
struct Prefix {
    text: Arc<[u8]>,
    start: usize,
    length: u32,
}

impl Prefix {
    fn hmsg(&self) -> &[u8] {
        &self.text[self.start..self.start + self.length as usize]
    }

    fn msg(&self) -> &[u8] {
        &self.hmsg()[1..]
    }
}

/// One plain subscription.
pub struct Target<D> {
    prefix: Prefix,
    /// Whom it delivers to.
    pub subscription: Arc<Subscription<D>>,
    /// Whether the destination took headers when the fan-out was made.
    pub headers: bool,
    /// Whether each message needs a [claim](Subscription::claim). Otherwise runs are [counted](Subscription::count).
    pub limited: bool,
}

impl<D> Target<D> {
    /// "MSG subject sid "
    pub fn msg_prefix(&self) -> &[u8] {
        self.prefix.msg()
    }

    /// "HMSG subject sid "
    pub fn hmsg_prefix(&self) -> &[u8] {
        self.prefix.hmsg()
    }
}

/// Two or more plain subscriptions with equal sids, for which the bytes of a message are equal too: encode them once.
///
/// No connection in here occurs a second time in the fan-out (nor as a member of one of its queue groups), as what is
/// shared reaches a connection by another way than what is not, and its messages must stay in order. None of these
/// subscriptions has a limit.
pub struct SharedTargets<D> {
    prefix: Prefix,
    /// Whom they deliver to.
    pub subscriptions: Vec<Arc<Subscription<D>>>,
    /// Whether the destinations, all of them, took headers when the fan-out was made.
    pub headers: bool,
}

impl<D> SharedTargets<D> {
    /// "MSG subject sid "
    pub fn msg_prefix(&self) -> &[u8] {
        self.prefix.msg()
    }

    /// "HMSG subject sid "
    pub fn hmsg_prefix(&self) -> &[u8] {
        self.prefix.hmsg()
    }
}

/// A queue group. Members of one name that subscribed to different matching subjects are one group here.
///
/// The members are the very array their group published: a group of a hundred members costs a fan-out no more than
/// one of two. So a member's line has two parts: [`msg_prefix`](Self::msg_prefix), then
/// [`sid_field`](Subscription::sid_field).
pub struct QueueTargets<D> {
    prefix: Prefix,
    members: Members<D>,
}

impl<D> QueueTargets<D> {
    /// "MSG subject ", to be followed by the picked member's [`sid_field`](Subscription::sid_field).
    pub fn msg_prefix(&self) -> &[u8] {
        self.prefix.msg()
    }

    /// "HMSG subject ", to be followed by the picked member's [`sid_field`](Subscription::sid_field).
    pub fn hmsg_prefix(&self) -> &[u8] {
        self.prefix.hmsg()
    }

    /// The members, never none; one with a weight is there that often. Whether the one picked takes headers or has a
    /// limit, ask it.
    pub fn members(&self) -> &[Arc<Subscription<D>>] {
        &self.members
    }

    /// Where to begin: with a uniformly random number, each member is equally likely.
    pub fn start(&self, random: u64) -> usize {
        // The upper half of the product: below the length, and no division.
        ((u128::from(random) * self.members.len() as u128) >> 64) as usize
    }

    /// The members in the order in which to ask them: a random one, then those that follow, each once. Deliver to the
    /// first that takes the message.
    pub fn candidates(&self, random: u64) -> impl Iterator<Item = &Arc<Subscription<D>>> {
        let (before, from) = self.members.split_at(self.start(random));
        from.iter().chain(before)
    }
}

impl<D> Fanout<D> {
    /// The subject published on.
    pub fn subject(&self) -> &[u8] {
        &self.text[HEADERS_VERB.len()..][..self.subject_length]
    }

    /// Whether a message reaches nobody.
    pub fn is_empty(&self) -> bool {
        self.singles.is_empty() && self.shared.is_empty() && self.queues.is_empty()
    }

    /// Whether some plain subscription needs a [claim](Subscription::claim) for each message. Members of queue groups
    /// are not looked at: claim from the picked one, which without a limit only counts.
    pub fn has_limited(&self) -> bool {
        self.has_limited
    }

    /// Whether no plain subscription needs headers stripped. Members of queue groups are not looked at: ask the picked
    /// one.
    pub fn all_accept_headers(&self) -> bool {
        self.all_accept_headers
    }

    /// How many copies of a message are delivered: one for each plain subscription, one for each queue group.
    pub fn deliveries(&self) -> usize {
        let shared: usize = self
            .shared
            .iter()
            .map(|targets| targets.subscriptions.len())
            .sum();
        self.singles.len() + shared + self.queues.len()
    }

    /// How many connections have plain subscriptions in here.
    pub fn destinations(&self) -> usize {
        self.connections.len()
    }

    /// Bytes of memory it holds, the subscriptions and the groups' arrays not counted as others hold them too.
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

impl<D> fmt::Debug for Fanout<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fanout")
            .field("subject", &String::from_utf8_lossy(self.subject()))
            .field("singles", &self.singles.len())
            .field("shared", &self.shared.len())
            .field("queues", &self.queues.len())
            .finish_non_exhaustive()
    }
}

impl<D: Destination> Fanout<D> {
    /// Whether some message may go to this connection. For plain subscriptions a binary search, for queue groups a
    /// search of their members.
    pub fn contains(&self, connection_id: u64) -> bool {
        self.connections.binary_search(&connection_id).is_ok()
            || self.queues.iter().any(|queue| {
                queue
                    .members
                    .iter()
                    .any(|member| member.destination().connection_id() == connection_id)
            })
    }
}

#[cfg(test)]
#[path = "fanout_tests.rs"]
mod tests;
