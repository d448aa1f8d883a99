//! What the log has of one group, read while it goes on.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{Disk, Opening};
use crate::encryption::Keys;

use super::files::path_of;
use super::recovery::{Reading, WalDamage};
use super::scanning::{Found, header_of};
use super::{Entry, GroupId, Lsn, Wal, WalError, WalFiles};

/// The files of the log that have entries of a group, up to where they were durable. Until the group
/// [releases](Wal::release) them none is used again.
#[derive(Debug)]
pub struct Excerpt {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    keys: Option<Keys>,
    group: GroupId,
    /// The number and the generation of each, and where it ends: behind that there may be what was cut off.
    files: Vec<(u32, u64, Lsn)>,
}

impl Wal {
    /// What is durable of a group.
    #[must_use]
    pub fn excerpt(&self, files: &WalFiles, group: GroupId) -> Excerpt {
        let ends = self.live.iter().skip(1).map(|next| next.base);
        let files_with_ends = self.live.iter().zip(ends.chain([self.durable]));
        let has_some = files_with_ends.filter(|(file, _)| file.last.contains_key(&group));
        Excerpt {
            disk: Arc::clone(&files.disk),
            folder: files.folder.clone(),
            keys: self.keys.clone(),
            group,
            files: has_some
                .map(|(file, end)| (file.number, file.generation, end.min(self.durable)))
                .collect(),
        }
    }
}

impl Excerpt {
    /// Tells `read` the entries with an index above `index`, in the order of the log, and returns what is damaged.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn read(&self, index: u64, read: &mut dyn FnMut(&Entry<'_>)) -> Result<Vec<WalDamage>, WalError> {
        let unneeded = |other: GroupId| Some(if other == self.group { index } else { u64::MAX });
        let mut reading = Reading::new(&unneeded, read);
        for (number, generation, end) in &self.files {
            let path = path_of(&self.folder, *number);
            let file = self.disk.open(&path, Opening::Existing)?;
            let Some(header) = header_of(&*file)?.filter(|header| header.generation == *generation) else {
                reading.damage.push(WalDamage::File {
                    generation: *generation,
                });
                continue;
            };
            let found = Found {
                number: *number,
                length: file.length()?,
                header,
                is_guessed: false,
            };
            let file = found.load(&self.disk, &self.folder)?;
            let scan = file.scan(file.offset_of(*end));
            reading.read(&file, &scan, self.keys.as_ref())?;
        }
        Ok(reading.damage)
    }
}
