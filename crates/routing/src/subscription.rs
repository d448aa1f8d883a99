//! A subscription as the connection, the index and every fan-out share it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::origin::{ConnectionKind, LeafCluster};

/// The number of a connection, unique for the life of the server.
pub type ConnectionId = u64;

/// The way on which messages leave for a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outlet {
    /// In a client's own language: one for each of its subscriptions.
    Client,
    /// In no peer's language, to an owner within the server: one for each of its subscriptions.
    Mailbox,
    /// In the language of servers: one, however many subscriptions of the peer match.
    Peer,
    /// Into another account, where it is published on another subject.
    Account,
}

/// What a subscription delivers to, as far as routing must know it.
pub trait Destination {
    /// Whose it is.
    fn connection_id(&self) -> ConnectionId;

    /// Whether it takes messages with headers. May change; a [`Fanout`](crate::Fanout) asks once for plain
    /// subscriptions; who picks a queue member asks for that one.
    fn accepts_headers(&self) -> bool;

    /// Whether it has to look at each message that is delivered to it; others get runs of them.
    fn looks_at_each(&self) -> bool {
        false
    }

    /// What it is. Does not change once it has subscribed to something.
    fn kind(&self) -> ConnectionKind {
        ConnectionKind::Client
    }

    /// The cluster of the leaf node that it is; [`LeafCluster::NONE`] for everything else. Does not change once it has
    /// subscribed to something.
    fn leaf_cluster(&self) -> LeafCluster {
        LeafCluster::NONE
    }

    /// How messages get there. Does not change.
    fn outlet(&self) -> Outlet {
        Outlet::Client
    }
}

impl<D: Destination> Destination for Arc<D> {
    fn connection_id(&self) -> ConnectionId {
        D::connection_id(self)
    }

    fn accepts_headers(&self) -> bool {
        D::accepts_headers(self)
    }

    fn looks_at_each(&self) -> bool {
        D::looks_at_each(self)
    }

    fn kind(&self) -> ConnectionKind {
        D::kind(self)
    }

    fn leaf_cluster(&self) -> LeafCluster {
        D::leaf_cluster(self)
    }

    fn outlet(&self) -> Outlet {
        D::outlet(self)
    }
}

/// The answer to one message asking for its place under a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Deliver.
    Granted,
    /// Deliver, and tell the owner: the maximum is reached, the subscription ends. Exactly one claim is answered so.
    Last,
    /// Do not deliver: the maximum was reached before, or the subscription was closed.
    Exhausted,
}

/// Not in any list. No list grows so long: it would need 32 GiB for its pointers alone.
const NOWHERE: u32 = u32::MAX;

/// One `SUB`. It sits in one `Arc`, held by its connection, by the index or its queue group, and by fan-outs.
///
/// It may be in one list at a time: either the plain subscriptions of one index or the members of one queue group.
///
/// A [shadow](Self::shadow) stands in the index of one account for a subscription of another.
///
/// What each message needs comes first, side by side.
#[repr(C)]
pub struct Subscription<D> {
    delivered: AtomicU64,
    destination: D,
    limit: AtomicU64,
    /// Few are a shadow.
    shadow_of: Option<Box<Original<D>>>,
    /// Subject, queue name and "sid ", one after the other: one allocation instead of three.
    text: Box<[u8]>,
    subject_length: u32,
    /// Length of the queue name and one more; 0 for a plain subscription.
    queue_length: u32,
    /// Where in its list it is, so that leaving a list of 100,000 needs no search. Written by that list's owner alone.
    position: AtomicU32,
    closed: AtomicBool,
    /// Most subscriptions never have any.
    except: OnceLock<Box<RwLock<Exceptions>>>,
}

type Exceptions = Option<Box<dyn SubjectFilter>>;

/// Subjects that a subscription with wildcards matches and that are not delivered to it all the same.
pub trait SubjectFilter: Send + Sync + fmt::Debug {
    /// Whether messages on this subject are left out.
    fn denies(&self, subject: &[u8]) -> bool;
}

/// How the subjects of one account are called in another, which imports them.
pub trait Renaming: Send + Sync + fmt::Debug {
    /// Appends what the importing account calls a subject of the exporting one.
    fn append_renamed(&self, subject: &[u8], out: &mut Vec<u8>);

    /// What the importing account is called.
    fn importer(&self) -> &str;

    /// Whether a traced message is also traced in the importing account.
    fn allows_trace(&self) -> bool;
}

/// What a shadow stands for.
struct Original<D> {
    subscription: Arc<Subscription<D>>,
    renaming: Arc<dyn Renaming>,
}

impl<D: Clone> Subscription<D> {
    /// A subscription to `subject` in the account from which that of `original` imports: what matches is delivered to the
    /// original, by its sid, as a member of its queue group and under the subject that `renaming` makes of it. Deliveries
    /// count, and maximums are, those of the original.
    pub fn shadow(original: &Arc<Self>, subject: &[u8], renaming: Arc<dyn Renaming>) -> Self {
        let (queue, sid) = (original.queue(), original.sid());
        Self {
            shadow_of: Some(Box::new(Original {
                subscription: Arc::clone(original),
                renaming,
            })),
            ..Self::new(subject, queue, sid, original.destination.clone())
        }
    }
}

impl<D> Subscription<D> {
    /// Whether it stands for a subscription of another account.
    #[inline]
    pub fn is_shadow(&self) -> bool {
        self.shadow_of.is_some()
    }

    /// The subscription that deliveries are counted by: of a shadow what it stands for, else itself.
    #[inline]
    pub fn original(self: &Arc<Self>) -> &Arc<Self> {
        match &self.shadow_of {
            None => self,
            Some(original) => &original.subscription,
        }
    }

    /// What those to whom it delivers call the subject of a message; None if they call it the same.
    pub fn renamed(&self, subject: &[u8]) -> Option<Vec<u8>> {
        let original = self.shadow_of.as_ref()?;
        let mut renamed = Vec::with_capacity(subject.len());
        original.renaming.append_renamed(subject, &mut renamed);
        (renamed != subject).then_some(renamed)
    }

    /// The name of the account that it stands for a subscription of; None if it stands for itself.
    pub fn importer(&self) -> Option<&str> {
        let original = self.shadow_of.as_ref()?;
        Some(original.renaming.importer())
    }

    /// Whether a traced message is also traced where it is delivered.
    pub fn allows_trace(&self) -> bool {
        self.shadow_of
            .as_ref()
            .is_none_or(|original| original.renaming.allows_trace())
    }

    /// A subscription without a limit. `subject` must be a [valid](crate::subject::is_valid_subscription) one, each
    /// text shorter than 4 GiB.
    pub fn new(subject: &[u8], queue: Option<&[u8]>, sid: &[u8], destination: D) -> Self {
        let queue_text = queue.unwrap_or_default();
        let mut text = Vec::with_capacity(subject.len() + queue_text.len() + sid.len() + 1);
        text.extend_from_slice(subject);
        text.extend_from_slice(queue_text);
        text.extend_from_slice(sid);
        text.push(b' ');
        Self {
            delivered: AtomicU64::new(0),
            destination,
            limit: AtomicU64::new(0),
            shadow_of: None,
            text: text.into_boxed_slice(),
            subject_length: subject.len() as u32,
            queue_length: queue.map_or(0, |name| name.len() as u32 + 1),
            position: AtomicU32::new(NOWHERE),
            closed: AtomicBool::new(false),
            except: OnceLock::new(),
        }
    }

    /// The same, without what `except` denies.
    #[must_use]
    pub fn except(self, except: Option<Box<dyn SubjectFilter>>) -> Self {
        self.set_except(except);
        self
    }

    /// From now on what `except` denies, and nothing else, is left out. What was delivered, and the limit, stay.
    ///
    /// Fan-outs resolved before go by what was left out then: bump the [version](crate::Versions::bump) of its subject.
    pub fn set_except(&self, except: Option<Box<dyn SubjectFilter>>) {
        if except.is_some() || self.except.get().is_some() {
            let place = self.except.get_or_init(Box::default);
            *place.write().unwrap_or_else(PoisonError::into_inner) = except;
        }
    }

    /// Whether there are subjects that it matches and that are not delivered to it.
    pub fn has_exceptions(&self) -> bool {
        self.except
            .get()
            .is_some_and(|except| except.read().unwrap_or_else(PoisonError::into_inner).is_some())
    }

    /// Whether messages on this subject, which it matches, are not for it.
    ///
    /// A shadow leaves out what its original does, by the subject as that has it.
    pub fn denies(&self, subject: &[u8]) -> bool {
        if let Some(original) = &self.shadow_of {
            let renamed = self.renamed(subject);
            return original
                .subscription
                .denies(renamed.as_deref().unwrap_or(subject));
        }
        self.except.get().is_some_and(|except| {
            let except = except.read().unwrap_or_else(PoisonError::into_inner);
            except.as_ref().is_some_and(|except| except.denies(subject))
        })
    }

    fn subject_end(&self) -> usize {
        self.subject_length as usize
    }

    fn queue_end(&self) -> usize {
        self.subject_end() + self.queue_length.saturating_sub(1) as usize
    }

    /// What it subscribed to; may hold wildcards.
    pub fn subject(&self) -> &[u8] {
        &self.text[..self.subject_end()]
    }

    /// The name of its queue group; none for a plain subscription.
    pub fn queue(&self) -> Option<&[u8]> {
        (self.queue_length > 0).then(|| &self.text[self.subject_end()..self.queue_end()])
    }

    /// The subscription's id, chosen by its connection.
    pub fn sid(&self) -> &[u8] {
        &self.text[self.queue_end()..self.text.len() - 1]
    }

    /// The sid and the blank behind it, as the line of a client's message holds them: completes
    /// [`QueueTargets::prefix`](crate::QueueTargets::prefix).
    pub fn sid_field(&self) -> &[u8] {
        &self.text[self.queue_end()..]
    }

    /// Where its messages go.
    pub fn destination(&self) -> &D {
        &self.destination
    }

    /// Adds the deliveries of a run of messages that needed no claim. True if this addition reached a limit set
    /// meanwhile: then the caller tells the owner, as for [`Claim::Last`].
    pub fn count(&self, messages: u64) -> bool {
        // Sequentially consistent against `set_limit`, which stores and then loads: one of the two sees the other, so
        // a maximum reached in that moment is always noticed (perhaps by both).
        let before = self.delivered.fetch_add(messages, Ordering::SeqCst);
        let limit = self.limit.load(Ordering::SeqCst);
        limit != 0 && before < limit && before.saturating_add(messages) >= limit
    }

    /// Messages delivered since `SUB`.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Ends the subscription after `max` messages since `SUB`; 0 takes the limit away. True if that many were already
    /// delivered: then the caller removes it at once.
    ///
    /// Fan-outs resolved before know of no limit: bump the [version](crate::Versions::bump) of its subject.
    pub fn set_limit(&self, max: u64) -> bool {
        self.limit.store(max, Ordering::SeqCst);
        max != 0 && self.delivered.load(Ordering::SeqCst) >= max
    }

    /// After how many messages since `SUB` it ends, if it does.
    pub fn limit(&self) -> Option<u64> {
        Some(self.limit.load(Ordering::Relaxed)).filter(|max| *max != 0)
    }

    /// Whether it has had its last message: it was closed or its maximum is reached.
    pub fn is_exhausted(&self) -> bool {
        self.is_closed() || self.limit().is_some_and(|max| self.delivered() >= max)
    }

    /// Asks for the place of one message and counts it if there is one. With a limit of n, exactly n claims are granted
    /// however many threads ask, and the n-th is [`Claim::Last`].
    pub fn claim(&self) -> Claim {
        if self.is_closed() {
            return Claim::Exhausted;
        }
        let mut delivered = self.delivered.load(Ordering::Relaxed);
        loop {
            let limit = self.limit.load(Ordering::SeqCst);
            if limit == 0 {
                return if self.count(1) {
                    Claim::Last
                } else {
                    Claim::Granted
                };
            }
            if delivered >= limit {
                return Claim::Exhausted;
            }
            match self.delivered.compare_exchange_weak(
                delivered,
                delivered + 1,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) if delivered + 1 == limit => return Claim::Last,
                Ok(_) => return Claim::Granted,
                Err(now) => delivered = now,
            }
        }
    }

    /// Marks it as ended. Publishers that still hold an older fan-out see it and pass a queue's message to another
    /// member.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The list in which it had a place is given up, so that it may come into another. It must not be changed any more.
    pub fn displace(&self) {
        self.set_position(None);
    }

    /// Reads a little of all that a message needs of it, so that it comes near. What it gives says nothing.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed) ^ self.limit.load(Ordering::Relaxed)
    }

    pub(crate) fn position(&self) -> Option<usize> {
        Some(self.position.load(Ordering::Relaxed))
            .filter(|at| *at != NOWHERE)
            .map(|at| at as usize)
    }

    /// False if `position` cannot be held.
    pub(crate) fn set_position(&self, position: Option<usize>) -> bool {
        let position = match position.map(u32::try_from) {
            None => NOWHERE,
            Some(Ok(at)) if at != NOWHERE => at,
            Some(_) => return false,
        };
        self.position.store(position, Ordering::Relaxed);
        true
    }
}

impl<D: Destination> Subscription<D> {
    /// The cluster of leaf nodes whose interest it is; none for what others want. It may be that of who is linked to another
    /// server of this one's cluster: that says so in the first word of the sid, which is empty for its own interest.
    pub fn of_leaf_nodes(&self) -> Option<LeafCluster> {
        match self.destination.kind() {
            ConnectionKind::LeafNode => Some(self.destination.leaf_cluster()),
            ConnectionKind::Route => {
                let cluster = self.sid().split(|byte| *byte == b' ').next();
                let cluster = cluster.filter(|cluster| !cluster.is_empty());
                cluster.map(LeafCluster::named)
            }
            _ => None,
        }
    }

    /// Whether each message needs a [claim](Self::claim), as it is counted down or looked at.
    pub(crate) fn needs_claims(self: &Arc<Self>) -> bool {
        self.original().limit().is_some() || self.destination.looks_at_each()
    }
}

impl<D> fmt::Debug for Subscription<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Subscription")
            .field("subject", &String::from_utf8_lossy(self.subject()))
            .field("queue", &self.queue().map(String::from_utf8_lossy))
            .field("sid", &String::from_utf8_lossy(self.sid()))
            .field("delivered", &self.delivered())
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
