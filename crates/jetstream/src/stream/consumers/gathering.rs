//! The last message of each subject, for consumers that are to begin with those. There may be millions: they are gathered in
//! parts before such a consumer is decided, and then kept up to date until there is it. What is in the log does not say which they
//! are: who reads it gathers them all at once when he comes to the consumer.

use super::Consumers;
use crate::consumer::config::{ConsumerConfig, DeliverPolicy};
use crate::consumer::{Filter, LastOfEach};
use crate::held::{Messages, SubjectCursor};
use crate::stream::Stream;

/// For how many consumers there is gathered at once.
const AT_ONCE: usize = 16;

/// How many subjects are looked at in one turn: half a millisecond. Tests of random commands have few subjects, and several turns.
const SHARE: usize = if cfg!(test) { 2 } else { 2000 };

/// All that is gathered.
#[derive(Debug, Default)]
pub(super) struct Gatherings {
    list: Vec<Gathering>,
    /// Whether there is room, or something known, that there was not when those were asked that wait.
    has_changed: bool,
}

/// The last message of each subject that a filter matches, as far as they are gathered.
#[derive(Debug)]
pub(super) struct Gathering {
    filter: Filter,
    /// Which of its patterns is looked for, and how far that is; at the end if there is none.
    pattern: usize,
    cursor: SubjectCursor,
    found: LastOfEach,
    /// The consumer that is decided, and begins with them.
    consumer: Option<u64>,
}

impl Gathering {
    fn new(filter: Filter) -> Self {
        Self {
            filter,
            pattern: 0,
            cursor: SubjectCursor::default(),
            found: LastOfEach::default(),
            consumer: None,
        }
    }

    fn is_done(&self) -> bool {
        self.filter.patterns().nth(self.pattern).is_none()
    }

    /// Gathers on, as far as work is left.
    fn go_on<M: Messages>(&mut self, held: &M, work: &mut usize) {
        let Self {
            filter,
            pattern,
            cursor,
            found,
            ..
        } = self;
        while *work > 0
            && let Some(wanted) = filter.patterns().nth(*pattern)
        {
            held.walk_lasts(wanted, cursor, work, &mut |_, last| found.insert(last));
            if cursor.is_at_end {
                *cursor = SubjectCursor::default();
                *pattern += 1;
            }
        }
    }
}

impl<M: Messages> Stream<M> {
    /// Whether what a consumer begins with that is about to be decided is known: if so it is for that one.
    pub(super) fn has_gathered(&mut self, config: &ConsumerConfig, number: u64) -> bool {
        // The last of each is all there is where a subject has but one.
        if config.deliver_policy != DeliverPolicy::LastPerSubject || self.config.max_per_subject == 1 {
            return true;
        }
        let filter = Filter::new(config.filters());
        let gatherings = &mut self.consumers.gatherings.list;
        let is_for = |gathering: &Gathering| {
            gathering.consumer.is_none() && gathering.filter.patterns().eq(filter.patterns())
        };
        let place = match gatherings.iter().position(is_for) {
            Some(place) => place,
            None if gatherings.len() >= AT_ONCE => return false,
            None => {
                let mut gathering = Gathering::new(filter);
                gathering.go_on(&self.held, &mut { SHARE });
                gatherings.push(gathering);
                gatherings.len() - 1
            }
        };
        let gathering = gatherings.get_mut(place).filter(|gathering| gathering.is_done());
        match gathering {
            Some(gathering) => {
                gathering.consumer = Some(number);
                true
            }
            None => false,
        }
    }

    /// Whether something is being gathered, or nobody has taken it.
    pub fn is_gathering(&self) -> bool {
        let gatherings = &self.consumers.gatherings.list;
        gatherings.iter().any(|gathering| gathering.consumer.is_none())
    }

    /// Whether it is to be told of each message that goes.
    pub(in crate::stream) fn has_gatherings(&self) -> bool {
        !self.consumers.gatherings.list.is_empty()
    }

    /// Gathers on, a share. Whether those that [wait](super::Requested::Gathering) are to be requested again: what none of them
    /// takes is let go of the next time.
    pub fn gather(&mut self) -> bool {
        let Gatherings { list, has_changed } = &mut self.consumers.gatherings;
        let before = list.len();
        list.retain(|gathering| gathering.consumer.is_some() || !gathering.is_done());
        *has_changed |= list.len() < before;
        let mut work = SHARE;
        for gathering in list.iter_mut().filter(|gathering| !gathering.is_done()) {
            gathering.go_on(&self.held, &mut work);
            *has_changed |= gathering.is_done();
        }
        std::mem::take(has_changed)
    }

    /// What was gathered for a consumer, which there is now.
    pub(super) fn take_gathered(&mut self, number: u64) -> Option<LastOfEach> {
        let Gatherings { list, has_changed } = &mut self.consumers.gatherings;
        let is_for = |gathering: &Gathering| gathering.consumer == Some(number);
        let gathered = list.swap_remove(list.iter().position(is_for)?);
        *has_changed = true;
        Some(gathered.found)
    }

    /// What was gathered is what there is.
    #[cfg(test)]
    pub(super) fn check_gathered(&self, config: &ConsumerConfig, gathered: Option<&LastOfEach>) {
        if let Some(gathered) = gathered {
            let expected = Filter::new(config.filters()).last_of_each(&self.held);
            assert_eq!(*gathered, expected);
        }
    }

    /// Nothing of what was decided comes into the log.
    pub(super) fn gather_anew(&mut self) {
        let Gatherings { list, has_changed } = &mut self.consumers.gatherings;
        list.clear();
        *has_changed = true;
    }

    /// A message of a subject is about to be stored: it will be the last of it.
    pub(in crate::stream) fn gather_stored(&mut self, sequence: u64, subject: &[u8]) {
        if self.consumers.gatherings.list.is_empty() {
            return;
        }
        let before = self.held.of_subject(subject).map(|of_it| of_it.last);
        for found in self.consumers.gathered_of(subject) {
            before.map(|before| found.remove(before));
            found.insert(sequence);
        }
    }

    /// A message of a subject has gone: another may be the last of it.
    pub(in crate::stream) fn gather_removed(&mut self, sequence: u64, subject: &[u8]) {
        if self.consumers.gatherings.list.is_empty() {
            return;
        }
        let held = &self.held;
        for found in self.consumers.gathered_of(subject) {
            if found.remove(sequence)
                && let Some(of_it) = held.of_subject(subject)
            {
                found.insert(of_it.last);
            }
        }
    }

    /// All messages have gone.
    pub(in crate::stream) fn gather_nothing(&mut self) {
        let gatherings = self.consumers.gatherings.list.iter_mut();
        gatherings.for_each(|gathering| gathering.found.clear());
    }
}

impl Consumers {
    fn gathered_of(&mut self, subject: &[u8]) -> impl Iterator<Item = &mut LastOfEach> {
        let gatherings = self.gatherings.list.iter_mut();
        let wanting = gatherings.filter(move |gathering| gathering.filter.matches(subject));
        wanting.map(|gathering| &mut gathering.found)
    }
}
