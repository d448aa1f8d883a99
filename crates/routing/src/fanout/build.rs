//! From matching subscriptions to a fan-out: what may be shared, and the text of the lines.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use super::sharing::{Candidate, Candidates, GOOD_FOR, GOOD_FOR_EACH, Sorted, sort_out};
use super::{
    Encoder, Fanout, PeerTargets, Prefix, QueueTargets, Several, SharedTargets, TEXT_INSIDE, Target,
};
use crate::index::Walk;
use crate::origin::AccountId;
use crate::queue_group::Members;
use crate::subscription::{Destination, Outlet, Subscription};

/// What a subscription that matches costs beside a node that was come by on the way.
pub(crate) const WORK_OF_A_MATCH: usize = 4;

/// What reference counts and the allocator add to the allocation of a fan-out.
const ALONE: usize = 24;

/// What the allocator adds to those of a fan-out that has several targets.
const OTHERS: usize = 88;

/// What a message on one subject reaches, as [`Index::matches`](crate::Index::matches) found it: on the way to a fan-out,
/// for which the index is not needed any more.
pub struct Matches<D> {
    pub(crate) plain: SmallVec<[Arc<Subscription<D>>; 1]>,
    /// Of each subject and name; none is empty.
    pub(crate) groups: Vec<Members<D>>,
    /// How far the index was searched.
    pub(crate) walk: Walk,
}

impl<D> Default for Matches<D> {
    fn default() -> Self {
        Self {
            plain: SmallVec::new(),
            groups: Vec::new(),
            walk: Walk::default(),
        }
    }
}

impl<D> fmt::Debug for Matches<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Matches")
            .field("plain", &self.plain.len())
            .field("groups", &self.groups.len())
            .field("work", &self.work())
            .finish_non_exhaustive()
    }
}

impl<D> Matches<D> {
    /// The plain subscriptions that were found, and the members of the groups that have not left.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Arc<Subscription<D>>> {
        let members = self.groups.iter().flat_map(Members::iter);
        self.plain.iter().chain(members)
    }

    /// How many those are: no less than this.
    pub fn found(&self) -> usize {
        self.plain.len() + self.groups.len()
    }

    /// How much work finding them was and making a fan-out of them is. A node of the index that was come by counts 1.
    pub fn work(&self) -> usize {
        let members: usize = self.groups.iter().map(Members::len).sum();
        // Where they may have to be told apart from others they are looked at, up to a limit.
        let looked_at = match self.plain.len() {
            0 | 1 => 0,
            plain => members.min(plain * GOOD_FOR_EACH + GOOD_FOR),
        };
        self.walk.steps + self.plain.len() * WORK_OF_A_MATCH + self.groups.len() + looked_at
    }
}

impl<D> Matches<D> {
    /// How many plain subscriptions were found.
    pub fn plain(&self) -> usize {
        self.plain.len()
    }

    /// Takes one of the plain subscriptions, for those who look at each by itself: those that are closed, and those that
    /// deny the subject, are among them.
    pub fn pop_plain(&mut self) -> Option<Arc<Subscription<D>>> {
        self.plain.pop()
    }
}

impl<D: Destination> Matches<D> {
    /// What a message published on `subject`, for which they were found in the index of `account`, has to know. Whatever
    /// has ended since they were found is left out.
    pub fn into_fanout(mut self, account: AccountId, subject: &[u8], encoder: &impl Encoder) -> Fanout<D> {
        self.take_fanout(account, subject, encoder)
    }

    /// As [`into_fanout`](Self::into_fanout); nothing that was found is left in here.
    pub fn take_fanout(&mut self, account: AccountId, subject: &[u8], encoder: &impl Encoder) -> Fanout<D> {
        if encoder.is_for_servers(subject) {
            self.plain
                .retain(|subscription| subscription.destination().kind().is_server());
            self.groups.clear();
        }
        if let ([only], []) = (&*self.plain, &*self.groups)
            && Fanout::is_usual(only, subject)
            && let Some(only) = self.plain.pop()
        {
            return Fanout::of_one(account, subject, only, encoder);
        }
        let plain = std::mem::take(&mut self.plain)
            .into_iter()
            .filter(|subscription| !subscription.is_closed() && !subscription.denies(subject))
            .map(|subscription| Candidate::new(subscription, subject))
            .collect();
        Fanout::new(account, subject, plain, std::mem::take(&mut self.groups), encoder)
    }
}

impl<D: Destination> Fanout<D> {
    /// Whether this is all that most subjects reach: a subscription of a client, which calls the subject as it is called.
    fn is_usual(subscription: &Subscription<D>, subject: &[u8]) -> bool {
        subscription.destination().outlet() == Outlet::Client
            && !subscription.is_shadow()
            && !subscription.is_closed()
            && !subscription.denies(subject)
    }

    /// What [`new`](Self::new) makes of one [usual](Self::is_usual) subscription, in a third of the time: subjects that
    /// never come again, as those of answers are, have a fan-out made for each message.
    fn of_one(
        account: AccountId,
        subject: &[u8],
        only: Arc<Subscription<D>>,
        encoder: &impl Encoder,
    ) -> Self {
        let (destination, sid) = (only.destination(), only.sid_field());
        let headers = destination.accepts_headers();
        let limited = only.needs_claims();
        let whole = encoder.start_length(Outlet::Client, subject.len(), sid.len());
        let mut text = SmallVec::with_capacity(whole);
        let write = &mut |piece: &[u8]| text.extend_from_slice(piece);
        let subject_start = encoder.write_start(Outlet::Client, subject, sid, write);
        let outside = if text.spilled() { text.len() } else { 0 };
        let target = Target {
            start: 0,
            length: text.len() as u32,
            headers,
            limited,
            outlet: Outlet::Client,
            subscription: only,
        };
        Self {
            account,
            subject_length: subject.len() as u32,
            bytes: u32::try_from(size_of::<Self>() + ALONE + outside).unwrap_or(u32::MAX),
            subject_start,
            has_limited: limited,
            all_accept_headers: headers,
            for_clients_alone: true,
            several: None,
            singles: SmallVec::from_buf([target]),
            text,
        }
    }
}

impl<D: Destination> Fanout<D> {
    /// `plain` and the members of `groups` are all that match `subject`.
    fn new(
        account: AccountId,
        subject: &[u8],
        mut plain: Candidates<D>,
        groups: Vec<Members<D>>,
        encoder: &impl Encoder,
    ) -> Self {
        let has_limited = plain.iter().any(|candidate| candidate.limited);
        let all_accept_headers = plain.iter().all(|candidate| candidate.headers);
        let for_clients_alone = plain.iter().all(|candidate| candidate.outlet == Outlet::Client);
        let mut pointers = plain.len() + groups.len();

        let queues = merge_by_name(groups);
        let (mut peers, mut accounts) = (Vec::new(), Vec::new());
        if !for_clients_alone {
            peers = take_peers(&mut plain);
            accounts = take_out(&mut plain, Outlet::Account)
                .into_iter()
                .map(|candidate| candidate.subscription)
                .collect();
        }
        let mut sorted = sort_out(&mut plain, &queues);
        let deliveries = plain.len() + peers.len() + accounts.len() + queues.len();
        let is_one_at_most = plain.len() <= 1 && peers.is_empty() && accounts.is_empty() && queues.is_empty();

        let starts = Starts::write(subject, &plain, &sorted, !queues.is_empty(), encoder);
        let mut shared: Box<[_]> = sorted
            .classes
            .iter()
            .zip(starts.shared)
            .map(|(class, prefix)| SharedTargets {
                prefix,
                subscriptions: Vec::with_capacity(class.size),
                headers: plain[class.example].headers,
                outlet: plain[class.example].outlet,
            })
            .collect();
        let mut singles: SmallVec<[_; 1]> = SmallVec::with_capacity(starts.alone.len());
        pointers -= starts.alone.len();
        let mut alone = starts.alone.into_iter();
        for candidate in plain {
            if let Some(targets) = candidate.class.and_then(|class| shared.get_mut(class)) {
                targets.subscriptions.push(candidate.subscription);
            } else if let Some(Prefix { start, length }) = alone.next() {
                singles.push(Target {
                    start,
                    length,
                    headers: candidate.headers,
                    limited: candidate.limited,
                    outlet: candidate.outlet,
                    subscription: candidate.subscription,
                });
            }
        }
        let queues: Box<[_]> = queues
            .into_iter()
            .map(|members| QueueTargets {
                prefix: starts.queues,
                members,
            })
            .collect();
        if !peers.is_empty() {
            sorted.add_connections(peers.iter().map(|peer| peer.destination().connection_id()));
        }

        let mut bytes = size_of::<Self>() + ALONE;
        if starts.text.spilled() {
            bytes += starts.text.len();
        }
        let several = (!is_one_at_most).then(|| {
            bytes += size_of::<Several<D>>()
                + OTHERS
                + size_of_val(&*singles)
                + size_of_val(&*shared)
                + size_of_val(&*peers)
                + size_of_val(&*accounts)
                + size_of_val(&*queues)
                + size_of_val(&*sorted.connections)
                + pointers * size_of::<usize>();
            Box::new(Several {
                shared,
                peers: peers.into(),
                accounts: accounts.into(),
                queues,
                connections: sorted.connections,
                deliveries,
            })
        });
        Self {
            account,
            subject_length: subject.len() as u32,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            subject_start: starts.subject,
            has_limited,
            all_accept_headers,
            for_clients_alone,
            several,
            singles,
            text: starts.text,
        }
    }
}

/// The text of a fan-out, and what is where in it.
struct Starts {
    text: SmallVec<[u8; TEXT_INSIDE]>,
    /// Where the subject is.
    subject: u8,
    /// Of those who get bytes of their own.
    alone: SmallVec<[Prefix; 1]>,
    /// Of each class.
    shared: Vec<Prefix>,
    /// Of queue groups.
    queues: Prefix,
}

impl Starts {
    /// Targets that call the subject something else have that in their start, and so are in classes of their own.
    fn write<D: Destination>(
        subject: &[u8],
        plain: &[Candidate<D>],
        sorted: &Sorted,
        with_queues: bool,
        encoder: &impl Encoder,
    ) -> Self {
        let alone = || plain.iter().filter(|candidate| candidate.class.is_none());
        let examples = || sorted.classes.iter().map(|class| &plain[class.example]);
        let called = |it: &'_ Candidate<D>| it.renamed.as_deref().map_or(subject.len(), <[u8]>::len);
        let of_queues = if with_queues {
            encoder.start_length(Outlet::Client, subject.len(), 0)
        } else {
            0
        };
        let of_plain = alone()
            .chain(examples())
            .map(|it| encoder.start_length(it.outlet, called(it), it.sid_length));
        // The first has the subject in it, unless it calls it something else.
        let apart = alone()
            .chain(examples())
            .next()
            .is_some_and(|it| it.renamed.is_some());
        let before = if apart { subject } else { b"" };
        let whole = before.len() + of_plain.sum::<usize>() + of_queues;

        let mut starts = Self {
            text: SmallVec::with_capacity(whole.max(subject.len())),
            subject: 0,
            alone: SmallVec::new(),
            shared: Vec::with_capacity(sorted.classes.len()),
            queues: Prefix { start: 0, length: 0 },
        };
        starts.text.extend_from_slice(before);
        let add = |starts: &mut Self, it: &Candidate<D>| {
            let called = it.renamed.as_deref().unwrap_or(subject);
            starts.add(it.outlet, called, it.subscription.sid_field(), encoder)
        };
        for candidate in alone() {
            let prefix = add(&mut starts, candidate);
            starts.alone.push(prefix);
        }
        for candidate in examples() {
            let prefix = add(&mut starts, candidate);
            starts.shared.push(prefix);
        }
        if with_queues {
            starts.queues = starts.add(Outlet::Client, subject, b"", encoder);
        }
        if starts.text.is_empty() {
            starts.text.extend_from_slice(subject);
        }
        starts
    }

    fn add(&mut self, outlet: Outlet, subject: &[u8], sid: &[u8], encoder: &impl Encoder) -> Prefix {
        let start = self.text.len();
        let text = &mut self.text;
        let write = &mut |piece: &[u8]| text.extend_from_slice(piece);
        let at = encoder.write_start(outlet, subject, sid, write);
        if start == 0 {
            self.subject = at;
        }
        Prefix {
            start,
            length: (self.text.len() - start) as u32,
        }
    }
}

/// Takes those out that leave by this way.
fn take_out<D: Destination>(plain: &mut Candidates<D>, outlet: Outlet) -> Candidates<D> {
    let (taken, others) = std::mem::take(plain)
        .into_iter()
        .partition(|candidate: &Candidate<D>| candidate.outlet == outlet);
    *plain = others;
    taken
}

/// Takes those out that are subscriptions of peers.
fn take_peers<D: Destination>(plain: &mut Candidates<D>) -> Vec<PeerTargets<D>> {
    let mut of_peers = take_out(plain, Outlet::Peer);
    of_peers.sort_by(|one, other| (one.connection, &one.renamed).cmp(&(other.connection, &other.renamed)));
    let mut peers: Vec<PeerTargets<D>> = Vec::new();
    let mut last = None;
    for candidate in of_peers {
        let renamed = candidate.renamed.map(Vec::into_boxed_slice);
        match peers.last_mut() {
            Some(peer) if last == Some(candidate.connection) && peer.renamed == renamed => {
                peer.others.push(candidate.subscription);
            }
            _ => peers.push(PeerTargets {
                first: candidate.subscription,
                others: Vec::new(),
                renamed,
            }),
        }
        last = Some(candidate.connection);
    }
    peers
}

/// One queue for each name.
fn merge_by_name<D>(mut groups: Vec<Members<D>>) -> Vec<Members<D>> {
    groups.sort_by(|one, other| one.queue().cmp(&other.queue()));
    groups
        .chunk_by(|one, other| one.queue() == other.queue())
        .map(|same| match same {
            [members] => members.clone(),
            several => Members::merged(several.iter().cloned()),
        })
        .collect()
}
