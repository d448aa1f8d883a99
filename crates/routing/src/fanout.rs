//! What a message published on one subject reaches, worked out once.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::origin::AccountId;
use crate::queue_group::{Candidates, Members};
use crate::subscription::{Destination, Outlet, Subscription};

mod build;
mod sharing;

pub use self::build::Matches;
pub(crate) use self::build::WORK_OF_A_MATCH;

/// What messages begin with, in the language of each outlet. A fan-out keeps it for its targets, and knows no language.
///
/// There is nothing of the kind for [`Outlet::Peer`], as what a peer gets depends on the message, nor for
/// [`Outlet::Account`].
pub trait Encoder {
    /// How long it is, in bytes, for a subject and a [sid with its blank](Subscription::sid_field) of these lengths.
    fn start_length(&self, outlet: Outlet, subject: usize, sid: usize) -> usize;

    /// Writes, piece by piece, what every message on `subject` begins with where it leaves by this outlet for a
    /// subscription with this [sid](Subscription::sid_field). It is empty for members of a queue group, who add theirs.
    /// Gives where in it the subject is.
    fn write_start(&self, outlet: Outlet, subject: &[u8], sid: &[u8], write: &mut impl FnMut(&[u8])) -> u8;

    /// Whether messages on a subject concern nobody but servers, whoever is interested in it.
    fn is_for_servers(&self, subject: &[u8]) -> bool {
        let _ = subject;
        false
    }
}

/// Everything publishers have to know about a subject. It does not change; whether it still holds, its
/// [`Version`](crate::Version) says.
///
/// Each message goes to every target of `singles`, to every subscription of `shared`, once to each of `peers`, by each of
/// `accounts` into another account, and to one member of each of `queues`.
///
/// A publisher that knows many subjects waits for memory more than for anything else. So all that the most common
/// fan-out has, one plain subscription to a subject of usual length, is in here, and what each message needs comes
/// first: two lines of a processor's cache.
#[repr(C)]
pub struct Fanout<D> {
    account: AccountId,
    subject_length: u32,
    /// See [`memory`](Self::memory).
    bytes: u32,
    /// Where the subject is in the text.
    subject_start: u8,
    has_limited: bool,
    all_accept_headers: bool,
    for_clients_alone: bool,
    /// None where one plain subscription, or none, is all there is.
    several: Option<Box<Several<D>>>,
    singles: SmallVec<[Target<D>; 1]>,
    /// What messages begin with, one after the other, in the order in which it was written; the subject is in the first.
    text: SmallVec<[u8; TEXT_INSIDE]>,
}

/// Texts up to this length are inside their fan-out.
const TEXT_INSIDE: usize = 40;

/// What there is beyond the singles.
struct Several<D> {
    shared: Box<[SharedTargets<D>]>,
    peers: Box<[PeerTargets<D>]>,
    accounts: Box<[Arc<Subscription<D>>]>,
    queues: Box<[QueueTargets<D>]>,
    /// The connections of the plain subscriptions, sorted, each once.
    connections: Box<[u64]>,
    deliveries: usize,
}

/// Where what messages for a target begin with is in the text of its fan-out, which alone can [show](Fanout::start) it.
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
    /// The way to the destination.
    pub outlet: Outlet,
    /// Whom it delivers to.
    pub subscription: Arc<Subscription<D>>,
}

impl<D> Target<D> {
    /// What messages for it begin with.
    #[inline]
    pub fn prefix(&self) -> Prefix {
        Prefix {
            start: self.start,
            length: self.length,
        }
    }
}

/// Two or more plain subscriptions with one outlet and equal sids, for which the bytes of a message are equal too: encode
/// them once.
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
    /// The way to the destinations.
    pub outlet: Outlet,
}

impl<D> SharedTargets<D> {
    /// What messages for them begin with.
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }
}

/// A peer with plain subscriptions that match. It gets one copy of a message, which also says which queue groups it is to
/// serve: those of which a subscription of the same destination was picked. Where it imports the subject under several names,
/// it gets one copy under each.
pub struct PeerTargets<D> {
    first: Arc<Subscription<D>>,
    others: Vec<Arc<Subscription<D>>>,
    renamed: Option<Box<[u8]>>,
}

impl<D> PeerTargets<D> {
    /// Where the copy goes.
    #[inline]
    pub fn destination(&self) -> &D {
        self.first.destination()
    }

    /// What it calls the subject, if that is something else.
    #[inline]
    pub fn renamed(&self) -> Option<&[u8]> {
        self.renamed.as_deref()
    }

    /// Its subscriptions. It gets nothing more once all have ended.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Arc<Subscription<D>>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A queue group. Members of one name that subscribed to different matching subjects are one group here.
///
/// The members are the very ones their group published: a group of a hundred thousand members costs a fan-out no more
/// than one of two. So what a client among them gets begins with two parts: the [`prefix`](Self::prefix), then
/// [`sid_field`](Subscription::sid_field). What others get is up to the caller.
pub struct QueueTargets<D> {
    prefix: Prefix,
    members: Members<D>,
}

impl<D> QueueTargets<D> {
    /// What messages for a client among them begin with, up to its [`sid_field`](Subscription::sid_field).
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// The name of the group.
    pub fn name(&self) -> &[u8] {
        self.members.queue().unwrap_or_default()
    }

    /// How many members there are, each as often as it weighs.
    pub fn weight(&self) -> usize {
        self.members.len()
    }

    /// The members that have not left, in a small group each as often as it weighs. Whether the one picked takes headers or has a limit, ask it.
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
        self.text(usize::from(self.subject_start), self.subject_length as usize)
    }

    /// The account of all that is in here.
    #[inline]
    pub fn account(&self) -> AccountId {
        self.account
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

    /// Peers with plain subscriptions, in the order of their connections.
    #[inline]
    pub fn peers(&self) -> &[PeerTargets<D>] {
        self.several.as_ref().map_or(&[], |several| &several.peers)
    }

    /// Whether all that is plain goes to clients. Members of queue groups are not looked at: ask the picked one.
    #[inline]
    pub fn is_for_clients_alone(&self) -> bool {
        self.for_clients_alone
    }

    /// Ways into other accounts, where a message is published once more.
    #[inline]
    pub fn accounts(&self) -> &[Arc<Subscription<D>>] {
        self.several.as_ref().map_or(&[], |several| &several.accounts)
    }

    /// Queue groups.
    #[inline]
    pub fn queues(&self) -> &[QueueTargets<D>] {
        self.several.as_ref().map_or(&[], |several| &several.queues)
    }

    /// What messages for a target begin with, from the byte `skipped` on. `prefix` is that of a target in here.
    #[inline]
    pub fn start(&self, prefix: Prefix, skipped: usize) -> &[u8] {
        self.text(
            prefix.start + skipped,
            (prefix.length as usize).saturating_sub(skipped),
        )
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

    /// How many copies of a message are delivered: one for each plain subscription, but for a peer one, one for each way into
    /// another account, and one for each queue group.
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
        self.bytes as usize
    }
}

impl<D> fmt::Debug for Fanout<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fanout")
            .field("subject", &String::from_utf8_lossy(self.subject()))
            .field("singles", &self.singles.len())
            .field("shared", &self.shared().len())
            .field("peers", &self.peers().len())
            .field("queues", &self.queues().len())
            .finish_non_exhaustive()
    }
}

impl<D: Destination> Fanout<D> {
    /// Whether this connection has a plain subscription in here. Members of queue groups are not looked at: the caller that
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
