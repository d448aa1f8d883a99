//! A bounded number of places, for what lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many may be in at one time.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    taken: Arc<AtomicUsize>,
    all: usize,
}

/// A place that is taken; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Places {
    pub(crate) fn new(all: usize) -> Self {
        Self {
            taken: Arc::default(),
            all,
        }
    }

    /// One of them, if there is one left.
    pub(crate) fn take(&self) -> Option<Place> {
        let place = Place(self.taken.clone());
        let others = self.taken.fetch_add(1, Ordering::Relaxed);
        (others < self.all).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn a_place_that_is_left_can_be_taken() {
        let places = Places::new(2);
        let (first, second) = (places.take(), places.take());
        assert!(first.is_some() && second.is_some());
        assert!(places.take().is_none() && places.take().is_none());
        drop(first);
        assert!(places.take().is_some());
    }
}
