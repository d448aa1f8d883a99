//! The bytes of a file of the simulated disk.

use super::SECTOR;

/// What a file holds: for processes, and after a power cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) current: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) changes: Vec<Change>,
}

/// What was done to a file since its last sync.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Content {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.changes.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.changes.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Each change since the last sync is durable, or is not, or is in part.
    pub(super) fn keep_some(&mut self, random: &mut fastrand::Rng) {
        for change in std::mem::take(&mut self.changes) {
            match (random.u8(..4), change) {
                (0, _) => {}
                (1, Change::Write(offset, bytes)) => {
                    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                        if random.bool() {
                            Change::Write(offset + number * SECTOR, sector.to_vec()).apply(&mut self.durable);
                        }
                    }
                }
                (_, change) => change.apply(&mut self.durable),
            }
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, written) => {
                let end = offset + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(written);
            }
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }
}
