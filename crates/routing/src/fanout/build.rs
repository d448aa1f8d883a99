//! From matching subscriptions to a fan-out: what may be shared, and the text of the lines.

use std::sync::Arc;

use smallvec::SmallVec;

use super::sharing::{Candidate, sort_out};
use super::{Fanout, HEADERS_VERB, Prefix, QueueTargets, Several, SharedTargets, Target};
use crate::queue_group::Members;
use crate::subscription::Destination;

/// What reference counts and the allocator add to the allocation of a fan-out.
const ALONE: usize = 24;

/// What the allocator adds to those of a fan-out that has several targets.
const OTHERS: usize = 88;

impl<D: Destination> Fanout<D> {
    /// `plain` and the members of `groups` (each with its queue name) are all that match `subject`.
    pub(crate) fn new(
        subject: &[u8],
        mut plain: Vec<Candidate<'_, D>>,
        groups: Vec<(&[u8], &Members<D>)>,
    ) -> Self {
        let groups_merged = groups.len();
        let queues = merge_by_name(groups);
        let sorted = sort_out(&mut plain, &queues);

        // The text first, as all prefixes point into it.
        let start = HEADERS_VERB.len() + subject.len() + 1;
        let alone = || plain.iter().filter(|candidate| candidate.class.is_none());
        let examples = || sorted.classes.iter().map(|class| &plain[class.example]);
        let sids: usize = alone()
            .chain(examples())
            .map(|it| start + it.subscription.sid_field().len())
            .sum();
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
        let mut next_prefix = |candidate: &Candidate<'_, D>| {
            let length = start + candidate.subscription.sid_field().len();
            let prefix = Prefix {
                start: written,
                length: length as u32,
            };
            written += length;
            prefix
        };
        let singles: SmallVec<[_; 1]> = alone()
            .map(|candidate| {
                let Prefix { start, length } = next_prefix(candidate);
                Target {
                    start,
                    length,
                    headers: candidate.headers,
                    limited: candidate.limited,
                    subscription: Arc::clone(candidate.subscription),
                }
            })
            .collect();
        let mut shared: Box<[_]> = sorted
            .classes
            .iter()
            .map(|class| SharedTargets {
                prefix: next_prefix(&plain[class.example]),
                subscriptions: Vec::with_capacity(class.size),
                headers: plain[class.example].headers,
            })
            .collect();
        for candidate in &plain {
            if let Some(targets) = candidate.class.and_then(|class| shared.get_mut(class)) {
                targets.subscriptions.push(Arc::clone(candidate.subscription));
            }
        }
        let pointers = plain.len() - singles.len() + groups_merged;
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
        let is_one_at_most = plain.len() <= 1 && queues.is_empty();
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
            })
        });
        Self {
            subject_length: subject.len() as u32,
            has_limited: plain.iter().any(|candidate| candidate.limited),
            all_accept_headers: plain.iter().all(|candidate| candidate.headers),
            several,
            singles,
            text,
            bytes,
        }
    }
}

/// One queue for each name.
fn merge_by_name<D>(mut groups: Vec<(&[u8], &Members<D>)>) -> Vec<Members<D>> {
    groups.sort_by_key(|(name, _)| *name);
    groups
        .chunk_by(|one, other| one.0 == other.0)
        .map(|same| match same {
            [(_, members)] => (*members).clone(),
            several => Members::merged(several.iter().map(|(_, members)| (*members).clone())),
        })
        .collect()
}
