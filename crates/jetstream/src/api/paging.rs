//! Long lists, of which one answer shows a part.

use serde::Serialize;

/// How many names one answer has.
pub const NAMES_LIMIT: usize = 1024;
/// How many streams, with all there is to tell of them.
pub const LIST_LIMIT: usize = 256;
/// How many subjects of a stream.
pub const SUBJECTS_LIMIT: usize = 100_000;

/// Which part of a list is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Page {
    /// How long the list is.
    pub total: usize,
    /// From where on.
    pub offset: usize,
    /// How many at most.
    pub limit: usize,
}

/// The part of a list that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// Which part.
    pub page: Page,
    /// What is in it.
    pub shown: Vec<T>,
}

impl<T> Paged<T> {
    /// Of all there is the part from `offset` on, if that is not behind its end.
    pub fn new(all: impl Iterator<Item = T>, offset: isize, limit: usize) -> Self {
        let wanted = usize::try_from(offset).unwrap_or(0);
        let mut shown = Vec::new();
        let mut total = 0;
        for item in all {
            if total >= wanted && shown.len() < limit {
                shown.push(item);
            }
            total += 1;
        }
        let offset = wanted.min(total);
        Self {
            page: Page { total, offset, limit },
            shown,
        }
    }
}
