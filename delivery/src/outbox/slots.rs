use parking_lot::Mutex;
use std::sync::Arc;

/// Hands out small numbers, so that a publisher finds what it has staged for a connection by index.
#[derive(Debug, Clone, Default)]
pub struct Slots(Arc<Mutex<Free>>);

#[derive(Debug, Default)]
struct Free {
    returned: Vec<u32>,
    next: u32,
}

/// A small number that is returned when dropped.
#[derive(Debug)]
pub struct Slot {
    number: u32,
    slots: Slots,
}

impl Slots {
    /// The next free number.
    pub fn take(&self) -> Slot {
        let mut free = self.0.lock();
        let number = free.returned.pop().unwrap_or_else(|| {
            let number = free.next;
            free.next += 1;
            number
        });
        Slot {
            number,
            slots: self.clone(),
        }
    }
}

impl Slot {
    pub(crate) fn index(&self) -> usize {
        self.number as usize
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.0.lock().returned.push(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn a_dropped_number_is_handed_out_again() {
        let slots = Slots::default();
        let (first, second) = (slots.take(), slots.take());
        assert_eq!((first.index(), second.index()), (0, 1));
        drop(first);
        assert_eq!(slots.take().index(), 0);
    }
}
