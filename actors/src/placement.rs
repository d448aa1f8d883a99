//! Which arbiter carries a connection: pack, then spread.
//!
//! Two connections that talk to each other cost half as much on one arbiter as on two, so new ones go to the first as
//! long as it has time and few connections; after that to the one with the least to do. They count from the moment they
//! are placed: a storm of them spreads before the first is open.

use actix::prelude::*;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use vagus_delivery::arbiter::{ArbiterCounters, Arbiters};
use vagus_delivery::dialer::OutcomeSender;
use vagus_delivery::wire::Errand;

/// The first arbiter is busy from this many thousandths of its time.
const BUSY: u64 = 600;

/// The first arbiter gets no more than this many connections before the others get some.
const PACKED: u64 = 64;

/// A handshake that is to come or under way takes so many thousandths of a second of an arbiter, which the load of the
/// last second does not show yet.
const HANDSHAKE_LOAD: u64 = 4;

/// And as much as so many connections that are open.
const HANDSHAKE_CONNECTIONS: u64 = 16;

/// A connection's place on an arbiter and among `max_connections`. Dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Placement {
    /// None once the connection itself counts.
    arbiters: Option<Arc<Arbiters>>,
    arbiter: usize,
    handshake: bool,
    admitted: bool,
}

/// A connection that has a place on an arbiter, on its way to it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Placed {
    /// The socket, which does not block.
    pub(crate) socket: TcpStream,
    /// Its other end; an IPv4 address is given as such even on a listener for both families.
    pub(crate) peer: SocketAddr,
    /// Its place, which is free again if nothing comes of it.
    pub(crate) place: Placement,
    /// Where it was dialled: how the one who did is told what becomes of it.
    pub(crate) outcome: Option<OutcomeSender>,
    /// What the one who dialled wants to be known of it.
    pub(crate) errand: Option<Errand>,
}

impl Placement {
    /// For the next connection, which does or does not begin with a handshake.
    pub(crate) fn choose(arbiters: &Arc<Arbiters>, handshake: bool) -> Self {
        let arbiter = choose(arbiters.of_connections());
        if let Some(counters) = arbiters.counters.get(arbiter) {
            counters.connection_placed();
            if handshake {
                counters.handshake_placed();
            }
        }
        Self {
            arbiters: Some(arbiters.clone()),
            arbiter,
            handshake,
            admitted: false,
        }
    }

    pub(crate) fn arbiter(&self) -> usize {
        self.arbiter
    }

    /// Whether there is room for one more; `limit` 0 is no limit. It counts from then on.
    pub(crate) fn admit(&mut self, limit: usize) -> bool {
        self.admitted = self
            .arbiters
            .as_ref()
            .is_some_and(|arbiters| arbiters.admit(limit));
        self.admitted
    }

    /// It does not count among `max_connections` any more.
    pub(crate) fn dismiss(&mut self) {
        if std::mem::take(&mut self.admitted)
            && let Some(arbiters) = &self.arbiters
        {
            arbiters.dismiss();
        }
    }

    /// The connection is open: it has the place now, and gives it back itself.
    pub(crate) fn hand_on(mut self) {
        self.end_handshake();
        self.arbiters = None;
    }

    fn end_handshake(&mut self) {
        if std::mem::take(&mut self.handshake)
            && let Some(counters) = self.counters()
        {
            counters.handshake_over();
        }
    }

    fn counters(&self) -> Option<&ArbiterCounters> {
        self.arbiters.as_ref()?.counters.get(self.arbiter)
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        self.end_handshake();
        if let Some(counters) = self.counters() {
            counters.connection_gone();
        }
        self.dismiss();
    }
}

fn choose(arbiters: &[ArbiterCounters]) -> usize {
    let load = |arbiter: &ArbiterCounters| arbiter.load() + HANDSHAKE_LOAD * arbiter.handshakes();
    let Some(first) = arbiters.first() else {
        return 0;
    };
    let connections = first.connections() + HANDSHAKE_CONNECTIONS * first.handshakes();
    if load(first) < BUSY && connections < PACKED {
        return 0;
    }
    let by_load = |arbiter: &ArbiterCounters| (load(arbiter) / 100, arbiter.connections());
    (0..arbiters.len())
        .min_by_key(|number| by_load(&arbiters[*number]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{ArbiterCounters, Arbiters, BUSY, HANDSHAKE_CONNECTIONS, PACKED, Placement, choose};
    use std::sync::Arc;

    fn arbiters(state: &[(u64, u64)]) -> Vec<ArbiterCounters> {
        let arbiter = |&(load, connections): &(u64, u64)| {
            let counters = ArbiterCounters::default();
            counters.set_load(load);
            (0..connections).for_each(|_| counters.connection_placed());
            counters
        };
        state.iter().map(arbiter).collect()
    }

    #[track_caller]
    fn check(state: &[(u64, u64)], expected: usize) {
        assert_eq!(choose(&arbiters(state)), expected, "{state:?}");
    }

    #[test]
    fn packs_then_spreads() {
        check(&[(0, 0), (0, 0)], 0);
        check(&[(BUSY - 1, PACKED - 1), (0, 0)], 0);
        check(&[(BUSY, 1), (0, 0)], 1);
        check(&[(0, PACKED), (0, 0)], 1);
        check(&[(0, PACKED), (0, PACKED)], 0);
        check(&[(900, 2), (950, 1), (100, 30)], 2);
        check(&[], 0);
    }

    /// How many connections and handshakes each arbiter has.
    fn counts(arbiters: &Arbiters) -> Vec<(u64, u64)> {
        let count = |arbiter: &ArbiterCounters| (arbiter.connections(), arbiter.handshakes());
        arbiters.counters.iter().map(count).collect()
    }

    #[test]
    fn a_storm_of_handshakes_spreads_before_any_is_over() {
        let arbiters = Arc::new(Arbiters::new(2));
        let storm: Vec<Placement> = (0..1000).map(|_| Placement::choose(&arbiters, true)).collect();
        let few = usize::try_from(PACKED / HANDSHAKE_CONNECTIONS).unwrap();
        assert!(storm.iter().take(few).all(|place| place.arbiter() == 0));
        for (connections, handshakes) in counts(&arbiters) {
            assert_eq!(connections, handshakes);
            assert!((450..=550).contains(&handshakes), "{handshakes}");
        }
        drop(storm);
        assert_eq!(counts(&arbiters), [(0, 0), (0, 0)]);
    }

    #[test]
    fn one_that_is_busy_gets_none_of_a_storm_at_first() {
        let arbiters = Arc::new(Arbiters::new(2));
        arbiters.counters[0].set_load(900);
        let storm: Vec<Placement> = (0..100).map(|_| Placement::choose(&arbiters, true)).collect();
        assert!(storm.iter().all(|place| place.arbiter() == 1));
    }

    #[test]
    fn one_that_carries_no_connections_gets_none() {
        let arbiters = Arc::new(Arbiters::with_others(2, 1));
        arbiters.counters[0].set_load(900);
        let storm: Vec<Placement> = (0..1000).map(|_| Placement::choose(&arbiters, true)).collect();
        assert!(storm.iter().all(|place| place.arbiter() < 2));
    }

    #[test]
    fn a_place_is_given_back_once() {
        let arbiters = Arc::new(Arbiters::new(1));
        let mut refused = Placement::choose(&arbiters, false);
        let mut place = Placement::choose(&arbiters, true);
        assert!(place.admit(1));
        assert!(!refused.admit(1));
        assert_eq!(counts(&arbiters), [(2, 1)]);
        drop(refused);
        assert_eq!(counts(&arbiters), [(1, 1)]);
        assert!(!Placement::choose(&arbiters, false).admit(1));
        drop(place);
        assert_eq!(counts(&arbiters), [(0, 0)]);
        let mut open = Placement::choose(&arbiters, true);
        assert!(open.admit(1));
        open.hand_on();
        assert_eq!(counts(&arbiters), [(1, 0)]);
        assert!(!Placement::choose(&arbiters, false).admit(1));
    }
}
