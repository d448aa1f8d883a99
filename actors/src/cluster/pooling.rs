//! Which accounts share which connection between two servers.
//!
//! As in nats-server: an account that is pinned has a route of its own to each other server; all others are spread over the
//! connections of a pool, by the hash of their names. Each server goes by the size of its own pool, so interest in an
//! account may come by another connection than the one it is told on. Messages go by that which their interest came by.

use serde::Serialize;
use vagus_routing::fnv_1a;

/// How a server would have its routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pooling {
    /// How many connections there are to each other server; 0 for one that knows of no pool, and has one for everything.
    pub size: usize,
    /// The accounts that have routes of their own.
    pub pinned: Vec<Box<str>>,
}

/// What a connection is among those with the same server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Seat {
    /// It is the only one: one of the two servers knows of no pool.
    Only,
    /// It is this one of the pool.
    Pooled(usize),
    /// It is for this account alone.
    Pinned(Box<str>),
}

impl Pooling {
    /// Whether the account has routes of its own.
    pub fn is_pinned(&self, account: &str) -> bool {
        self.pinned.iter().any(|pinned| **pinned == *account)
    }

    /// Whether other servers are told on a connection what is wanted in an account.
    pub fn carries(&self, seat: &Seat, account: &str) -> bool {
        match seat {
            Seat::Only => true,
            Seat::Pooled(index) => !self.is_pinned(account) && self.index_of(account) == *index,
            Seat::Pinned(pinned) => **pinned == *account,
        }
    }

    fn index_of(&self, account: &str) -> usize {
        let size = u32::try_from(self.size).unwrap_or(u32::MAX);
        fnv_1a([account.as_bytes()]).checked_rem(size).unwrap_or(0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{Pooling, Seat};

    fn pooling(size: usize, pinned: &[&str]) -> Pooling {
        let pinned = pinned.iter().map(|&name| name.into()).collect();
        Pooling { size, pinned }
    }

    /// By what nats-server computes.
    #[test]
    fn accounts_are_spread_by_their_names() {
        for (size, indexes) in [
            (0, [0, 0, 0, 0]),
            (1, [0, 0, 0, 0]),
            (3, [2, 0, 0, 0]),
            (10, [8, 0, 2, 9]),
        ] {
            let pooling = pooling(size, &[]);
            let found = ["$G", "$SYS", "A", "B"].map(|account| pooling.index_of(account));
            assert_eq!(found, indexes, "{size}");
        }
    }

    #[test]
    fn each_account_is_carried_by_one_connection() {
        let pooling = pooling(3, &["P"]);
        let seats = [
            Seat::Pooled(0),
            Seat::Pooled(1),
            Seat::Pooled(2),
            Seat::Pinned("P".into()),
        ];
        for account in ["$G", "A", "B", "C", "D", "E", "P"] {
            let carrying = seats.iter().filter(|seat| pooling.carries(seat, account));
            assert_eq!(carrying.count(), 1, "{account}");
            assert!(pooling.carries(&Seat::Only, account));
        }
        assert!(pooling.carries(&seats[3], "P"));
    }
}
