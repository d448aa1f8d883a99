//! Where messages are that were found for filters that match few of a segment: they are read without the directory that they were
//! found in, which has made room for others by then where one is found here and one there.

use std::collections::VecDeque;

use crate::segment::Extract;

use super::searching::Cursor;
use super::{Messages, Part, Stage};

/// How many are remembered.
const AT_MOST: usize = 256;

/// Of a segment of which more match, the directory is in use.
const FEW: u64 = 16;

/// Where messages are that were found.
#[derive(Debug, Default)]
pub(super) struct Found(VecDeque<Place>);

#[derive(Debug)]
struct Place {
    sequence: u64,
    /// The number of its segment.
    segment: u64,
    extract: Extract,
}

impl Found {
    /// Where a message is, if that was found in a segment.
    pub(super) fn of(&self, sequence: u64, segment: u64) -> Option<&Extract> {
        let mut places = self.0.iter();
        let place = places.find(|place| place.sequence == sequence && place.segment == segment)?;
        Some(&place.extract)
    }

    pub(super) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }

    fn note(&mut self, place: Place) {
        if self.of(place.sequence, place.segment).is_some() {
            return;
        }
        if self.0.len() == AT_MOST {
            self.0.pop_front();
        }
        self.0.push_back(place);
    }
}

impl Messages {
    /// A cursor has come to a message of a part.
    pub(super) fn note_found(&mut self, place: usize, sequence: u64, cursor: &Cursor) {
        let part = &self.parts[place];
        let is_rare = cursor
            .mask()
            .is_some_and(|mask| mask.is_of(part) && mask.messages() <= FEW);
        if is_rare && let Some(extract) = extract_of(part, sequence) {
            self.found.note(Place {
                sequence,
                segment: part.number,
                extract,
            });
        }
    }

    /// Whether there is a message with a sequence.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn has(&mut self, sequence: u64) -> Result<bool, super::Cold> {
        let Some(place) = self.part_of(sequence).filter(|_| sequence >= self.first) else {
            return Ok(false);
        };
        let part = &self.parts[place];
        let distance = part.distance(sequence);
        if part.is_deleted(distance) || self.found.of(sequence, part.number).is_some() {
            return Ok(!part.is_deleted(distance));
        }
        self.touch(place)?;
        let directory = self.parts[place].directory.as_ref();
        Ok(directory.is_some_and(|directory| directory.find(distance).is_ok()))
    }
}

/// Where a message of a part is, if it is on disk alone.
fn extract_of(part: &Part, sequence: u64) -> Option<Extract> {
    let directory = part.directory.as_ref()?;
    if part.stage != Stage::Sealed || !part.held.is_empty() {
        return None;
    }
    let position = directory.find(part.distance(sequence)).ok()?;
    directory.extract(std::iter::once(position), 0)
}
