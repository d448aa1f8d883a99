//! Which messages a filter matches, and how many. It costs the segments, and the subjects in them, not the messages.

use bytes::Bytes;
use vagus_routing::subject;

use super::{Cold, Messages, Part, Stage};

mod mask;

pub(super) use mask::Mask;

/// Goes through the messages that some filters match, in order. It may be kept for as long as one likes.
#[derive(Clone, Debug)]
pub struct Cursor {
    filters: Vec<Bytes>,
    next: u64,
    mask: Option<Mask>,
    /// That of the segment before: what was found there may be asked for again.
    mask_before: Option<Mask>,
    /// The sequence up to which it is known whether every message matches, and whether.
    covers: Option<(u64, bool)>,
}

/// A count that is under way.
#[derive(Clone, Debug)]
pub struct Count {
    filters: Vec<Bytes>,
    from: u64,
    /// How many there are with such subjects, from whichever sequence on.
    total: Option<u64>,
    /// What was counted, and before which sequence.
    counted: u64,
    behind: u64,
    mask: Option<Mask>,
}

impl Cursor {
    /// Begins at a sequence. Without filters every message matches.
    #[must_use]
    pub fn new(filters: Vec<Bytes>, next: u64) -> Self {
        Self {
            filters: what_filters(filters),
            next,
            mask: None,
            mask_before: None,
            covers: None,
        }
    }

    /// Goes on from a sequence.
    pub fn seek(&mut self, next: u64) {
        self.next = next;
    }

    /// Which subjects its filters match in the segment that it has come to; None if all do.
    pub(super) fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// The sequence that is looked at next.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.next
    }
}

impl Count {
    /// Of messages from a sequence on. Without filters every message matches.
    #[must_use]
    pub fn new(filters: Vec<Bytes>, from: u64) -> Self {
        Self {
            filters: what_filters(filters),
            from,
            total: None,
            counted: 0,
            behind: 0,
            mask: None,
        }
    }
}

/// Filters, none being the one that matches everything.
fn what_filters(filters: Vec<Bytes>) -> Vec<Bytes> {
    if filters.iter().any(|filter| filter == ">") {
        return Vec::new();
    }
    filters
}

/// The numbers of the subjects of a segment that one of the filters matches.
fn matching(part: &Part, filters: &[Bytes]) -> Vec<u32> {
    let Some(directory) = &part.directory else {
        return Vec::new();
    };
    let mut numbers: Vec<u32> = filters
        .iter()
        .flat_map(|filter| directory.matching(filter))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

impl Messages {
    /// The first sequence, from where the cursor is, of a message that its filters match. The cursor stays there, or behind
    /// the last message if there is none.
    ///
    /// # Errors
    ///
    /// What has to be read first; the cursor keeps what it has come through.
    pub fn next(&mut self, cursor: &mut Cursor) -> Result<Option<u64>, Cold> {
        cursor.next = cursor.next.max(self.first);
        let last = self.skip_by_subjects(cursor);
        while cursor.next <= last {
            let place = self.parts.partition_point(|part| part.last < cursor.next);
            if place == self.parts.len() {
                break;
            }
            cursor.next = cursor.next.max(self.parts[place].first);
            if cursor.next <= self.parts[place].last {
                self.touch(place)?;
                self.prepare(place, cursor)?;
                if let Some(found) = next_in(&self.parts[place], cursor) {
                    cursor.next = found;
                    self.note_found(place, found, cursor);
                    return Ok(Some(found));
                }
            }
            cursor.next = self.parts[place].last + 1;
        }
        cursor.next = cursor.next.max(self.last + 1);
        Ok(None)
    }

    /// Has the mask of a cursor be that of a part.
    fn prepare(&self, place: usize, cursor: &mut Cursor) -> Result<(), Cold> {
        if cursor.filters.is_empty() {
            return Ok(());
        }
        let part = &self.parts[place];
        let is_new = |cursor: &Cursor| !cursor.mask.as_ref().is_some_and(|mask| mask.is_of(part));
        if is_new(cursor) {
            std::mem::swap(&mut cursor.mask, &mut cursor.mask_before);
        }
        let may_be_known = cursor.covers.is_some_and(|(up_to, _)| part.last <= up_to);
        if is_new(cursor) && part.stage != Stage::Growing && !may_be_known {
            // To add up what a filter matches takes long where it has wildcards, and most do not match just any subject.
            let may_cover = |filter: &&Bytes| {
                let first = part.directory.as_ref().map(|directory| directory.subject(0));
                first.is_none_or(|first| subject::matches(filter, &first))
            };
            let mut may_cover = cursor.filters.iter().filter(may_cover);
            let is_all = may_cover.any(|filter| self.totals(filter).messages == self.messages);
            cursor.covers = Some((self.last, is_all));
        }
        // One that grows may have subjects of which no message is left, and others may come.
        let is_all = part.stage != Stage::Growing
            && (cursor.covers).is_some_and(|(up_to, is_all)| is_all && part.last <= up_to);
        mask_of(part, &cursor.filters, is_all, &mut cursor.mask)
    }

    /// Skips what the index of subjects says is not there. Returns the last sequence that may match.
    fn skip_by_subjects(&self, cursor: &mut Cursor) -> u64 {
        if cursor.filters.is_empty() {
            return self.last;
        }
        let (mut first, mut last) = (u64::MAX, 0);
        for filter in &cursor.filters {
            if subject::has_wildcards(filter) {
                return self.last;
            }
            if let Some(state) = self.subjects.get(filter) {
                (first, last) = (first.min(state.first), last.max(state.last));
            }
        }
        cursor.next = cursor.next.max(first.min(self.last + 1));
        last
    }

    /// Counts on.
    ///
    /// # Errors
    ///
    /// What has to be read first; what was counted is kept. Between two calls nothing must be added or deleted, or else it
    /// has to begin anew.
    pub fn count(&mut self, count: &mut Count) -> Result<u64, Cold> {
        let total = *count.total.get_or_insert_with(|| match count.filters.is_empty() {
            true => self.messages,
            false => self.subjects.count_union(&count.filters).messages,
        });
        if count.from <= self.first || total == 0 {
            return Ok(total);
        }
        if count.from > self.last {
            return Ok(0);
        }
        // The parts before are counted, or those behind, whichever are fewer.
        let split = self.parts.partition_point(|part| part.last < count.from);
        let counts_before = split < self.parts.len() - split;
        let range = if counts_before {
            0..split + 1
        } else {
            split..self.parts.len()
        };
        for place in range.start..range.end.min(self.parts.len()) {
            if self.parts[place].last < count.behind {
                continue;
            }
            count.counted += self.count_in(place, count, total == self.messages, counts_before)?;
            count.behind = self.parts[place].last + 1;
        }
        Ok(if counts_before {
            total - count.counted
        } else {
            count.counted
        })
    }

    /// How many of a part match, and are before where the count begins, or else behind.
    fn count_in(
        &mut self,
        place: usize,
        count: &mut Count,
        is_all: bool,
        counts_before: bool,
    ) -> Result<u64, Cold> {
        let part = &self.parts[place];
        let is_split = part.base < count.from && count.from <= part.last;
        if !is_split && counts_before != (part.last < count.from) {
            return Ok(0);
        }
        if !is_split && is_all {
            return Ok(u64::from(part.live));
        }
        self.touch(place)?;
        let part = &self.parts[place];
        let Some(directory) = &part.directory else {
            return Ok(0);
        };
        mask_of(part, &count.filters, is_all, &mut count.mask)?;
        let Some(mask) = &count.mask else {
            return Ok(0);
        };
        if !is_split {
            return Ok(mask.numbers().map(|number| directory.live_of(number)).sum());
        }
        let (Ok(start) | Err(start)) = directory.find(part.distance(count.from));
        let positions = if counts_before {
            0..start
        } else {
            start..directory.len()
        };
        let counted = positions.filter(|position| {
            mask.has(directory.subject_number(*position)) && !part.is_deleted(directory.sequence(*position))
        });
        Ok(counted.count() as u64)
    }

    /// The subject of the message with a sequence; None if there is none, or none any more.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn subject_of(&mut self, sequence: u64) -> Result<Option<Bytes>, Cold> {
        let Some(place) = self.part_of(sequence).filter(|_| sequence >= self.first) else {
            return Ok(None);
        };
        let distance = self.parts[place].distance(sequence);
        if self.parts[place].is_deleted(distance) {
            return Ok(None);
        }
        self.touch(place)?;
        let directory = self.parts[place].directory.as_ref();
        Ok(directory.and_then(|directory| {
            let position = directory.find(distance).ok()?;
            Some(Bytes::copy_from_slice(&directory.subject(position)))
        }))
    }

    /// The sequence of the first message with a subject.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn first_of(&mut self, subject: &[u8]) -> Result<Option<u64>, Cold> {
        let Some(state) = self.subjects.get(subject).copied() else {
            return Ok(None);
        };
        if !state.is_first_stale {
            return Ok(Some(state.first));
        }
        let mut cursor = Cursor::new(vec![Bytes::copy_from_slice(subject)], state.first);
        let found = self.next(&mut cursor);
        self.subjects.update(subject, |state| {
            state.first = cursor.next;
            state.is_first_stale = !matches!(found, Ok(Some(_)));
        });
        found
    }

    /// The sequence of the last message with a subject.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn last_of(&mut self, subject: &[u8]) -> Result<Option<u64>, Cold> {
        let Some(state) = self.subjects.get(subject).copied() else {
            return Ok(None);
        };
        if !state.is_last_stale {
            return Ok(Some(state.last));
        }
        let filters = [Bytes::copy_from_slice(subject)];
        let mut last = state.last;
        let found = self.last_up_to(&filters, &mut last);
        self.subjects.update(subject, |state| {
            state.last = last;
            state.is_last_stale = !matches!(found, Ok(Some(_)));
        });
        found
    }

    /// The last sequence up to one of a message that one of the filters matches; all do if there are none. `up_to` becomes
    /// what was come to.
    ///
    /// # Errors
    ///
    /// What has to be read first; `up_to` says from where to go on then.
    pub fn last_up_to(&mut self, filters: &[Bytes], up_to: &mut u64) -> Result<Option<u64>, Cold> {
        *up_to = (*up_to).min(self.last);
        while *up_to >= self.first
            && let Some(place) = self
                .parts
                .partition_point(|part| part.base <= *up_to)
                .checked_sub(1)
        {
            if *up_to >= self.parts[place].first && self.parts[place].live > 0 {
                self.touch(place)?;
                if let Some(found) = last_in(&self.parts[place], filters, *up_to) {
                    *up_to = found;
                    return Ok(Some(found));
                }
            }
            *up_to = self.parts[place].base - 1;
        }
        Ok(None)
    }

    /// The first sequence of a message that was stored at a time or later, if messages were stored in order of time.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn at_or_after(&mut self, time: u64) -> Result<Option<u64>, Cold> {
        let behind = self.parts.partition_point(|part| part.began < time);
        if let Some(place) = behind.checked_sub(1)
            && let Some(found) = self.at_or_after_in(place, time)?
        {
            return Ok(Some(found));
        }
        let later = self.parts.iter().skip(behind).find(|part| part.live > 0);
        Ok(later.map(|part| part.first))
    }

    fn at_or_after_in(&mut self, place: usize, time: u64) -> Result<Option<u64>, Cold> {
        if self.parts[place].live == 0 {
            return Ok(None);
        }
        self.touch(place)?;
        let (mut low, mut high, mut found) = (0, self.parts[place].records as usize, None);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some((position, sequence)) = next_live(&self.parts[place], middle..high) else {
                high = middle;
                continue;
            };
            match self.get(sequence)? {
                Some(message) if message.timestamp < time => low = position + 1,
                _ => (high, found) = (middle, Some(sequence)),
            }
        }
        Ok(found)
    }

    /// Adds to `gaps` the sequences from one up to another that no message has. It costs these, and the messages of segments in
    /// which sequences do not follow each other. `from` becomes what was come to.
    ///
    /// # Errors
    ///
    /// What has to be read first; then it goes on from where it is.
    pub fn gaps(&mut self, from: &mut u64, last: u64, gaps: &mut Vec<u64>) -> Result<(), Cold> {
        while *from <= last {
            let place = self.parts.partition_point(|part| part.last < *from);
            let behind = self.parts.get(place).map_or(u64::MAX, |part| part.base);
            if *from < behind {
                let next = behind.min(last + 1);
                gaps.extend(*from..next);
                *from = next;
                continue;
            }
            if !self.parts[place].is_dense() {
                self.touch(place)?;
            }
            let part = &self.parts[place];
            let end = last.min(part.last);
            gaps_in(part, *from, end, gaps);
            *from = end + 1;
        }
        Ok(())
    }
}

/// The sequences from one up to another that no message of a part has.
fn gaps_in(part: &Part, from: u64, last: u64, gaps: &mut Vec<u64>) {
    if part.is_dense() {
        let deleted = part.deleted.range(part.distance(from)..=part.distance(last));
        gaps.extend(deleted.map(|distance| part.base + u64::from(distance)));
        return;
    }
    let mut next = from;
    if let Some(directory) = &part.directory {
        let (Ok(start) | Err(start)) = directory.find(part.distance(from));
        let there = (start..directory.len()).map(|position| directory.sequence(position));
        let there = there.filter(|distance| !part.is_deleted(*distance));
        let there = there.map(|distance| part.base + u64::from(distance));
        for sequence in there.take_while(|sequence| *sequence <= last) {
            gaps.extend(next..sequence);
            next = sequence + 1;
        }
    }
    gaps.extend(next..=last);
}

/// Has a mask be that of a part.
///
/// # Errors
///
/// There is more to be found out; others have their turn before.
fn mask_of(part: &Part, filters: &[Bytes], is_all: bool, mask: &mut Option<Mask>) -> Result<(), Cold> {
    if !mask.as_ref().is_some_and(|mask| mask.is_of(part)) {
        *mask = Some(if is_all {
            Mask::of_all(part)
        } else {
            Mask::new(part, filters)
        });
    }
    let is_ready = mask.as_mut().is_none_or(|mask| mask.advance(part, filters));
    if is_ready { Ok(()) } else { Err(Cold::pause()) }
}

/// Behind the last position whose sequence is not behind `last`.
fn end_of(part: &Part, last: u64) -> usize {
    let Some(directory) = &part.directory else {
        return 0;
    };
    match directory.find(part.distance(last.min(part.last))) {
        Ok(position) => position + 1,
        Err(position) => position,
    }
}

/// The first sequence of a part, from where the cursor is, that matches.
fn next_in(part: &Part, cursor: &mut Cursor) -> Option<u64> {
    let directory = part.directory.as_ref()?;
    let (Ok(start) | Err(start)) = directory.find(part.distance(cursor.next));
    let is_there = |position: &usize| !part.is_deleted(directory.sequence(*position));
    let found = if cursor.filters.is_empty() {
        (start..directory.len()).find(is_there)
    } else {
        let mask = cursor.mask.as_ref().filter(|mask| !mask.is_empty())?;
        match (mask.positions_from(start), mask.only()) {
            (Some(positions), _) => {
                let mut positions = positions.iter().map(|position| *position as usize);
                positions.find(is_there)
            }
            (None, Some(number)) => directory.positions_of(number, start).find(is_there),
            (None, None) => (start..directory.len())
                .filter(|position| mask.has(directory.subject_number(*position)))
                .find(is_there),
        }
    };
    found.map(|position| part.base + u64::from(directory.sequence(position)))
}

/// The last sequence of a part, up to `last`, that one of the filters matches.
fn last_in(part: &Part, filters: &[Bytes], last: u64) -> Option<u64> {
    let directory = part.directory.as_ref()?;
    let end = end_of(part, last);
    let is_there = |position: &usize| !part.is_deleted(directory.sequence(*position));
    let numbers = matching(part, filters);
    let found = match &numbers[..] {
        _ if filters.is_empty() => (0..end).rev().find(is_there),
        [] => None,
        [number] => {
            let before = directory.positions_of(*number, 0);
            before
                .take_while(|position| *position < end)
                .filter(is_there)
                .last()
        }
        numbers => {
            let matches = |position: &usize| {
                let number = directory.subject_number(*position);
                numbers.binary_search(&number).is_ok()
            };
            (0..end).rev().filter(matches).find(is_there)
        }
    };
    found.map(|position| part.base + u64::from(directory.sequence(position)))
}

/// The first of some positions that is not deleted, and its sequence.
fn next_live(part: &Part, mut positions: std::ops::Range<usize>) -> Option<(usize, u64)> {
    let directory = part.directory.as_ref()?;
    let position = positions.find(|position| !part.is_deleted(directory.sequence(*position)))?;
    Some((position, part.base + u64::from(directory.sequence(position))))
}
