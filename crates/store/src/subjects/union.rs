//! How much is matched by at least one of some filters.

use std::collections::BTreeMap;

use vagus_routing::subject;

use super::branch::{Branch, Node};
use super::children::Child;
use super::{DEPTH, Totals, split};

/// What is left of filters behind a token; None: nothing, so that the subject that ends there matches.
type Rests<'a> = Vec<Option<&'a [u8]>>;

impl Branch {
    /// It costs no more than to [count](Branch::count) what each of the filters matches.
    pub(super) fn count_union(&self, filters: &[&[u8]], depth: usize) -> Totals {
        match filters {
            [filter] => return self.count(filter, depth),
            _ if filters.contains(&&b">"[..]) => return self.below(),
            _ => {}
        }
        if depth >= DEPTH {
            let is_match = |child: &&Child| {
                let mut filters = filters.iter();
                filters.any(|filter| subject::matches(filter, &child.token))
            };
            return sum(self
                .children()
                .filter(is_match)
                .map(|child| child.node.own_totals()));
        }
        let mut any = Rests::new();
        let mut named: BTreeMap<&[u8], Rests<'_>> = BTreeMap::new();
        for filter in filters {
            match split(filter, depth) {
                (b"*", rest) => any.push(rest),
                (token, rest) => named.entry(token).or_default().push(rest),
            }
        }
        if any.is_empty() {
            let found = named.into_iter().filter_map(|(token, rests)| {
                let child = self.child(token)?;
                Some(child.count_union(&once(rests), depth))
            });
            return sum(found);
        }
        let any = once(any);
        sum(self
            .children()
            .map(|child| match named.get(child.token.as_slice()) {
                None => child.count_union(&any, depth),
                Some(rests) => child.count_union(&once([&rests[..], &any].concat()), depth),
            }))
    }
}

impl Child {
    /// Of its own, and of what is below, as far as what is left of one of the filters matches it.
    fn count_union(&self, rests: &[Option<&[u8]>], depth: usize) -> Totals {
        let (ends, rests) = rests.split_at(rests.partition_point(Option::is_none));
        let mut totals = match ends {
            [] => Totals::default(),
            _ => self.node.own_totals(),
        };
        if let Node::Branch(branch) = &self.node
            && !rests.is_empty()
        {
            let filters: Vec<&[u8]> = rests.iter().flatten().copied().collect();
            totals.add(branch.count_union(&filters, depth + 1));
        }
        totals
    }
}

/// Each of them once, those of which nothing is left first.
fn once(mut rests: Rests<'_>) -> Rests<'_> {
    rests.sort_unstable();
    rests.dedup();
    rests
}

fn sum(all: impl Iterator<Item = Totals>) -> Totals {
    let mut totals = Totals::default();
    all.for_each(|some| totals.add(some));
    totals
}
