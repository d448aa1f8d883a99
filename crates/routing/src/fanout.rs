//! What a message published on one subject reaches, worked out once.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::queue_group::{Candidates, Members};
use crate::subscription::{Destination, Subscription};

mod build;
mod sharing;

pub use self::build::Matches;
pub(crate) use self::build::WORK_OF_A_MATCH;

const HEADERS_VERB: &[u8] = b"HMSG ";

/// Everything publishers have to know about a subject. It does not change; whether it still holds, its
/// [`Version`](crate::Version) says.
///
/// Each message goes to every target of `singles`, to every subscription of `shared`, and to one member of each of
/// `queues`.
///
/// A publisher that knows many subjects waits for memory more than for anything else. So all that the most common
/// fan-out has, one plain subscription to a subject of usual length, is in here, and what each message needs comes
/// first: two lines of a processor's cache.
#[repr(C)]
pub struct Fanout<D> {
    subject_length: u32,
    has_limited: bool,
    all_accept_headers: bool,
    /// None where one plain subscription, or none, is all there is.
    several: Option<Box<Several<D>>>,
    singles: SmallVec<[Target<D>; 1]>,
    /// The start of every line: "HMSG subject ", alone or followed by the first target's sid; then the other starts,
    /// in the order in which they are written.
    text: SmallVec<[u8; TEXT_INSIDE]>,
    bytes: usize,
}

/// Texts up to this length are inside their fan-out.
const TEXT_INSIDE: usize = 40;

/// What there is beyond the singles.
struct Several<D> {
    shared: Box<[SharedTargets<D>]>,
    queues: Box<[QueueTargets<D>]>,
    /// The connections of the plain subscriptions, sorted, each once.
    connections: Box<[u64]>,
    deliveries: usize,
}

/// Where the start of a target's lines is in the text of its fan-out, which alone can [show](Fanout::msg_prefix) it.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    start: usize,
    length: u32,
}

/// One plain subscription.
pub struct Target<D> {
    /// The parts of its [`Prefix`], which as one would take eight bytes more.
    start: usize,
    length: u32,
    /// Whether the destination took headers when the fan-out was made.
    pub headers: bool,
    /// Whether each message needs a [claim](Subscription::claim). Otherwise runs are [counted](Subscription::count).
    pub limited: bool,
    /// Whom it delivers to.
    pub subscription: Arc<Subscription<D>>,
}

impl<D> Target<D> {
    /// "HMSG subject sid "
    #[inline]
    pub fn prefix(&self) -> Prefix {
        Prefix {
            start: self.start,
            length: self.length,
        }
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
    /// "HMSG subject sid "
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }
}

/// A queue group. Members of one name that subscribed to different matching subjects are one group here.
///
/// The members are the very ones their group published: a group of a hundred thousand members costs a fan-out no more
/// than one of two. So a member's line has two parts: the [`prefix`](Self::prefix), then
/// [`sid_field`](Subscription::sid_field).
pub struct QueueTargets<D> {
    prefix: Prefix,
    members: Members<D>,
}

impl<D> QueueTargets<D> {
    /// "HMSG subject ", to be followed by the picked member's [`sid_field`](Subscription::sid_field).
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// The members that have not left. Whether the one picked takes headers or has a limit, ask it.
    pub fn members(&self) -> impl Iterator<Item = &Arc<Subscription<D>>> {
        self.members.iter()
    }

    /// The first of the [candidates](Self::candidates), which usually takes the message.
    #[inline]
    pub fn first(&self, random: u64) -> Option<&Arc<Subscription<D>>> {
        self.members.first(random)
    }

    /// The members in the order in which to ask them: a random one, then others, until each was asked. Deliver to the
    /// first that takes the message; see [`Members::candidates`].
    #[inline]
    pub fn candidates(&self, random: u64) -> Candidates<'_, D> {
        self.members.candidates(random)
    }
}

impl<D> Fanout<D> {
    /// The subject published on.
    #[inline]
    pub fn subject(&self) -> &[u8] {
        let start = HEADERS_VERB.len();
        self.text(start, self.subject_length as usize)
    }

    /// Plain subscriptions that get bytes of their own, those of one connection side by side.
    #[inline]
    pub fn singles(&self) -> &[Target<D>] {
        &self.singles
    }

    /// Plain subscriptions that get the same bytes.
    #[inline]
    pub fn shared(&self) -> &[SharedTargets<D>] {
        self.several.as_ref().map_or(&[], |several| &several.shared)
    }

    /// Queue groups.
    #[inline]
    pub fn queues(&self) -> &[QueueTargets<D>] {
        self.several.as_ref().map_or(&[], |several| &several.queues)
    }

    /// How lines with headers start: "HMSG subject sid ". `prefix` is that of a target in here.
    #[inline]
    pub fn hmsg_prefix(&self, prefix: Prefix) -> &[u8] {
        self.text(prefix.start, prefix.length as usize)
    }

    /// How lines without headers start: "MSG subject sid ". `prefix` is that of a target in here.
    #[inline]
    pub fn msg_prefix(&self, prefix: Prefix) -> &[u8] {
        self.text(prefix.start + 1, (prefix.length as usize).saturating_sub(1))
    }

    #[inline]
    fn text(&self, start: usize, length: usize) -> &[u8] {
        self.text.get(start..start + length).unwrap_or_default()
    }

    /// Reads a little of all that a message needs of it, so that it comes near. What it gives says nothing.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let text = self.subject().last().copied().unwrap_or_default();
        self.singles.len() as u64 ^ u64::from(text)
    }

    /// Whether a message reaches nobody.
    pub fn is_empty(&self) -> bool {
        self.deliveries() == 0
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
    #[inline]
    pub fn deliveries(&self) -> usize {
        self.several
            .as_ref()
            .map_or(self.singles.len(), |several| several.deliveries)
    }

    /// How many connections have plain subscriptions in here.
    pub fn destinations(&self) -> usize {
        self.several
            .as_ref()
            .map_or(self.singles.len(), |several| several.connections.len())
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
            .field("shared", &self.shared().len())
            .field("queues", &self.queues().len())
            .finish_non_exhaustive()
    }
}

impl<D: Destination> Fanout<D> {
    /// Whether this connection has a plain subscription in here. Members of queue groups are not looked at: whoever
    /// picks one sees whose it is.
    pub fn contains(&self, connection_id: u64) -> bool {
        match &self.several {
            None => self
                .singles
                .iter()
                .any(|target| target.subscription.destination().connection_id() == connection_id),
            Some(several) => several.connections.binary_search(&connection_id).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests;
