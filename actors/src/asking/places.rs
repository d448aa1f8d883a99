//! How many questions are under way, and whose.

use crate::slow_work::whole;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;

/// How many questions may be under way.
pub(super) const QUESTIONS_AT_ONCE: usize = 2048;

/// An address has less than this part of the places that are left, or gets no other.
const PART: usize = 8;

/// The places of questions. What an address may have depends on what is left: one that asks without end leaves eight ninths to
/// others, and dozens that do still leave some to those who have none.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize, RandomState>,
}

impl Places {
    /// A place for a question of who connects from there; None if it has too many.
    pub(super) fn take(&self, source: IpAddr) -> Option<Place> {
        let source = whole(source);
        let mut taken = self.0.lock();
        let left = QUESTIONS_AT_ONCE - taken.all;
        let has = taken.of.get(&source).copied().unwrap_or(0);
        if has * PART >= left {
            return None;
        }
        taken.of.insert(source, has + 1);
        taken.all += 1;
        Some(Place {
            places: self.clone(),
            source,
        })
    }
}

/// The place of a question, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    source: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        taken.all -= 1;
        if let Some(has) = taken.of.get_mut(&self.source) {
            *has -= 1;
            if *has == 0 {
                taken.of.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PART, Place, Places, QUESTIONS_AT_ONCE};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn from(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    fn all(places: &Places, source: IpAddr) -> Vec<Place> {
        std::iter::from_fn(|| places.take(source)).collect()
    }

    #[test]
    fn who_asks_without_end_leaves_places_to_others() {
        let places = Places::default();
        let first = all(&places, from(1));
        assert_eq!(first.len(), QUESTIONS_AT_ONCE.div_ceil(PART + 1));
        // Others that do the same get less and less, and who has none finds one.
        let mut held = vec![first];
        for number in 2..40 {
            held.push(all(&places, from(number)));
        }
        assert!(held.is_sorted_by(|one, next| one.len() >= next.len() && !next.is_empty()));
        assert!(places.take(from(1000)).is_some());
        drop(held);
        assert_eq!(all(&places, from(7)).len(), QUESTIONS_AT_ONCE.div_ceil(PART + 1));
        assert!(places.0.lock().of.is_empty() && places.0.lock().all == 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let places = Places::default();
        let address = |last| IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, last));
        let held: Vec<_> = (0..u16::MAX)
            .map_while(|last| places.take(address(last)))
            .collect();
        assert_eq!(held.len(), QUESTIONS_AT_ONCE.div_ceil(PART + 1));
        assert!(places.take(from(1)).is_some());
    }
}
