//! From matching subscriptions to a fan-out: what may be shared, and the text of the lines.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use super::sharing::{Candidate, Candidates, GOOD_FOR, GOOD_FOR_EACH, sort_out};
use super::{Fanout, HEADERS_VERB, Prefix, QueueTargets, Several, SharedTargets, Target};
use crate::index::Walk;
use crate::queue_group::Members;
use crate::subscription::{Destination, Subscription};

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
    /// What a message published on `subject`, for which they were found, has to know. Whatever has ended since they were
    /// found is left out.
    pub fn into_fanout(self, subject: &[u8]) -> Fanout<D> {
        let plain = self
            .plain
            .into_iter()
            .filter(|subscription| !subscription.is_closed() && !subscription.denies(subject))
            .map(Candidate::new)
            .collect();
        Fanout::new(subject, plain, self.groups)
    }
}

impl<D: Destination> Fanout<D> {
    /// `plain` and the members of `groups` are all that match `subject`.
    fn new(subject: &[u8], mut plain: Candidates<D>, groups: Vec<Members<D>>) -> Self {
        let groups_merged = groups.len();
        let queues = merge_by_name(groups);
        let sorted = sort_out(&mut plain, &queues);

        // The text first, as all prefixes point into it.
        let start = HEADERS_VERB.len() + subject.len() + 1;
        let alone = || plain.iter().filter(|candidate| candidate.class.is_none());
        let examples = || sorted.classes.iter().map(|class| &plain[class.example]);
        let sids: usize = alone().chain(examples()).map(|it| start + it.sid_length).sum();
        let mut text = SmallVec::with_capacity(sids.max(start));
        let write = |sid: &[u8], text: &mut SmallVec<_>| {
            for part in [HEADERS_VERB, subject, b" ", sid] {
                text.extend_from_slice(part);
            }
        };
        alone()
            .chain(examples())
            .for_each(|it| write(it.subscription.sid_field(), &mut text));
        if text.is_empty() {
            write(b"", &mut text);
        }

        let mut written = 0;
        let mut next_prefix = |candidate: &Candidate<D>| {
            let length = start + candidate.sid_length;
            let prefix = Prefix {
                start: written,
                length: length as u32,
            };
            written += length;
            prefix
        };
        let starts: SmallVec<[Prefix; 1]> = alone().map(&mut next_prefix).collect();
        let mut shared: Box<[_]> = sorted
            .classes
            .iter()
            .map(|class| SharedTargets {
                prefix: next_prefix(&plain[class.example]),
                subscriptions: Vec::with_capacity(class.size),
                headers: plain[class.example].headers,
            })
            .collect();
        let pointers = plain.len() - starts.len() + groups_merged;
        let is_one_at_most = plain.len() <= 1 && queues.is_empty();
        let has_limited = plain.iter().any(|candidate| candidate.limited);
        let all_accept_headers = plain.iter().all(|candidate| candidate.headers);
        let deliveries = plain.len() + queues.len();
        let mut singles: SmallVec<[_; 1]> = SmallVec::with_capacity(starts.len());
        let mut starts = starts.into_iter();
        for candidate in plain {
            if let Some(targets) = candidate.class.and_then(|class| shared.get_mut(class)) {
                targets.subscriptions.push(candidate.subscription);
            } else if let Some(Prefix { start, length }) = starts.next() {
                singles.push(Target {
                    start,
                    length,
                    headers: candidate.headers,
                    limited: candidate.limited,
                    subscription: candidate.subscription,
                });
            }
        }
        let queues: Box<[_]> = queues
            .into_iter()
            .map(|members| {
                let prefix = Prefix {
                    start: 0,
                    length: start as u32,
                };
                QueueTargets { prefix, members }
            })
            .collect();

        let mut bytes = size_of::<Self>() + ALONE;
        if text.spilled() {
            bytes += text.len();
        }
        let several = (!is_one_at_most).then(|| {
            bytes += size_of::<Several<D>>()
                + OTHERS
                + size_of_val(&*singles)
                + size_of_val(&*shared)
                + size_of_val(&*queues)
                + size_of_val(&*sorted.connections)
                + pointers * size_of::<usize>();
            Box::new(Several {
                shared,
                queues,
                connections: sorted.connections,
                deliveries,
            })
        });
        Self {
            subject_length: subject.len() as u32,
            has_limited,
            all_accept_headers,
            several,
            singles,
            text,
            bytes,
        }
    }
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
